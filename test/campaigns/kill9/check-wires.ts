// Reads everything from a restarted server over every wire, from nothing, and holds it against the ledger.

import { isDeepStrictEqual } from 'node:util';
import * as Y from 'yjs';
import { messageOf } from '../../../src/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { rootOfKind } from '../../../src/model/objects.ts';
import type { Place } from './check-log.ts';
import type { Ledger, Part, Write } from './ledger.ts';
import { fetchAll, type Streamed } from './stream-socket.ts';
import type { Subscriber } from './subscriber.ts';
import type { Traffic } from './traffic.ts';
import type { UdtFollower } from './udt-follower.ts';
import type { Address } from './writer.ts';
import { YjsConnection } from './yjs-connection.ts';

/** Nobody may be writing. @param places what `checkLogs` returned. */
export async function checkWires(
  address: Address,
  traffic: Traffic,
  places: ReadonlyMap<string, readonly Place[]>,
): Promise<void> {
  const { ledger } = traffic;
  const readings = new Map<string, Reading>();
  try {
    for (const subscriber of traffic.subscribers) {
      const follower = traffic.followers.find(({ session }) => session === subscriber.project);
      readings.set(subscriber.project, await read(address, subscriber, { follower, places, ledger }));
    }
  } catch (error) {
    ledger.report('rule', `it can't be read: ${messageOf(error)}`);
    return;
  }
  for (const write of ledger.writes) checkWrite(write, readings, ledger);
  for (const [project, reading] of readings) {
    const size = reading.checkRoots();
    if (size !== null) ledger.report('rule', `${project}: ${size}`);
    reading.doc.destroy();
  }
}

async function read(
  address: Address,
  subscriber: Subscriber,
  { follower, places, ledger }: ReadContext,
): Promise<Reading> {
  const { project } = subscriber;
  await subscriber.resume(address.socketUrl);
  const fetched = await fetchAll(address.socketUrl, project);
  checkStream(fetched, subscriber, places.get(project) ?? [], ledger);
  const doc = await readDocument(address, project, ledger);
  const udt = (await follower?.check(address)) ?? null;
  if (udt && !isDeepStrictEqual(doc.getMap('udt').toJSON(), udt))
    ledger.report('rule', `udt of ${project} differs between /yjs and UDT's API`);
  return new Reading(fetched, doc, udt);
}

interface ReadContext {
  readonly follower: UdtFollower | undefined;
  readonly places: ReadonlyMap<string, readonly Place[]>;
  readonly ledger: Ledger;
}

/** The history from nothing, the one put together by coming back after each kill, and the log are the same. */
function checkStream(
  fetched: readonly Streamed[],
  { project, objects }: Subscriber,
  places: readonly Place[],
  ledger: Ledger,
): void {
  for (const { serverId, seqno, text } of fetched)
    ledger.sawNumber(`streamed ${project} ${serverId}`, seqno, text);
  const seen = objects.map(({ text }) => text);
  const there = fetched.map(({ text }) => text);
  if (!isDeepStrictEqual(seen, there)) {
    const missing = seen.filter((text) => !there.includes(text));
    for (const text of missing) ledger.report('lost', `it was streamed, and now is not: ${text}`);
    if (missing.length === 0)
      ledger.report('rule', `${project}: history and what a subscriber that came back got differ`);
  }
  const shown = fetched.map(({ serverId, seqno, kind }): Place => ({ serverId, seqno, kind }));
  if (!isDeepStrictEqual(shown, places))
    ledger.report('rule', `${project}: ${shown.length} objects streamed, ${places.length} in the log`);
}

async function readDocument({ socketUrl }: Address, project: string, ledger: Ledger): Promise<Y.Doc> {
  const doc = new Y.Doc();
  const connection = new YjsConnection(socketUrl, project, doc, () => undefined);
  try {
    await connection.synced();
  } finally {
    connection.close();
  }
  for (const [client, clock] of ledger.clocksOf(project)) {
    const state = Y.getState(doc.store, client);
    if (state < clock)
      ledger.report('lost', `${project}: Yjs client ${client} was shown up to ${clock}, now ${state}`);
  }
  return doc;
}

type Finding = 'there' | 'absent' | 'different';

/** What one project looks like from outside. */
class Reading {
  private readonly streamed = new Map<string, Streamed['message']>();
  private readonly twice: string[] = [];
  private readonly samples: ReadonlyMap<unknown, unknown>;

  constructor(
    fetched: readonly Streamed[],
    readonly doc: Y.Doc,
    private readonly udt: JsonObject | null,
  ) {
    for (const { kind, versionUuid, message } of fetched) {
      const name = `${kind} ${versionUuid}`;
      if (this.streamed.has(name)) this.twice.push(name);
      this.streamed.set(name, message);
    }
    const samples = (udt?.samples ?? []) as readonly { id: string; text: string }[];
    this.samples = new Map(samples.map(({ id, text }) => [id, text]));
  }

  /** What is found of a part, in every way that it can be read. */
  find(part: Part): Finding[] {
    switch (part.type) {
      case 'object': {
        const stored = this.doc.getMap(rootOfKind[part.kind]).get(part.versionUuid);
        const streamed = this.streamed.get(`${part.kind} ${part.versionUuid}`);
        return [compareFields(streamed, part.fields), compareFields(stored, part.fields)];
      }
      case 'mark': {
        // That `/yjs` says the same of `udt` is checked for all of it at once.
        const marks = this.udt?.marks as Record<string, Record<string, string>> | undefined;
        return [compare(marks?.[part.bucket]?.[part.key], part.value)];
      }
      case 'sample':
        return [compare(this.samples.get(part.id), part.text)];
      case 'note':
        return [compare(this.doc.getMap('notes').get(part.key), part.value)];
      case 'no-note':
        return [this.doc.getMap('notes').has(part.key) ? 'absent' : 'there'];
    }
  }

  /** What is wrong with the objects as a whole, or null: streams and document have the same ones, each once. */
  checkRoots(): string | null {
    if (this.twice.length > 0) return `streamed twice: ${this.twice.join(', ')}`;
    const names = (['entry', 'thread', 'comment'] as const).flatMap((kind) =>
      [...this.doc.getMap(rootOfKind[kind]).keys()].map((uuid) => `${kind} ${uuid}`),
    );
    const missing = names.filter((name) => !this.streamed.has(name));
    if (missing.length > 0) return `in the document, not streamed: ${missing.join(', ')}`;
    const { size } = this.streamed;
    return size === names.length ? null : `${size} objects streamed, ${names.length} in the document`;
  }
}

function checkWrite(write: Write, readings: ReadonlyMap<string, Reading>, ledger: Ledger): void {
  const findings = write.parts.flatMap((part) =>
    part.type === 'note' && ledger.deletions.has(`${part.project} ${part.key}`)
      ? []
      : (readings.get(part.project)?.find(part) ?? []),
  );
  const isWhole = findings.every((finding) => finding === 'there');
  const isAbsent = findings.every((finding) => finding === 'absent');
  if (isWhole || (isAbsent && !write.acknowledged)) return;
  const detail = `${findings.join(', ')}: ${JSON.stringify(write)}`;
  ledger.report(write.acknowledged ? 'lost' : 'rule', detail);
}

function compareFields(found: unknown, fields: JsonObject): Finding {
  if (found === undefined) return 'absent';
  const values = found as Record<string, unknown>;
  const isEqual = Object.entries(fields).every(([name, value]) => isDeepStrictEqual(values[name], value));
  return isEqual ? 'there' : 'different';
}

function compare(found: unknown, expected: string): Finding {
  if (found === undefined) return 'absent';
  return found === expected ? 'there' : 'different';
}
