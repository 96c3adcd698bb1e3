// Reads the logs of a killed server from a copy of its folder, so that the folder itself stays as the kill has left it:
// numbers are dense, groups are whole, and nothing that was there after an earlier kill has changed.

import { createHash } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { LevelStore } from '../../../src/store/level.ts';
import { readLife } from '../../../src/store/life.ts';
import type { Change } from '../../../src/store/change.ts';
import { ProjectLog } from '../../../src/store/project-log.ts';
import type { Store } from '../../../src/store/store.ts';
import { removeFolder, temporaryFolder } from '../../support/temporary.ts';
import { checkVersions } from './check-versions.ts';
import type { Ledger } from './ledger.ts';
import type { Streamed } from './stream-socket.ts';
import type { Traffic } from './traffic.ts';

/** Where an object stands, as streams should show it: in the order of the log. */
export type Place = Pick<Streamed, 'serverId' | 'seqno' | 'kind'>;

/** @returns per project, where its objects stand in the log. */
export async function checkLogs(
  data: string,
  traffics: readonly Pick<Traffic, 'projects' | 'ledger'>[],
): Promise<Map<string, Place[]>> {
  const copy = await temporaryFolder();
  try {
    await cp(data, copy, { recursive: true });
    const store = await LevelStore.open(join(copy, 'db'));
    try {
      const places = new Map<string, Place[]>();
      for (const { projects, ledger } of traffics) {
        for (const project of projects) places.set(project, await checkLog(store, project, ledger));
      }
      return places;
    } finally {
      await store.close();
    }
  } finally {
    await removeFolder(copy);
  }
}

async function checkLog(store: Store, project: string, ledger: Ledger): Promise<Place[]> {
  const life = await readLife(store);
  const log = await ProjectLog.open(store, project, life?.serverId ?? 0);
  if (log.newDamage !== null) ledger.report('hole', log.newDamage);
  const reader = new LogReader(project, ledger);
  try {
    for await (const page of log.read(1, log.durablePosition)) {
      for (const change of page) reader.read(change);
    }
  } catch (error) {
    ledger.report('hole', `the log of ${project} can't be read: ${String(error)}`);
  }
  reader.end(log.durableVector);
  await checkIndexes(log, reader, ledger);
  await checkVersions(store, log, reader.udt, ledger);
  return reader.places;
}

class LogReader {
  readonly places: Place[] = [];
  readonly uuids: { kind: Place['kind']; versionUuid: string }[] = [];
  readonly udt = { changes: 0, isSession: false };
  private readonly heads = new Map<number, number>();
  private group: { serverId: number; size: number; read: number } | null = null;

  constructor(
    private readonly project: string,
    private readonly ledger: Ledger,
  ) {}

  read(change: Change): void {
    const { serverId, seqno, kind, object } = change;
    const expected = (this.heads.get(serverId) ?? 0) + 1;
    if (seqno !== expected)
      this.ledger.report('hole', `${this.project}: [${serverId}, ${seqno}] where ${expected} is due`);
    this.heads.set(serverId, seqno);
    this.ledger.sawNumber(`logged ${this.project} ${serverId}`, seqno, contentOf(change));
    this.ledger.sawNumber(`position ${this.project}`, change.position, `${serverId} ${seqno}`);
    this.readGroup(change);
    if (kind === 'udt') this.udt.changes++;
    if (kind === 'session' || kind === 'closing') this.udt.isSession = true;
    if (kind !== 'entry' && kind !== 'thread' && kind !== 'comment') return;
    this.places.push({ serverId, seqno, kind });
    const value = JSON.parse(Buffer.from(object ?? []).toString('utf8')) as { version_uuid: string };
    this.uuids.push({ kind, versionUuid: value.version_uuid });
  }

  end(vector: ReadonlyMap<number, number>): void {
    if (this.group) this.ledger.report('hole', `${this.project} ends within a group`);
    for (const [serverId, head] of vector) {
      if (this.heads.get(serverId) !== head)
        this.ledger.report(
          'hole',
          `${this.project}: the sequence of ${serverId} ends at ${head}, its log not`,
        );
    }
    // Nothing that was there at an earlier kill may be missing now.
    for (const [serverId, head] of this.heads) {
      const name = `${this.project} ${serverId}`;
      if (head < (this.ledger.logHeads.get(name) ?? 0))
        this.ledger.report('lost', `the log of ${name} was longer than ${head} before`);
      this.ledger.logHeads.set(name, head);
    }
  }

  private readGroup({ serverId, seqno, groupIndex, groupSize, update }: Change): void {
    const group = this.group ?? { serverId, size: groupSize, read: 0 };
    const isNext = groupIndex === group.read && groupSize === group.size && serverId === group.serverId;
    const isCompacted = this.ledger.mayCompact && update === null;
    if (!isNext || (!isCompacted && (update !== null) !== (groupIndex === 0)))
      this.ledger.report('hole', `${this.project}: [${serverId}, ${seqno}] is out of its group`);
    group.read++;
    this.group = group.read < group.size ? group : null;
  }
}

/** Tells any two records apart that could stand under one number. */
function contentOf({ kind, timeMs, groupSize, object, update }: Change): string {
  const hash = createHash('sha256')
    .update(object ?? '')
    .update(update ?? '');
  return `${kind} ${timeMs} ${groupSize} ${hash.digest('base64')}`;
}

/** What is written beside the log in the same batch. */
async function checkIndexes(log: ProjectLog, { uuids }: LogReader, ledger: Ledger): Promise<void> {
  for (const { kind, versionUuid } of uuids) {
    if (!(await log.hasObject(kind, versionUuid)))
      ledger.report('rule', `${log.project}: the uuid of ${kind} ${versionUuid} is not indexed`);
  }
}
