// What a project was when its data was whole, and whether what is served of it now is right: all of it, or an earlier state
// of it. Anything else was never written.

import { isDeepStrictEqual } from 'node:util';
import jsonPatch from 'fast-json-patch';
import { isJsonObject, type JsonObject } from '../../../src/model/json.ts';
import type { Operation } from '../../../src/model/json-patch.ts';
import type { ProjectReading } from './read-project.ts';

export interface ProjectTruth {
  readonly project: string;
  readonly reading: ProjectReading;
  /** Of a session: its first state, and what was made of it, version by version. */
  readonly history: SessionHistory | null;
  /** Every note that was ever written, also those that were deleted. */
  readonly notes: ReadonlyMap<string, string>;
}

export interface SessionHistory {
  readonly version: number;
  readonly state: JsonObject;
  readonly patches: readonly (readonly Operation[])[];
}

export interface Comparison {
  /** What is served and was never written. */
  readonly wrong: readonly string[];
  /** What is served without something that belongs to it. */
  readonly lacking: readonly string[];
}

export function compare(served: ProjectReading, truth: ProjectTruth): Comparison {
  const comparison = new Comparing(served, truth);
  comparison.compareObjects();
  comparison.compareUdt();
  comparison.compareDocument();
  return comparison;
}

/** The highest seqno of each server that a client was shown on `/ws`. */
export function shownHeads({ reading }: ProjectTruth): Map<number, number> {
  const heads = new Map<number, number>();
  for (const { serverId, seqno } of reading.objects)
    heads.set(serverId, Math.max(seqno, heads.get(serverId) ?? 0));
  return heads;
}

class Comparing implements Comparison {
  readonly wrong: string[] = [];
  readonly lacking: string[] = [];

  constructor(
    private readonly served: ProjectReading,
    private readonly truth: ProjectTruth,
  ) {}

  compareObjects(): void {
    const { project, reading } = this.truth;
    const texts = new Map<string, string>(
      reading.objects.map(({ serverId, seqno, text }) => [`${serverId} ${seqno}`, text]),
    );
    for (const { serverId, seqno, text } of this.served.objects) {
      const number = `${serverId} ${seqno}`;
      if (texts.get(number) !== text)
        this.wrong.push(`${project}: /ws shows ${text} where ${texts.get(number) ?? 'nothing'} was`);
      texts.delete(number); // a second time is wrong, too
    }
    if (texts.size > 0 && !this.served.failures.some(({ wire }) => wire === 'stream'))
      this.lacking.push(`${project}: /ws lacks ${texts.size} objects`);
  }

  compareUdt(): void {
    const { udt } = this.served;
    const whole = this.truth.reading.udt;
    if (!udt || !whole || isDeepStrictEqual(udt, whole)) return;
    const what = `${this.truth.project}: UDT's API at version ${udt.version}`;
    if (isDeepStrictEqual(udt.state, whole.state)) return; // under another number, which is checked when it is written
    if (this.isEarlier(udt.state)) this.lacking.push(`${what} shows an earlier state`);
    else this.wrong.push(`${what} shows a state that never was`);
  }

  compareDocument(): void {
    const { document, stateVector } = this.served;
    const { document: whole, stateVector: wholeVector } = this.truth.reading;
    if (!document || !whole) return;
    const isWhole = isDeepStrictEqual(document, whole);
    if (isWhole && isDeepStrictEqual(stateVector, wholeVector)) return;
    const { project } = this.truth;
    this.lacking.push(`${project}: /yjs shows a document that lacks something`);
    for (const [client, clock] of stateVector) {
      if (clock > (wholeVector.get(client) ?? 0))
        this.wrong.push(`${project}: /yjs shows more of client ${client} than there was`);
    }
    for (const root of ['entries', 'threads', 'comments']) {
      for (const [key, value] of Object.entries(rootOf(document, root))) {
        if (!isDeepStrictEqual(value, rootOf(whole, root)[key]))
          this.wrong.push(`${project}: /yjs shows another object in ${root} ${key}`);
      }
    }
    for (const [key, value] of Object.entries(rootOf(document, 'notes'))) {
      if (value !== this.truth.notes.get(key)) this.wrong.push(`${project}: /yjs shows another note ${key}`);
    }
    const udt = rootOf(document, 'udt');
    if (!isDeepStrictEqual(udt, rootOf(whole, 'udt')) && !this.isEarlier(udt))
      this.wrong.push(`${project}: /yjs shows a state of udt that never was`);
  }

  /** Whether a session was ever in this state. */
  private isEarlier(state: JsonObject): boolean {
    const { history } = this.truth;
    if (!history || Object.keys(state).length === 0) return Object.keys(state).length === 0;
    let now = structuredClone(history.state);
    if (isDeepStrictEqual(now, state)) return true;
    return history.patches.some((patch) => {
      now = jsonPatch.applyPatch(now, structuredClone([...patch]), false, true).newDocument;
      return isDeepStrictEqual(now, state);
    });
  }
}

function rootOf(document: JsonObject, name: string): JsonObject {
  const root = document[name];
  return isJsonObject(root) ? root : {};
}
