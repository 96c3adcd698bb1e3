// Checks a Yjs update against a document before it is applied (YJS-8). The project calls it for every update that comes
// from outside: from Yjs clients and from other servers.

import * as Y from 'yjs';
import { decodeUpdate, referencesOf, type DecodedUpdate, type Struct } from './update-decode.ts';
import { checkOverlap } from './update-overlap.ts';

export type UpdateCheck =
  /** `newClients`: those of whom the update carries structs beyond the document's state. */
  | { readonly type: 'fits'; readonly newClients: ReadonlySet<number> }
  /**
   * `ranges` names what is missing, the same for the same gap: `client:from-to, …`, without the end; of many clients the
   * first few, and a checksum.
   */
  | { readonly type: 'missing'; readonly ranges: string };

/**
 * Whether all that the update builds on is in the document or in the update itself. Integration is simulated on clocks
 * alone, the document is only read.
 *
 * It remains with the caller to apply the update in a `try`, and to load the document anew unless `pendingStructs` and
 * `pendingDs` of its store are null afterwards: a hostile client can nest shared types so deep that Yjs overflows the
 * stack when they are deleted, or mix the neighbours of different containers, which clocks don't show.
 * @param doc has nothing pending.
 * @param update in the v1 format; its size is the adapter's matter.
 * @throws RejoinError `undecodable`.
 */
export function checkUpdate(doc: Y.Doc, update: Uint8Array): UpdateCheck {
  const decoded = decodeUpdate(update);
  const clocks = new Clocks(doc);
  const queues = queuesOf(decoded);
  const newClients = new Set<number>();
  for (const queue of queues.values()) {
    const last = queue.structs.at(-1);
    if (last && endOf(last) > clocks.known(queue.client)) newClients.add(queue.client);
    for (const struct of queue.structs) if (struct instanceof Y.Item) checkOverlap(doc, struct);
  }
  for (const queue of queues.values()) integrate(queue, queues, clocks);
  const lacking = lackingPoints(decoded, queues, clocks);
  if (lacking.length === 0) return { type: 'fits', newClients };
  return { type: 'missing', ranges: printRanges(lacking, queues, clocks) };
}

/** The structs of one client. Those before `next` have been integrated in the simulation. */
interface Queue {
  readonly client: number;
  readonly structs: Struct[];
  next: number;
  /** `waiting`: for another client's structs, further up on the stack. `blocked`: for good. */
  state: 'ready' | 'waiting' | 'blocked';
}

/** An item that is needed. */
interface Point {
  readonly client: number;
  readonly clock: number;
}

/** The clock up to which each client's items are there: in the document, or integrated in the simulation. */
class Clocks {
  private readonly ends = new Map<number, number>();

  constructor(readonly doc: Y.Doc) {}

  known(client: number): number {
    return this.ends.get(client) ?? Y.getState(this.doc.store, client);
  }

  has({ client, clock }: Point): boolean {
    return clock < this.known(client);
  }

  add(struct: Struct): void {
    const { client } = struct.id;
    this.ends.set(client, Math.max(this.known(client), endOf(struct)));
  }
}

function queuesOf({ structs }: DecodedUpdate): Map<number, Queue> {
  const queues = new Map<number, Queue>();
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue; // a gap that the update declares: the struct after it has none before it
    const { client } = struct.id;
    const queue = queues.get(client);
    if (queue) queue.structs.push(struct);
    else queues.set(client, { client, structs: [struct], next: 0, state: 'ready' });
  }
  return queues;
}

/**
 * Takes a queue as far as it goes. Like Yjs it puts a queue aside while another brings what is needed; each step
 * integrates a struct or blocks a queue, so that the time is linear. Yjs integrates structs that it knows already in the
 * same way: it wants what they refer to.
 */
function integrate(start: Queue, queues: ReadonlyMap<number, Queue>, clocks: Clocks): void {
  const stack = [start];
  for (let queue = stack.at(-1); queue; queue = stack.at(-1)) {
    const struct = queue.structs[queue.next];
    const lacking = struct && needsOf(struct).find((point) => !clocks.has(point));
    const source = lacking && queues.get(lacking.client);
    if (struct && !lacking && queue.state !== 'blocked') {
      clocks.add(struct);
      queue.next++;
      if (stack.length > 1) stack.pop();
      queue.state = 'ready';
    } else if (
      queue.state !== 'blocked' &&
      source?.state === 'ready' &&
      source !== queue &&
      hasMore(source)
    ) {
      queue.state = 'waiting';
      stack.push(source);
    } else {
      if (struct) queue.state = 'blocked'; // also when the need runs in a circle
      stack.pop();
    }
  }
}

function needsOf(struct: Struct): Point[] {
  const needs: Point[] = struct instanceof Y.Item ? referencesOf(struct) : [];
  const { client, clock } = struct.id;
  return clock === 0 ? needs : [{ client, clock: clock - 1 }, ...needs];
}

function lackingPoints({ deletes }: DecodedUpdate, queues: Map<number, Queue>, clocks: Clocks): Point[] {
  const needs: Point[] = [];
  for (const { structs, next } of queues.values()) {
    const head = structs[next];
    if (head) needs.push(...needsOf(head));
  }
  for (const [client, ranges] of deletes)
    for (const { clock, len } of ranges) needs.push({ client, clock: clock + len - 1 });
  return needs.filter((point) => !clocks.has(point));
}

/** An update can lack a million points: the first ones tell gaps apart well enough. */
const lackingLookedAtMax = 1_000;
/** The text is kept and logged. */
const rangesPrintedMax = 10;

function printRanges(lacking: readonly Point[], queues: ReadonlyMap<number, Queue>, clocks: Clocks): string {
  // What the update brings and can't place yet comes in by itself once the rest is there.
  const looked = lacking.slice(0, lackingLookedAtMax);
  const absent = looked.filter(({ client, clock }) => {
    const queue = queues.get(client);
    const head = queue?.structs[queue.next];
    const last = queue?.structs.at(-1);
    return !head || !last || clock < head.id.clock || clock >= endOf(last);
  });
  const ends = new Map<number, number>();
  for (const { client, clock } of absent.length > 0 ? absent : looked)
    ends.set(client, Math.max(ends.get(client) ?? 0, clock + 1));
  const ranges = [...ends]
    .sort(([a], [b]) => a - b)
    .map(([client, end]) => `${client}:${clocks.known(client)}-${end}`);
  if (ranges.length <= rangesPrintedMax) return ranges.join(', ');
  const first = ranges.slice(0, rangesPrintedMax).join(', ');
  return `${first}, … ${ranges.length} in all, checksum ${checksumOf(ranges)}`;
}

/** Tells gaps apart well enough: it decides no more than whether to ask again. */
function checksumOf(texts: readonly string[]): string {
  let sum = 0;
  for (const text of texts)
    for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  return (sum >>> 0).toString(16);
}

function hasMore(queue: Queue): boolean {
  return queue.next < queue.structs.length;
}

function endOf(struct: Struct): number {
  return struct.id.clock + struct.length;
}
