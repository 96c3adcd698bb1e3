// One random session: it is made, patched, edited over Yjs and loaded again, and each time the hash that clients would be
// given is compared with that of a plain implementation.

import * as prng from 'lib0/prng';
import * as Y from 'yjs';
import type { Project } from '../../../src/core/project.ts';
import { RejoinError } from '../../../src/errors.ts';
import { isJsonArray, isJsonObject, type Json } from '../../../src/model/json.ts';
import type { Operation } from '../../../src/model/json-patch.ts';
import { MemoryDisk, MemoryStore } from '../../../src/store/memory.ts';
import { hardDocument, longArrayElement, type HardDocument } from '../../support/hard-json.ts';
import { openProjects } from '../../support/memory-projects.ts';
import { editAtRandom } from '../../support/random-edits.ts';
import { randomJson } from '../../support/random-json.ts';
import { randomPatch } from '../../support/random-patch.ts';
import { editUdtAtRandom } from '../../support/random-udt-edits.ts';
import { plainHash } from '../../support/udt-client.ts';

export interface HashCounts {
  states: number;
  patches: number;
  updates: number;
  loads: number;
  long: number;
}

const udtOrigin = { protocol: 'udt', user: 'ann' } as const;
const yjsOrigin = { protocol: 'yjs', user: 'anonymous' } as const;
const id = 'session';

/**
 * @param longOneIn of how many documents one has long arrays.
 * @throws Error that says which state had another hash.
 */
export async function checkHashedDocument(
  seed: number,
  longOneIn: number,
  counts: HashCounts,
): Promise<void> {
  const random = prng.create(seed);
  const document = hardDocument(random, longOneIn);
  if (document.longKeys.length > 0) counts.long++;
  const disk = new MemoryDisk();
  const { projects } = openProjects(new MemoryStore(disk));
  try {
    await projects.use(id, (project) => new Session(random, document, project, counts).run());
  } finally {
    await projects.close();
  }
  if (prng.int32(random, 1, 4) > 1) return;
  const again = openProjects(new MemoryStore(disk));
  try {
    await again.projects.use(id, (project) => new Session(random, document, project, counts).goOn());
  } finally {
    await again.projects.close();
  }
}

class Session {
  private readonly client = new Y.Doc();
  private steps = 0;

  constructor(
    private readonly random: prng.PRNG,
    private readonly document: HardDocument,
    private readonly project: Project,
    private readonly counts: HashCounts,
  ) {
    this.client.clientID = prng.uint32(random, 1, 0xffff_fffe);
  }

  async run(): Promise<void> {
    const { udt } = this.document;
    const { hash } = await this.project.udt.createSession(udt, udtOrigin);
    this.same('createSession', hash, plainHash(udt));
    await this.check();
    for (let left = prng.int32(this.random, 2, 5); left > 0; left--) await this.step();
  }

  /** In another life of the server. */
  async goOn(): Promise<void> {
    this.counts.loads++;
    await this.check();
    await this.step();
  }

  private async step(): Promise<void> {
    this.steps++;
    if (prng.int32(this.random, 0, 2) > 0) await this.patch();
    else await this.update();
    await this.check();
  }

  private async check(): Promise<void> {
    const { view, hash } = await this.project.udt.read();
    this.same('read', hash, plainHash(view));
    this.counts.states++;
  }

  private async patch(): Promise<void> {
    const { view } = await this.project.udt.read();
    const isLong = Object.values(view).some((value) => isJsonArray(value) && value.length > 1000);
    const { operations, after } = isLong ? this.longPatch() : randomPatch(this.random, view);
    const key = prng.oneOf(this.random, [...this.document.vocabulary.keys]);
    const value = randomJson(this.random, this.document.vocabulary, 3);
    const all: Operation[] = [...operations, { op: 'add', path: '/new', value: { [key]: value } }];
    try {
      const { hash } = await this.project.udt.patch(all, udtOrigin);
      this.same('patch', hash, plainHash((await this.project.udt.read()).view));
      if (isJsonObject(after)) this.same('patch', hash, plainHash({ ...after, new: { [key]: value } }));
      this.counts.patches++;
    } catch (error) {
      const isRefused = error instanceof RejoinError && /nested deeper|has only \d+ elem/.test(error.message);
      if (!isRefused) throw error;
    }
  }

  /** Single elements of long arrays: fast-json-patch would take a second for one patch. */
  private longPatch(): { operations: Operation[]; after: undefined } {
    const { vocabulary, longKeys } = this.document;
    const operations = Array.from({ length: prng.int32(this.random, 1, 6) }, (_, i): Operation => {
      const array = `/${prng.oneOf(this.random, [...longKeys])}`;
      const path = `${array}/${prng.int32(this.random, 0, 2000)}`;
      const from = `${array}/${prng.int32(this.random, 0, 2000)}`;
      const value = longArrayElement(this.random, vocabulary, i);
      switch (prng.int32(this.random, 0, 5)) {
        case 0:
          return { op: 'remove', path };
        case 1:
          return { op: 'move', from, path };
        case 2:
          return { op: 'copy', from, path };
        case 3:
          return { op: 'add', path: `${array}/-`, value };
        case 4:
          return { op: 'replace', path, value };
        default:
          return { op: 'add', path, value };
      }
    });
    return { operations, after: undefined };
  }

  private async update(): Promise<void> {
    const isInTouch = this.client.store.clients.size === 0 || prng.bool(this.random);
    const vector = Y.encodeStateVector(this.client);
    if (isInTouch)
      Y.applyUpdate(this.client, await this.project.encode((doc) => Y.encodeStateAsUpdate(doc, vector)));
    const updates: Uint8Array[] = [];
    const keep = (update: Uint8Array): void => void updates.push(update);
    this.client.on('update', keep);
    this.edit();
    this.client.off('update', keep);
    for (const update of updates) {
      const outcome = await this.project.applyUpdate(update, yjsOrigin);
      if (outcome.type === 'missing') throw new Error(`the update was refused: ${outcome.ranges}`);
      await outcome.durable;
      await this.check();
    }
    this.counts.updates++;
  }

  private edit(): void {
    const { vocabulary } = this.document;
    const udt = this.client.getMap('udt');
    const choice = prng.int32(this.random, 0, 3);
    if (choice === 0) editAtRandom(this.random, this.client);
    else if (choice === 1) editUdtAtRandom(this.random, this.client);
    else if (choice === 2)
      udt.set(prng.oneOf(this.random, [...vocabulary.keys]), randomJson(this.random, vocabulary, 3));
    const samples = udt.get('samples');
    if (choice !== 3 || !(samples instanceof Y.Array)) return;
    const array = samples as Y.Array<Json>;
    const index = prng.int32(this.random, 0, array.length);
    if (prng.bool(this.random)) array.delete(index, Math.min(array.length - index, 3));
    else array.insert(index, [longArrayElement(this.random, vocabulary, index), 'two']);
  }

  private same(what: string, actual: number, expected: number): void {
    if (actual !== expected)
      throw new Error(`after step ${this.steps}, ${what}: the hash is ${actual}, it should be ${expected}`);
  }
}
