// Checks all that a database has of one project, entry by entry in the order of the keys, and mends what can be mended from
// the rest of it. The verification makes one for each project.

import { hasCode } from '../errors.ts';
import { checkEntry, nameOfPart } from './check-entry.ts';
import { RecordCheck, type Mend } from './check-records.ts';
import { SnapshotCheck } from './check-snapshots.ts';
import { isObjectKind, type ObjectKind } from '../model/objects.ts';
import { seal, unseal } from './digest.ts';
import type { Finding } from './findings.ts';
import { postingsAround } from './group-postings.ts';
import { readNumber } from './key-parts.ts';
import { ProjectKeys } from './keys.ts';
import { readPlace } from './read-place.ts';
import { readArrivalKey, readLastNumber, readSequenceKey, type StoredKey } from './read-key.ts';
import { purgeKey, unfinishedKey } from './store-keys.ts';
import { LostChanges } from './lost-changes.ts';
import { readProjectInfo, type ProjectInfo } from './project-info.ts';
import { writeQuarantine, type MissingChange } from './quarantine.ts';
import { decodeRecord, decodeRecordOrNull } from './record.ts';
import { credible } from './recover-heads.ts';
import { removeRange } from './remove-range.ts';
import { removeSnapshot } from './snapshots.ts';
import { firstOf, type Entry, type Store, type Write } from './store.ts';
import { writeUdtChange } from './udt-changes.ts';
import type { WitnessedHeads } from './witnessed-heads.ts';

type DataKey = Extract<StoredKey, { type: 'data' }>;

export interface ProjectCheckOptions {
  /** Whether what can be mended is. */
  readonly isRepair: boolean;
  readonly nowMs: number;
  readonly onFinding: (finding: Finding) => void;
  /** What the witness knows of a project. */
  readonly witnessed: (project: string) => Promise<WitnessedHeads | undefined>;
  /** Runs a repair where nothing else writes to what keeps the project small. */
  readonly alone: (project: string, repair: () => Promise<void>) => Promise<void>;
  /** A part of the index was removed and has to be made again. */
  readonly onReindex: (project: string) => void;
  /** How many changes are wanted back from another server; a repair has noted which. */
  readonly onLost: (project: string, count: number) => void;
}

export class ProjectCheck {
  private readonly lost = new LostChanges();
  private readonly mends: Mend[] = [];
  private readonly broken: { readonly position: number; readonly problem: string }[] = [];
  private readonly harmless: string[] = [];
  private readonly records: RecordCheck;
  private readonly snapshots = new SnapshotCheck();
  private readonly keys: ProjectKeys;
  private entries = 0;
  private hasQuarantine = false;
  /** Whether something that another server has sent is being taken: what is missing is in it (REP-7). */
  private isTaking = false;
  private needsIndex = false;
  private info: ProjectInfo | undefined;
  private infoProblem: string | null = null;

  private constructor(
    private readonly store: Store,
    readonly project: string,
    private readonly options: ProjectCheckOptions,
  ) {
    this.keys = new ProjectKeys(project);
    this.records = new RecordCheck(
      store,
      this.keys,
      this.lost,
      (mend) => this.mends.push(mend),
      (position, problem) => this.broken.push({ position, problem }),
    );
  }

  static async begin(store: Store, project: string, options: ProjectCheckOptions): Promise<ProjectCheck> {
    const check = new ProjectCheck(store, project, options);
    try {
      check.info = await readProjectInfo(store, project);
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      check.infoProblem = 'its entry in the catalogue is damaged'; // told where the catalogue is read
    }
    return check;
  }

  async take(entry: Entry, place: DataKey): Promise<void> {
    this.entries++;
    switch (place.section) {
      case 'record':
        this.records.takeRecord(entry);
        break;
      case 'sequence':
        if (this.records.hasPending) await this.checkPlaces(); // what is mended there counts as there
        this.records.takeSequence(entry);
        break;
      case 'snapshot':
        this.snapshots.take(entry);
        break;
      default:
        this.takeOther(entry, place);
    }
  }

  /** To be called between two pages. */
  checkPlaces(): Promise<void> {
    return this.records.checkPlaces();
  }

  async end(): Promise<void> {
    await this.checkPlaces();
    this.records.end();
    const { project, options } = this;
    const now = await this.presentInfo();
    if (now?.purgedMs !== undefined) {
      await this.endPurged();
      return;
    }
    const isKnown = now !== undefined || this.infoProblem !== null;
    if (!isKnown && !(await this.isOrphan())) return; // it is being created, or that was given up
    const isRepair = options.isRepair && isKnown;
    await this.checkHeads(now);
    for (const { position, problem } of this.broken) this.tell({ position, problem, remedy: 'peer' });
    for (const finding of this.lost.findings(project)) options.onFinding(finding);
    for (const problem of this.harmless) this.tell({ problem, remedy: 'harmless' });
    await this.checkSnapshots();
    if (!isKnown)
      this.tell({
        problem: 'the catalogue has lost its entry, and it may have been deleted',
        remedy: 'peer',
      });
    if (isRepair) await options.alone(project, () => this.repair());
    const remedy = isRepair ? 'mended' : 'mendable';
    for (const { position, problem } of this.mends) this.tell({ position, problem, remedy });
    if (isRepair && this.needsIndex) options.onReindex(project);
    if (isKnown) options.onLost(project, this.lost.changes);
  }

  private takeOther(entry: Entry, place: DataKey): void {
    if (place.section === 'quarantine') this.hasQuarantine = true;
    if (place.section === 'arrivals' && readArrivalKey(entry.key).part === null) this.isTaking = true;
    try {
      checkEntry(entry, place);
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      this.takeDamaged(entry.key, place);
    }
  }

  /** Everything but records and what leads to them, which are checked together. */
  private takeDamaged(key: Uint8Array, place: DataKey): void {
    const { section } = place;
    const name = nameOfPart(key, place);
    const mend = (writes: () => Promise<readonly Write[]>, position: number | null = null): void =>
      void this.mends.push({ position, problem: `${name} is damaged`, writes });
    const put =
      (...writes: Write[]): (() => Promise<readonly Write[]>) =>
      () =>
        Promise.resolve(writes);
    switch (section) {
      case 'record':
      case 'sequence':
      case 'snapshot':
        return; // they have checks of their own
      case 'uuid':
        return; // found from the record; where that is lost nobody needs it
      case 'arrivals':
        this.harmless.push(`${name} is damaged: it is asked for again`);
        return;
      case 'version':
        this.harmless.push(`${name} is damaged: clients that know an older one are sent the whole state`);
        return;
      case 'postings':
        mend(() => this.postingAnew(key), readLastNumber(key));
        return;
      case 'udtChanges':
        mend(put(...writeUdtChange(this.keys, readLastNumber(key), null)), readLastNumber(key));
        return;
      case 'unkeptPatches':
        mend(put({ key, value: seal(key, new Uint8Array()) }), readLastNumber(key));
        return;
      case 'unordered':
        mend(put({ key, value: seal(key, new Uint8Array()) }));
        return;
      case 'repeats':
        mend(() => this.repeatAnew(key), readLastNumber(key));
        return;
      case 'indexMark':
        this.needsIndex = true;
        mend(put({ key, value: null }));
        return;
      case 'clients':
      case 'topLevelKeys':
      case 'idempotency':
      case 'samples':
      case 'upkeep':
      case 'quarantine':
        mend(put({ key, value: null })); // one that is damaged is as good as none
    }
  }

  private async postingAnew(key: Uint8Array): Promise<readonly Write[]> {
    const writes = await postingsAround(this.store, this.keys, readLastNumber(key));
    const anew = writes.find((write) => Buffer.compare(write.key, key) === 0);
    return [anew ?? { key, value: null }];
  }

  /** Whether the content is that of the first record of the uuid. One that can't be compared counts as another. */
  private async repeatAnew(key: Uint8Array): Promise<readonly Write[]> {
    const record = await this.store.get(this.keys.record(readLastNumber(key)));
    if (!record) return [{ key, value: null }];
    const { kind, object } = decodeRecord(record);
    const first = object && isObjectKind(kind) ? await this.firstOfUuid(kind, object) : null;
    const isSame = object && first ? Buffer.compare(first, object) === 0 : false;
    return [{ key, value: seal(key, Uint8Array.of(isSame ? 0 : 1)) }];
  }

  private async firstOfUuid(kind: ObjectKind, object: Uint8Array): Promise<Uint8Array | null> {
    const uuidKey = this.keys.uuid(kind, uuidOf(object));
    const place = await this.store.get(uuidKey);
    const record = place && (await this.store.get(this.keys.record(readNumber(unseal(uuidKey, place)))));
    return record ? decodeRecord(record).object : null;
  }

  /** What is known to have been given out and is not here. The log may have gone on since it was read. */
  private async checkHeads(info: ProjectInfo | undefined): Promise<void> {
    const witnessed = credible(await this.options.witnessed(this.project), info); // before the log: that may go on meanwhile
    const last = await firstOf(this.store, { ...this.keys.allRecords(), reverse: true });
    const end = last ? readLastNumber(last.key) : 0;
    const { damage } = info ?? {};
    const given = Math.max(damage?.position ?? 0, witnessed?.position ?? 0, this.records.lastPlace);
    if (given > end)
      this.lost.addPositions(Math.max(this.records.lastPosition, end) + 1, given, 'is missing');
    this.records.identifyBehind();
    for (const [serverId, seqno] of damage?.vector ?? []) this.records.expectUpTo(serverId, seqno);
    if (!witnessed) return;
    const { serverId, seqno } = witnessed;
    const range = { from: this.keys.sequence(serverId, 0), before: this.keys.sequence(serverId + 1, 0) };
    const head = await firstOf(this.store, { ...range, reverse: true });
    if (seqno > (head ? readSequenceKey(head.key).seqno : 0)) this.records.expectUpTo(serverId, seqno);
  }

  private async checkSnapshots(): Promise<void> {
    const { whole, damaged } = this.snapshots;
    const covered = Math.max(0, ...whole);
    const isLogEnough = this.records.compactedTo <= covered;
    for (const { position, problem } of damaged) {
      const told = `the snapshot at position ${position}: ${problem}`;
      if (!isLogEnough) this.tell({ position, problem: told, remedy: 'peer' });
      else
        this.mends.push({
          position,
          problem: told,
          writes: async () => {
            await removeSnapshot(this.store, this.keys, position);
            return [];
          },
        });
    }
    if (isLogEnough || this.isTaking) return;
    const { compactedTo } = this.records;
    const problem = `the updates up to position ${compactedTo} were dropped, and no snapshot that is whole covers them: the document can't be opened`;
    this.tell({ position: compactedTo, problem, remedy: 'peer' });
    await this.findLostUpdates(covered + 1, compactedTo);
  }

  /** Another server may have compacted less. */
  private async findLostUpdates(first: number, last: number): Promise<void> {
    for await (const page of this.store.scan(this.keys.records(first, last)))
      for (const { key, value } of page) {
        const record = decodeRecordOrNull(value);
        if (record?.groupIndex !== 0 || record.update) continue;
        const { serverId, seqno } = record;
        this.lost.addUpdate({ serverId, seqno, position: readLastNumber(key) });
      }
  }

  private async repair(): Promise<void> {
    if ((await this.presentInfo())?.purgedMs !== undefined) return; // meanwhile
    for (const { writes } of this.mends) await this.store.write(await writes());
    if (!this.hasQuarantine && this.lost.count === 0) return;
    const missing: MissingChange[] = [];
    for (const change of this.lost.list()) if (await this.isStillLost(change)) missing.push(change);
    await this.store.write([writeQuarantine(this.keys, this.options.nowMs, missing)]);
  }

  /** It may have been written, or put back, since the log was read. */
  private async isStillLost({ serverId, seqno, position }: MissingChange): Promise<boolean> {
    let place: number | null = position;
    if (position === 0) {
      const key = this.keys.sequence(serverId, seqno);
      const sealed = await this.store.get(key);
      place = sealed ? readPlace(key, sealed) : null;
      if (place === null) return true;
    }
    const stored = await this.store.get(this.keys.record(place));
    const record = stored && decodeRecordOrNull(stored);
    if (!record) return true;
    return record.groupIndex === 0 && !record.update && this.lost.isWithoutUpdate(place);
  }

  /** Nothing should be left of it. A repair of LevelDB's may have brought something back. */
  private async endPurged(): Promise<void> {
    if (this.info?.purgedMs === undefined || (await this.store.get(purgeKey(this.project)))) return; // under way
    const { isRepair, alone } = this.options;
    if (isRepair) await alone(this.project, () => removeRange(this.store, this.keys.all()));
    const problem = `${this.entries} entries are left of it, though it was deleted for good`;
    this.tell({ problem, remedy: isRepair ? 'mended' : 'mendable' });
  }

  private async presentInfo(): Promise<ProjectInfo | undefined> {
    return this.infoProblem === null ? readProjectInfo(this.store, this.project) : undefined;
  }

  /** It has data, and neither the catalogue nor who creates it knows of it. */
  private async isOrphan(): Promise<boolean> {
    if (await this.store.get(unfinishedKey(this.project))) return false;
    if (await readProjectInfo(this.store, this.project)) return false; // it was finished meanwhile
    return (await firstOf(this.store, this.keys.allButArrivals())) !== undefined;
  }

  private tell(finding: Pick<Finding, 'problem' | 'remedy'> & { readonly position?: number | null }): void {
    this.options.onFinding({ project: this.project, numbers: null, position: null, ...finding });
  }
}

function uuidOf(object: Uint8Array): string {
  const value = JSON.parse(Buffer.from(object).toString('utf8')) as { readonly version_uuid?: unknown };
  return String(value.version_uuid);
}
