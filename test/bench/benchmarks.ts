// All benchmarks by name.

import type { Benchmark } from './benchmark.ts';
import { catchUp } from './catch-up.ts';
import { create } from './create.ts';
import { fanOut } from './fan-out.ts';
import { idle } from './idle.ts';
import { many } from './many.ts';
import { millionObjects } from './million-objects.ts';
import { million } from './million.ts';
import { open } from './open.ts';
import { patch } from './patch.ts';
import { poll } from './poll.ts';
import { replication } from './replication.ts';
import { snapshotDelay } from './snapshot-delay.ts';
import { upload, upload64 } from './upload.ts';

export const benchmarks: Readonly<Record<string, Benchmark>> = {
  poll,
  'catch-up': catchUp,
  'fan-out': fanOut,
  upload,
  'upload-64': upload64,
  patch,
  create,
  million,
  'million-objects': millionObjects,
  open,
  'snapshot-delay': snapshotDelay,
  idle,
  many,
  replication,
};
