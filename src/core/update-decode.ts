// Decodes a Yjs update strictly, for `checkUpdate`: Yjs trusts what it applies, so everything that would make it throw
// in the middle of a transaction, or later when the document is encoded, is refused here.

import * as decoding from 'lib0/decoding';
import * as Y from 'yjs';
import { messageOf, RejoinError } from '../errors.ts';

export type Struct = Y.Item | Y.GC | Y.Skip;

export interface DecodedUpdate {
  /** Of each client one block, in the order of clocks. */
  readonly structs: readonly Struct[];
  readonly deletes: ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>;
}

/**
 * Nothing is allocated from a length that the update merely claims, as `Y.applyUpdate` would.
 * @param update in the v1 format.
 * @throws RejoinError `undecodable` that says what is wrong.
 */
export function decodeUpdate(update: Uint8Array): DecodedUpdate {
  const { structs, ds } = decodeWhole(update);
  checkBlocks(update, structs);
  for (const struct of structs) checkStruct(struct);
  for (const [client, ranges] of ds.clients) {
    for (const { clock, len } of ranges) {
      if (!Number.isSafeInteger(client) || !(len >= 1) || !Number.isSafeInteger(clock + len))
        throw undecodable(`it deletes ${len} items from ${client}:${clock} on`);
    }
  }
  return { structs, deletes: ds.clients };
}

/** What an item refers to: its neighbours when it was made, and its container unless that is a root. */
export function referencesOf(item: Y.Item): Y.ID[] {
  return [item.origin, item.rightOrigin, item.parent].filter((reference) => reference instanceof Y.ID);
}

/** Encoders recurse: Yjs could take a value apart that it can't put together again. It fails at about 4000 levels. */
const plainDepthMax = 1000;

function decodeWhole(update: Uint8Array): ReturnType<typeof Y.decodeUpdate> {
  try {
    return Y.decodeUpdate(update);
  } catch (thrown) {
    // Yjs and lib0 throw whatever the bytes lead to: end of input, unknown content, bad UTF-8, too deep a recursion.
    throw undecodable(messageOf(thrown), thrown);
  }
}

/**
 * Yjs lets a second block of a client replace the first. And a varint that is long enough reads as NaN: as a number of
 * structs it stands for none when decoded, and throws in Y.applyUpdate.
 */
function checkBlocks(update: Uint8Array, structs: readonly Struct[]): void {
  const blocks = decoding.readVarUint(decoding.createDecoder(update));
  const clients = new Set<number>();
  for (const { id } of structs) clients.add(id.client);
  if (blocks !== clients.size)
    throw undecodable(
      `it has ${blocks} blocks of ${clients.size} clients: one is empty, or a client has two`,
    );
}

function checkStruct(struct: Struct): void {
  const { client, clock } = struct.id;
  // A comparison with NaN is false, and must end here.
  if (!Number.isSafeInteger(client) || !(struct.length >= 1) || !Number.isSafeInteger(clock + struct.length))
    throw undecodable(`the length of ${client}:${clock} is ${struct.length}`);
  if (!(struct instanceof Y.Item)) return;
  for (const reference of referencesOf(struct)) {
    const known = Number.isSafeInteger(reference.client) && Number.isSafeInteger(reference.clock);
    // Item.getMissing takes for granted that an item of the same client is an earlier one.
    if (!known || (reference.client === client && reference.clock >= clock))
      throw undecodable(`${client}:${clock} refers to ${reference.client}:${reference.clock}`);
  }
  checkContent(struct);
}

function checkContent({ id, content }: Y.Item): void {
  // The options of a subdocument can replace its guid; one that isn't a string can't be encoded again.
  if (content instanceof Y.ContentDoc && typeof content.doc.guid !== 'string')
    throw undecodable(`${id.client}:${id.clock} is a subdocument whose guid is no text`);
  if (isDeeperThan(plainValueOf(content), plainDepthMax))
    throw undecodable(`${id.client}:${id.clock} is nested deeper than ${plainDepthMax} levels`);
}

function plainValueOf(content: Y.Item['content']): unknown {
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) return content.arr;
  if (content instanceof Y.ContentEmbed) return content.embed;
  if (content instanceof Y.ContentFormat) return content.value;
  if (content instanceof Y.ContentDoc) return content.opts;
  return null;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  if (levels === 0) return true;
  const members: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return members.some((member) => isDeeperThan(member, levels - 1));
}

function undecodable(problem: string, cause?: unknown): RejoinError {
  return new RejoinError('undecodable', `The Yjs update can't be read: ${problem}`, { cause });
}
