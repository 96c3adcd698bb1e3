// Holds the folders of servers that have stopped against each other and the ledger: equal sets of records, no number with two contents,
// no holes, and nothing missing of what was acknowledged (REP-1, REP-3, REP-5, REP-8).

import * as Y from 'yjs';
import type { SeenRecord } from '../../simulation/log-reader.ts';
import { sameDocument } from '../../support/same-document.ts';
import { messageOf } from '../../../src/errors.ts';
import { marksIn, type Ledger } from './ledger.ts';
import { marksOf, nameOf, type FolderLog, type LoggedProject } from './folder-log.ts';

export interface NamedFolder {
  /** For people. */
  readonly name: string;
  readonly log: FolderLog;
}

/**
 * @param documents what the servers served: each log must make it.
 * @returns how many records the folders have in common.
 */
export function checkFolders(
  folders: readonly NamedFolder[],
  ledger: Ledger,
  documents: ReadonlyMap<string, Y.Doc>,
): number {
  const [first, ...others] = folders;
  const updates = updatesIn(folders);
  for (const { name, log } of folders)
    for (const [id, project] of log) {
      checkOrder(`${id} on ${name}`, project, ledger);
      const document = documents.get(id);
      if (document) checkReplay(`${id} on ${name}`, completed(id, project, updates), document, ledger);
    }
  for (const { name, log } of others) {
    for (const id of new Set([...first!.log.keys(), ...log.keys()]))
      checkSame(`${id}: ${first!.name} and ${name}`, first!.log.get(id), log.get(id), ledger);
  }
  for (const folder of folders) checkAcknowledged(folder, updates, documents, ledger);
  return [...first!.log.values()].reduce((sum, { records }) => sum + records.length, 0);
}

/** Sequences without holes, and whole groups. */
function checkOrder(about: string, { records }: LoggedProject, ledger: Ledger): void {
  const heads = new Map<number, number>();
  let missing = 0;
  for (const record of records) {
    const { serverId, seqno, groupIndex, groupSize } = record;
    const due = (heads.get(serverId) ?? 0) + 1;
    if (seqno !== due) ledger.fail(`${about}: ${nameOf(record)} where ${due} is due`);
    heads.set(serverId, seqno);
    if (missing === 0 ? groupIndex !== 0 : groupSize - groupIndex !== missing)
      ledger.fail(`${about}: ${nameOf(record)} is out of its group`);
    missing = groupSize - groupIndex - 1;
  }
  if (missing !== 0) ledger.fail(`${about} ends within a group`);
}

/** The updates of all changes, by project and name, whoever has them. */
type Updates = ReadonlyMap<string, Uint8Array>;

function updatesIn(folders: readonly NamedFolder[]): Updates {
  const updates = new Map<string, Uint8Array>();
  for (const { log } of folders)
    for (const [id, { records }] of log)
      for (const record of records) if (record.update) updates.set(`${id} ${nameOf(record)}`, record.update);
  return updates;
}

interface Completed extends LoggedProject {
  /** So many records come before the first behind which none is compacted: a snapshot stands for them, not their order. */
  readonly compacted: number;
  /** Whether all updates are known. What only snapshots have can't be replayed: it is in the documents, which are compared over the wires. */
  readonly isWhole: boolean;
}

/** With the updates that the server has compacted away: another one has them, under the same digest. */
function completed(id: string, { records, lifecycle }: LoggedProject, updates: Updates): Completed {
  const isCompacted = ({ groupIndex, update }: SeenRecord): boolean => groupIndex === 0 && !update;
  const whole = records.map((record) =>
    isCompacted(record) ? { ...record, update: updates.get(`${id} ${nameOf(record)}`) ?? null } : record,
  );
  const compacted = records.findLastIndex(isCompacted) + 1;
  return { records: whole, lifecycle, compacted, isWhole: !whole.some(isCompacted) };
}

/** Each update must find what it builds on; together they make what is served. */
function checkReplay(
  about: string,
  { records, compacted, isWhole }: Completed,
  served: Y.Doc,
  ledger: Ledger,
): void {
  if (!isWhole) return;
  const doc = new Y.Doc();
  for (const [index, record] of records.entries()) {
    if (!record.update) continue;
    Y.applyUpdate(doc, record.update);
    if (index + 1 < compacted) continue;
    if (!doc.store.pendingStructs && !doc.store.pendingDs) continue;
    ledger.fail(`${about}: ${nameOf(record)} comes before what it builds on`);
    return;
  }
  try {
    sameDocument(doc, served);
  } catch (error) {
    ledger.fail(`${about}: the log makes another document than is served: ${messageOf(error)}`);
  }
}

function checkSame(
  about: string,
  here: LoggedProject | undefined,
  there: LoggedProject | undefined,
  ledger: Ledger,
): void {
  if (!here || !there) {
    ledger.fail(`${about}: only one has it`);
    return;
  }
  if (here.lifecycle !== there.lifecycle)
    ledger.fail(`${about}: lifecycles ${here.lifecycle} and ${there.lifecycle}`);
  const [ours, theirs] = [byName(here.records), byName(there.records)];
  for (const [name, checksum] of ours) {
    const other = theirs.get(name);
    if (other === undefined) ledger.fail(`${about}: only the first has ${name}`);
    else if (other !== checksum) ledger.fail(`${about}: ${name} has two contents`);
  }
  for (const name of theirs.keys()) if (!ours.has(name)) ledger.fail(`${about}: only the second has ${name}`);
}

function byName(records: readonly SeenRecord[]): Map<string, string> {
  return new Map(records.map((record) => [nameOf(record), record.checksum]));
}

function checkAcknowledged(
  { name, log }: NamedFolder,
  updates: Updates,
  documents: ReadonlyMap<string, Y.Doc>,
  ledger: Ledger,
): void {
  const marks = new Map<string, Set<string>>();
  for (const [id, project] of log) {
    const whole = completed(id, project, updates);
    const document = whole.isWhole ? undefined : documents.get(id);
    const inDocument = document ? Buffer.from(Y.encodeStateAsUpdate(document)).toString('latin1') : '';
    marks.set(id, new Set([...marksOf(whole), ...marksIn(inDocument)]));
  }
  for (const [mark, { project, wire }] of ledger.acknowledged)
    if (marks.get(project)?.has(mark) !== true)
      ledger.fail(`${mark} of ${project} was acknowledged on ${wire} and is not on ${name}`);
}

/** Over all folders that there ever were, a number stands for one thing (REP-8). */
export function checkNumbers(logs: readonly FolderLog[], ledger: Ledger): void {
  const contents = new Map<string, string>();
  for (const log of logs)
    for (const [project, { records }] of log)
      for (const record of records) {
        const name = `${project} ${nameOf(record)}`;
        if ((contents.get(name) ?? record.checksum) !== record.checksum)
          ledger.fail(`${name} has two contents`);
        contents.set(name, record.checksum);
      }
}
