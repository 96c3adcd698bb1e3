// What `rejoin upload` was asked to do.

import type { UdtFormat } from './udt-format.ts';

/** What to upload, and where to. */
export interface UploadOrder {
  readonly url: URL;
  readonly project: string;
  readonly file: string;
  readonly format: UdtFormat;
  readonly report: string;
  readonly clip: string | undefined;
  readonly key: string | undefined;
  readonly reason: string;
  /** After so long without a connection it gives up. */
  readonly waitMs: number;
  readonly isQuiet: boolean;
}
