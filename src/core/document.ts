// The open Y.Doc of a project with the JSON view of its `udt` part. It runs changes, one at a time, and tells what
// each has changed; only its project calls it, in turn.

import { setImmediate as otherWork } from 'node:timers/promises';
import * as Y from 'yjs';
import { RejoinError, messageOf } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import { objectKinds, type ObjectKind } from '../model/objects.ts';
import { applyStored } from './apply-stored.ts';
import type { Clocks } from './document-pieces.ts';
import type { Edit } from './edits.ts';
import { objectRoots, rootNameOf, udtRoot } from './roots.ts';
import type { UdtChange } from './udt-change.ts';
import { UdtPart } from './udt-part.ts';
import type { SampleChanges } from './udt-samples.ts';
import { applyEditsToY } from './y-edits.ts';

/** What one change did to the document. */
export interface DocumentChange {
  /** What was new, as Yjs says it (YJS-6). */
  readonly update: Uint8Array;
  /** The keys of object roots that were set or removed. */
  readonly touched: readonly TouchedKey[];
  /** What became of `udt`; null if its JSON is the same. */
  readonly udt: UdtChange | null;
}

export interface TouchedKey {
  readonly kind: ObjectKind;
  readonly key: string;
  /** As Yjs holds it: anything. Undefined if the key was removed. */
  readonly value: unknown;
}

export class ProjectDocument {
  readonly doc: Y.Doc;
  readonly udt: UdtPart;
  private readonly objectRoots: ReadonlyMap<unknown, { kind: ObjectKind; map: Y.Map<unknown> }>;
  private readonly updates: Uint8Array[] = [];
  private readonly touched = new Map<string, TouchedKey>();
  private readonly changes: UdtChange[] = [];

  private constructor(doc: Y.Doc, udt: UdtPart) {
    this.doc = doc;
    this.udt = udt;
    this.objectRoots = new Map(
      objectKinds.map((kind) => {
        const map = doc.getMap(rootNameOf(kind));
        return [map, { kind, map }];
      }),
    );
    doc.on('update', (update: Uint8Array) => this.updates.push(update));
    doc.on('afterTransaction', (transaction: Y.Transaction) => this.follow(transaction));
  }

  /**
   * @param doc as a `DocumentLoader` has made it: whole, and its roots have their types.
   * @param changes what was kept of the samples.
   * @param onOddity is told what in `udt` JSON has no place for.
   */
  static async open(
    doc: Y.Doc,
    changes: Iterable<SampleChanges>,
    onOddity: (detail: string) => void,
  ): Promise<ProjectDocument> {
    return new ProjectDocument(doc, await UdtPart.load(doc.getMap(udtRoot), changes, onOddity, otherWork));
  }

  /** About how much memory it takes, with its JSON view and what hashes are kept of it. */
  get weightBytes(): number {
    let structs = 0;
    for (const ofClient of this.doc.store.clients.values()) structs += ofClient.length;
    return structs * bytesPerStruct;
  }

  /** `udt` as JSON, as it is now: see JsonView. */
  get view(): JsonObject {
    return this.udt.json.read();
  }

  /** Runs edits that were planned on `view`. @returns null if there was nothing to do. */
  edit(edits: readonly Edit[]): DocumentChange | null {
    return this.record(() => {
      this.doc.transact(() => applyEditsToY(this.doc.getMap(udtRoot), edits, this.udt.json));
    });
  }

  /**
   * Applies an update that passed `checkUpdate`. @returns null if nothing in it was new.
   * @throws RejoinError `undecodable` if it can't be applied after all: the document is then spoilt and must be dropped.
   */
  applyUpdate(update: Uint8Array): DocumentChange | null {
    return this.record(() => {
      try {
        Y.applyUpdate(this.doc, update);
      } catch (cause) {
        throw new RejoinError('undecodable', `The update can't be applied: ${messageOf(cause)}`, { cause });
      }
      const lack = pendingIn(this.doc);
      if (lack !== null) throw new RejoinError('undecodable', `The update can't be applied: ${lack}`);
    });
  }

  private record(work: () => void): DocumentChange | null {
    this.updates.length = 0;
    this.changes.length = 0;
    this.touched.clear();
    work();
    const [first, ...more] = this.updates;
    if (!first) return null;
    return {
      // Yjs may clean up formatting in a transaction of its own: it belongs to what caused it.
      update: more.length === 0 ? first : Y.mergeUpdates([first, ...more]),
      touched: [...this.touched.values()],
      udt: inOne(this.changes),
    };
  }

  private follow(transaction: Y.Transaction): void {
    for (const [type, keys] of transaction.changed) {
      const root = this.objectRoots.get(type);
      if (!root) continue;
      for (const key of keys) {
        if (key === null) continue; // an array's part: no key was touched
        this.touched.set(`${root.kind} ${key}`, { kind: root.kind, key, value: root.map.get(key) });
      }
    }
    const change = this.udt.follow(transaction);
    if (change && change.edits.length > 0) this.changes.push(change);
  }
}

/** Yjs's tidying of formats, which comes in a transaction of its own, shows nothing that JSON has. */
function inOne([first, ...more]: readonly UdtChange[]): UdtChange | null {
  if (!first) return null;
  return {
    places: [first, ...more].flatMap(({ places }) => places),
    edits: [first, ...more].flatMap(({ edits }) => edits),
  };
}

/** Measured with samples of UDT files and with text typed by several people. */
const bytesPerStruct = 400;

/** Makes a document from stored updates. */
export class DocumentLoader {
  readonly doc = new Y.Doc();

  constructor() {
    // The roots get their types before anything lies in them.
    for (const root of [udtRoot, ...objectRoots]) this.doc.getMap(root);
  }

  /** Clocks per clientID of what was added. */
  get clocks(): Clocks {
    const { store } = this.doc;
    return new Map([...store.clients.keys()].map((client) => [client, Y.getState(store, client)]));
  }

  /** Applies updates that belong behind those before; the event loop is free in between. */
  async add(updates: readonly Uint8Array[]): Promise<void> {
    applyStored(this.doc, updates);
    await otherWork();
  }

  /** What is missing of what others build on; null if nothing is. */
  get lack(): string | null {
    return pendingIn(this.doc);
  }

  /** @throws RejoinError `damaged` if the updates don't make a whole document. */
  async finish(
    changes: Iterable<SampleChanges>,
    onOddity: (detail: string) => void,
  ): Promise<ProjectDocument> {
    const { lack } = this;
    if (lack !== null) throw new RejoinError('damaged', `The log of the project is not whole: ${lack}`);
    return ProjectDocument.open(this.doc, changes, onOddity);
  }
}

function pendingIn({ store }: Y.Doc): string | null {
  if (store.pendingStructs) return 'changes are missing that others build on';
  if (store.pendingDs) return 'changes are missing that were deleted';
  return null;
}
