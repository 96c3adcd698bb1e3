// Uploads a report file for `rejoin upload`: reads it, asks what the server has of the report, and sends what is missing.

import type { RefusedWrite } from '../client/client-events.ts';
import { MemoryStorage } from '../client/memory-storage.ts';
import type { KeptObject, Place } from '../client/storage.ts';
import { RejoinError } from '../errors.ts';
import { readReportCsv, readReportJson } from '../files/read-report.ts';
import { realEnvironment } from '../model/environment.ts';
import type { Json } from '../model/json.ts';
import { checkObject } from '../model/objects.ts';
import { printTime } from '../model/time.ts';
import { clipRows, type ClipRows } from './clip-rows.ts';
import { KnownReport } from './known-report.ts';
import { packageVersion } from '../package-version.ts';
import { planUpload, type PlannedEntry } from './plan-upload.ts';
import { Progress } from './progress.ts';
import { nameOfInput, readFileAs } from './read-file.ts';
import type { UploadOrder } from './upload-order.ts';
import { withClient } from './with-client.ts';

/** @throws RejoinError in a sentence what keeps the file, or a part of it, from being uploaded. */
export async function runUpload(order: UploadOrder): Promise<void> {
  const progress = await Progress.open(!order.isQuiet);
  try {
    const table = await readRows(order, progress);
    progress.start(`Asking what the server has of ${order.report}`);
    const { known, vector } = await readKnown(order);
    const { project, reason } = order;
    const planned = planUpload(table.rows, known, { project, key: table.key, reason });
    const onProgress = progress.start(`Uploading ${nameOfInput(order.file)}`);
    const refused = planned.length > 0 ? await send(planned, vector, order, onProgress) : [];
    progress.stop();
    if (!order.isQuiet) process.stdout.write(summary(table, planned, refused.length, order));
    tellRefused(planned, refused, order);
  } finally {
    progress.stop();
  }
}

function readRows({ file, format, clip, key }: UploadOrder, progress: Progress): Promise<ClipRows> {
  const read = format === 'csv' ? readReportCsv : readReportJson;
  return readFileAs(file, progress, (text) => clipRows(read(text), { clip, key }));
}

/** What the server has of the report, and the version vector of that. */
async function readKnown(order: UploadOrder): Promise<{ known: KnownReport; vector: readonly Place[] }> {
  const known = new KnownReport(order.report);
  return withClient({ ...order, storage: new MemoryStorage() }, async (client) => {
    const stream = client.follow(order.project, { entries: true }, (message) => {
      if (message['type'] === 'entry') known.add(message);
      else if (message['type'] === 'sync') stream.close();
    });
    await stream.ended;
    return { known, vector: stream.vector };
  });
}

/** Resolves when the server has answered for all of them. @returns those that it will not take. */
async function send(
  planned: readonly PlannedEntry[],
  vector: readonly Place[],
  order: UploadOrder,
  onProgress: (done: number, total: number) => void,
): Promise<RefusedWrite[]> {
  const storage = new MemoryStorage();
  const authortime = printTime(realEnvironment.now());
  const queued = planned.map((entry) => objectOf(entry, { report: order.report, vector, authortime }));
  await storage.apply({ project: order.project, queued });
  return withClient({ ...order, storage }, async (client) => {
    const refused: RefusedWrite[] = [];
    client.on('refused', (write) => refused.push(write));
    client.on('status', ({ pending }) => onProgress(planned.length - pending, planned.length));
    await client.flushed();
    return refused;
  });
}

interface Circumstances {
  readonly report: string;
  /** What its author has seen. */
  readonly vector: readonly Place[];
  readonly authortime: string;
}

function objectOf(
  { entryUuid, versionUuid, fields }: PlannedEntry,
  { report, vector, authortime }: Circumstances,
): KeptObject {
  const names = { report_uuid: report, entry_uuid: entryUuid, version_uuid: versionUuid };
  const archivetime = vector.map((pair): Json => pair);
  const value = checkObject('entry', { ...names, ...fields, archivetime, authortime }, 'The row');
  return { kind: 'entry', versionUuid, value };
}

function summary(
  { rows }: ClipRows,
  planned: readonly PlannedEntry[],
  refused: number,
  { url, project, file, report }: UploadOrder,
): string {
  const edits = planned.filter(({ isEdit }) => isEdit).length;
  const counts = [
    `${planned.length - edits} new`,
    ...(edits > 0 ? [`${edits} changed`] : []),
    `${rows.length - planned.length} there already`,
    ...(refused > 0 ? [`${refused} of them refused`] : []),
  ];
  return [
    `rejoin ${packageVersion()} uploaded ${nameOfInput(file)}: ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`,
    `  rows      ${counts.join(', ')}`,
    `  report    ${report}`,
    `  project   ${project} on ${url.href}`,
    '',
  ].join('\n');
}

/** @throws RejoinError that names the first row that the server will not take. */
function tellRefused(
  planned: readonly PlannedEntry[],
  [first, ...others]: readonly RefusedWrite[],
  { file }: UploadOrder,
): void {
  if (!first) return;
  const place = planned.find(({ versionUuid }) => versionUuid === first.versionUuid)?.place ?? 'one place';
  const more = others.length > 0 ? `, and ${others.length} more rows` : '';
  throw new RejoinError(
    'bad-request',
    `The server refuses what ${nameOfInput(file)} has at ${place}${more}: ${first.message}`,
  );
}
