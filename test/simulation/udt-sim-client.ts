// A UDT client of the simulation, of either generation: reads the session once, polls and patches on whatever server it is, and
// compares hashes after every poll, as UDT does.

import jsonPatch from 'fast-json-patch';
import stringify from 'json-stable-stringify';
import type { UdtDialect, UdtDifferences, UdtView } from '../../src/core/udt-reads.ts';
import type { Project } from '../../src/core/project.ts';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { SimClient } from './sim-client.ts';
import type { SimConnection } from './sim-connection.ts';

export const sessionId = 'session';

interface Patch {
  readonly mark: string;
  readonly operations: readonly Operation[];
}

export class UdtSimClient extends SimClient {
  private version: number | null = null;
  private has: JsonObject = {};
  /** Not acknowledged yet. */
  private patch: Patch | null = null;
  private isPolling = false;
  /** v2 clients have the summary document in place of the session, and name samples by their `_id`. */
  dialect: UdtDialect = 'v1';
  /** How many samples the session has that it makes. */
  samplesMade = 3;
  /** It makes the session; the others wait for it. */
  creates = false;
  /** Of the session that it has made. */
  sessionMark: string | null = null;

  /** What it shows. */
  get state(): JsonObject {
    return this.has;
  }

  get isQuiet(): boolean {
    return this.connection !== null && this.patch === null && !this.creates;
  }

  holds(): boolean {
    return false;
  }

  /** A session that is made on two servers at once is two, and all of one's parts take the place of the other's. */
  override move(): void {
    if (!this.creates) super.move();
  }

  protected connected(connection: SimConnection): void {
    if (this.creates) this.create(connection);
    else if (this.patch) this.send(connection, this.patch);
    this.poll();
  }

  protected lost(): void {
    this.isPolling = false;
  }

  protected write(): void {
    const { connection } = this;
    if (this.patch === null && this.version !== null && connection && this.chance.oneIn(2)) {
      const mark = this.mark();
      this.patch = { mark, operations: this.operations(mark) };
      this.send(connection, this.patch);
    } else {
      this.poll();
    }
  }

  private create(connection: SimConnection): void {
    const mark = (this.sessionMark ??= this.mark());
    const udt = {
      name: 'a session',
      interface: { type: 'image', labels: ['a', 'b'] },
      samples: Array.from({ length: this.samplesMade }, (_, index) => ({ n: index + 1 })),
      marks: { [mark]: 0 },
    };
    const origin = { protocol: 'udt', user: this.name } as const;
    this.trying(connection, async () => {
      try {
        await connection.call((projects) =>
          projects.use(sessionId, (project) => project.udt.createSession(udt, origin)),
        );
      } catch (error) {
        const isThere = error instanceof RejoinError && error.code === 'conflict';
        if (!isThere) throw error;
        this.creates = false;
        // It was made, and the answer was lost; or a Yjs client came first, and the project is none.
        if (!this.world.ledger.isAnywhere(mark, sessionId)) return;
      }
      this.creates = false;
      this.world.ledger.acknowledged(mark, { project: sessionId, detail: `${this.name} made the session` });
    });
  }

  private operations(mark: string): Operation[] {
    const operations: Operation[] = [
      { op: 'add', path: `/marks/${mark.replaceAll('~', '~0')}`, value: this.written },
    ];
    const samples = this.samples();
    const sample = samples[this.chance.integer(0, Math.max(0, samples.length - 1))] ?? '0';
    switch (this.chance.integer(1, 5)) {
      case 1:
        operations.push({ op: 'add', path: '/samples/-', value: { n: this.written, of: mark } });
        break;
      case 2:
        operations.push({ op: 'add', path: `/samples/${sample}/annotation`, value: mark });
        break;
      case 3:
        operations.push({ op: 'remove', path: `/samples/${sample}` });
        break;
      case 4:
        operations.push({ op: 'replace', path: '/name', value: mark });
        break;
      default:
        operations.push({ op: 'add', path: '/samples/0', value: { of: mark } });
    }
    return operations;
  }

  /** What it calls each sample in a patch. */
  private samples(): readonly string[] {
    const { summary, samples } = this.has as {
      readonly summary?: { readonly samples: readonly { readonly _id: string }[] };
      readonly samples?: readonly unknown[];
    };
    if (summary) return summary.samples.map(({ _id }) => _id);
    return Array.isArray(samples) ? samples.map((_, index) => String(index)) : [];
  }

  private send(connection: SimConnection, patch: Patch): void {
    const { mark, operations } = patch;
    const origin = { protocol: 'udt', user: this.name } as const;
    this.trying(connection, async () => {
      try {
        const server = connection.server.index;
        await connection.call((projects) =>
          projects.find(sessionId, async (project) => {
            const request = { key: mark, digest: mark };
            await sessionOf(project).udt.patch(operations, origin, { dialect: this.dialect, request });
            this.world.ledger.answered(server, mark, sessionId);
          }),
        );
        const detail = `${this.name} patched it on server ${server}`;
        this.world.ledger.acknowledged(mark, { project: sessionId, detail });
      } catch (error) {
        const isOvertaken = error instanceof RejoinError && error.code === 'conflict';
        if (!isOvertaken) throw error; // somebody else has changed what it is about
      }
      this.patch = null;
      this.poll();
    });
  }

  /** Also reads the session, the first time. */
  poll(): void {
    const { connection } = this;
    if (!connection || this.isPolling) return;
    this.isPolling = true;
    this.trying(connection, async () => {
      const { version } = this;
      if (version === null) {
        const read = await connection.call((projects) =>
          projects.find(sessionId, (project) => readSession(sessionOf(project), this.dialect)),
        );
        this.version = read.version;
        this.has = structuredClone(read.view);
      } else {
        const differences = await connection.call((projects) =>
          projects.find(sessionId, (project) => sessionOf(project).udt.after(version, this.dialect)),
        );
        this.take(connection, version, differences);
      }
      this.isPolling = false;
    });
  }

  private take(connection: SimConnection, since: number, { versions, latest }: UdtDifferences): void {
    for (const { patch } of versions) {
      const copy = structuredClone(patch) as Parameters<typeof jsonPatch.applyPatch>[1];
      this.has = jsonPatch.applyPatch(this.has, copy, false, true).newDocument;
    }
    this.version = latest.version;
    if (hashOf(this.has) === (this.dialect === 'v1' ? latest.hash : latest.summaryHash)) return;
    if (this.world.ledger.isEpochShared(latest.version)) {
      this.version = null; // UDT reads all of it anew
      return;
    }
    const about = `${this.name} polled server ${connection.server.index} since ${since}, up to ${latest.version}`;
    this.world.ledger.fail(`${about}: its state has another hash than the server's (UDT-2)`);
  }
}

/** What a client of that generation has of it. */
export function readSession({ udt }: Project, dialect: UdtDialect): Promise<UdtView> {
  return dialect === 'v1' ? udt.read() : udt.readSummary();
}

/** @throws RejoinError `not-found`, as the adapter does. */
function sessionOf(project: Project | undefined): Project {
  if (project?.info?.session) return project;
  throw new RejoinError('not-found', 'There is no such session');
}

/** UDT-2's hash, computed plainly. */
export function hashOf(state: JsonObject): number {
  const text = stringify(state) ?? '';
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = ((hash << 5) - hash + text.charCodeAt(i)) | 0;
  return hash;
}
