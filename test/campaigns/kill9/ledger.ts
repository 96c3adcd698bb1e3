// What the world outside the server knows: every write with what it should have left behind, whether it was
// acknowledged, and everything the server has shown. It outlives every kill; the checkers hold the server to it.

import type { JsonObject } from '../../../src/model/json.ts';
import type { ObjectKind } from '../../../src/model/objects.ts';

export type Wire = 'stream' | 'udt' | 'yjs';

/** One thing that a write leaves behind, recognisable by its key or uuid, which no other write uses. */
export type Part =
  /** An object; `fields` are those that its author sent. */
  | {
      readonly type: 'object';
      readonly project: string;
      readonly kind: ObjectKind;
      readonly versionUuid: string;
      readonly fields: JsonObject;
    }
  /** `udt.marks[bucket][key]`. */
  | {
      readonly type: 'mark';
      readonly project: string;
      readonly bucket: string;
      readonly key: string;
      readonly value: string;
    }
  /** An element of `udt.samples`. */
  | { readonly type: 'sample'; readonly project: string; readonly id: string; readonly text: string }
  /** A key of the application's own root map. */
  | { readonly type: 'note'; readonly project: string; readonly key: string; readonly value: string }
  /** The deletion of such a key. */
  | { readonly type: 'no-note'; readonly project: string; readonly key: string };

/** All of its parts are stored or none. */
export interface Write {
  readonly wire: Wire;
  readonly parts: readonly Part[];
  acknowledged: boolean;
}

export type ProblemType =
  /** Something acknowledged or shown is gone, or has become something else. */
  | 'lost'
  /** A number stood for two things. */
  | 'used-twice'
  /** A number is missing in a sequence. */
  | 'hole'
  /** Any other rule: half a write, an object twice, a wrong hash. */
  | 'rule';

export interface Problem {
  readonly type: ProblemType;
  readonly detail: string;
}

export const refusedPauseMs = 50;

export class Ledger {
  readonly writes: Write[] = [];
  readonly problems: Problem[] = [];
  /** The notes that somebody tried to delete: those may be gone. */
  readonly deletions = new Set<string>();
  /** Whether writers may be told that the disk fails: they try again. */
  mayRefuse = false;
  /** How often they were told so. */
  refusals = 0;
  /** Whether updates that a snapshot covers may be gone from the log. */
  mayCompact = false;
  /** How long each log was when it was read last: project and server id → seqno. */
  readonly logHeads = new Map<string, number>();
  private readonly numbers = new Map<string, string>();
  private readonly versions = new Map<string, Map<number, number>>();
  private readonly clocks = new Map<string, Map<number, number>>();

  begin(wire: Wire, parts: readonly Part[]): Write {
    const write = { wire, parts, acknowledged: false };
    this.writes.push(write);
    for (const part of parts) {
      if (part.type === 'no-note') this.deletions.add(`${part.project} ${part.key}`);
    }
    return write;
  }

  report(type: ProblemType, detail: string): void {
    this.problems.push({ type, detail });
  }

  /** A writer was refused. @returns whether it may be, and should try again after `refusedPauseMs`. */
  sawRefusal(code: string): boolean {
    if (!this.mayRefuse || !['unavailable', 'outcome-unknown', '503', '500'].includes(code)) return false;
    this.refusals++;
    return true;
  }

  /** What a number stands for, seen once more: it must be what it was. @param sequence names where it counts. */
  sawNumber(sequence: string, number: number, content: string): void {
    const name = `${sequence} ${number}`;
    const before = this.numbers.get(name);
    if (before === undefined) this.numbers.set(name, content);
    else if (before !== content) this.report('used-twice', `${name}: ${before} and then ${content}`);
  }

  /** A PATCH was answered with this version and hash. */
  sawVersion(session: string, version: number, hash: number): void {
    const versions = entryOf(this.versions, session);
    if (versions.has(version)) this.report('used-twice', `version ${version} of ${session} for two PATCHes`);
    versions.set(version, hash);
  }

  versionsOf(session: string): ReadonlyMap<number, number> {
    return entryOf(this.versions, session);
  }

  /** The server has said that it has a Yjs client's changes up to a clock, exclusive. */
  sawClock(project: string, client: number, clock: number): void {
    const clocks = entryOf(this.clocks, project);
    clocks.set(client, Math.max(clock, clocks.get(client) ?? 0));
  }

  clocksOf(project: string): ReadonlyMap<number, number> {
    return entryOf(this.clocks, project);
  }

  count(wire: Wire, acknowledged: boolean): number {
    return this.writes.filter((write) => write.wire === wire && write.acknowledged === acknowledged).length;
  }

  countProblems(type: ProblemType): number {
    return this.problems.filter((problem) => problem.type === type).length;
  }
}

function entryOf(maps: Map<string, Map<number, number>>, key: string): Map<number, number> {
  let map = maps.get(key);
  if (!map) {
    map = new Map<number, number>();
    maps.set(key, map);
  }
  return map;
}
