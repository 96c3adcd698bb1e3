// A stream client of the simulation, as `/ws` has them: uploads objects until they are acknowledged, and follows projects from
// the version vector it knows, on whatever server it is.

import type { Projects } from '../../src/core/projects.ts';
import type { Selected } from '../../src/core/selected-feed.ts';
import { upload } from '../../src/core/upload.ts';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { checkObject } from '../../src/model/objects.ts';
import type { VersionVector } from '../../src/model/version-vector.ts';
import { SimClient } from './sim-client.ts';
import { madeId } from './session-maker.ts';
import type { SimConnection } from './sim-connection.ts';

interface Upload {
  readonly project: string;
  readonly mark: string;
  readonly fields: JsonObject;
}

/** What it knows of a project: all that was ever streamed to it. */
interface Known {
  since: Map<number, number>;
  /** Version uuid → JSON text. */
  readonly objects: Map<string, string>;
}

export class StreamClient extends SimClient {
  private readonly known = new Map<string, Known>();
  private readonly unsent: Upload[] = [];
  private isSending = false;
  /** What it uploads to and follows. */
  readonly projects: [string, ...string[]] = ['session', 'report', 'report', 'gone'];

  get isQuiet(): boolean {
    return this.connection !== null && this.unsent.length === 0;
  }

  /** What was acknowledged it doesn't send again. */
  holds(): boolean {
    return false;
  }

  /** The version uuids that it was shown. */
  uuidsOf(project: string): ReadonlySet<string> {
    return new Set(this.known.get(project)?.objects.keys());
  }

  protected write(): void {
    const project = this.chance.pick(this.projects);
    for (let count = this.chance.integer(1, 3); count > 0; count--) {
      const mark = this.mark();
      this.unsent.push({ project, mark, fields: entryOf(mark) });
    }
    this.send();
  }

  protected connected(connection: SimConnection): void {
    for (const project of new Set([...this.projects, madeId]))
      this.trying(connection, () => this.follow(connection, project));
    this.send();
  }

  protected lost(): void {
    this.isSending = false;
  }

  private send(): void {
    const { connection } = this;
    if (!connection || this.isSending || this.unsent.length === 0) return;
    this.isSending = true;
    const project = this.unsent[0]!.project;
    const batch = this.unsent.filter((object) => object.project === project);
    const objects = batch.map(({ project: projectId, fields }) => ({
      projectId,
      kind: 'entry' as const,
      fields: checkObject('entry', fields, 'object'),
    }));
    const origin = { protocol: 'stream', user: this.name } as const;
    this.trying(connection, async () => {
      const server = connection.server.index;
      const store = async (projects: Projects): Promise<void> => {
        await upload(projects, objects, origin);
        for (const { mark } of batch) this.world.ledger.answered(server, mark, project);
      };
      const isStored = await connection.call(store).then(() => true, wasDeleted);
      for (const object of batch) {
        this.unsent.splice(this.unsent.indexOf(object), 1);
        const detail = `${this.name} uploaded it to server ${server}`;
        if (isStored) this.world.ledger.acknowledged(object.mark, { project, detail });
      }
      this.isSending = false;
      this.send();
    });
  }

  /** One stream: it lasts until the connection ends, or the server refuses to go on. */
  private follow(connection: SimConnection, project: string): Promise<void> {
    const { known } = this;
    const now = known.get(project) ?? {
      since: new Map<number, number>(),
      objects: new Map<string, string>(),
    };
    known.set(project, now);
    const since = new Map(now.since);
    const stream = new SeenStream(since);
    return connection.call((projects) =>
      serve(connection, projects, project, since, {
        began: (durablePosition) => (stream.historyEnd = durablePosition),
        changes: (changes) => connection.down(() => this.take(connection, project, now, stream, changes)),
        synced: (vector) =>
          connection.down(() => {
            for (const [id, seqno] of vector) now.since.set(id, Math.max(seqno, now.since.get(id) ?? 0));
          }),
        leaving: (changes) => {
          for (const { serverId, seqno, object } of objectsIn(changes))
            this.world.ledger.shown(connection.server.index, project, serverId, seqno, object);
        },
      }),
    );
  }

  private take(
    connection: SimConnection,
    project: string,
    now: Known,
    stream: SeenStream,
    changes: readonly Selected[],
  ): void {
    for (const { serverId, seqno, position, object } of objectsIn(changes)) {
      const uuid = (JSON.parse(object) as { version_uuid: string }).version_uuid;
      const problem = stream.take(uuid, serverId, seqno, position);
      const before = now.objects.get(uuid);
      const about = `${this.name} at server ${connection.server.index}, project ${project}, ${serverId}/${seqno} ${uuid}`;
      if (problem !== null) this.world.ledger.fail(`${about}: ${problem}`);
      if (before !== undefined && contentOf(before) !== contentOf(object))
        this.world.ledger.fail(`${about}: it was another object before: ${before}, now ${object}`);
      now.objects.set(uuid, object);
      now.since.set(serverId, Math.max(seqno, now.since.get(serverId) ?? 0));
    }
  }
}

/** Then the objects are given up; every other refusal is thrown on. */
function wasDeleted(error: unknown): false {
  if (error instanceof RejoinError && error.code === 'deleted') return false;
  throw error;
}

/** What a stream has shown, by which it is judged: in order, each uuid once, nothing that was known (WS-4, WS-5, REP-6). */
class SeenStream {
  historyEnd = 0;
  private last = 0;
  private readonly uuids = new Set<string>();

  constructor(private readonly since: VersionVector) {}

  take(uuid: string, serverId: number, seqno: number, position: number): string | null {
    const isOrdered = position > this.last;
    this.last = position;
    const isNew = !this.uuids.has(uuid);
    this.uuids.add(uuid);
    if (!isOrdered) return 'it was streamed out of order';
    if (!isNew) return 'it was streamed twice';
    const isHistory = position <= this.historyEnd;
    if (isHistory && seqno <= (this.since.get(serverId) ?? 0)) return 'it was known before the stream began';
    return null;
  }
}

interface StreamOutput {
  /** How far the log is durable when the stream is asked for. */
  began(durablePosition: number): void;
  /** At the moment that the server hands them out. */
  leaving(changes: readonly Selected[]): void;
  changes(changes: readonly Selected[]): void;
  synced(vector: VersionVector): void;
}

/** The part of the server: as the adapter of `/ws` does it. */
async function serve(
  connection: SimConnection,
  projects: Projects,
  id: string,
  since: VersionVector,
  output: StreamOutput,
): Promise<void> {
  const { project, release } = await projects.acquire(id);
  try {
    output.began(project.durablePosition);
    const feed = await project.select({ objects: [{ kind: 'entry', since, match: null }], udt: null });
    connection.onEnd(() => feed.close());
    let isSynced = false;
    for (;;) {
      if (feed.atHead && !isSynced) {
        isSynced = true;
        output.synced(feed.vector);
      }
      const changes = await feed.next();
      if (!changes || !connection.isOpen) return;
      output.leaving(changes);
      output.changes(changes);
    }
  } finally {
    release();
  }
}

function* objectsIn(
  changes: readonly Selected[],
): Generator<{ serverId: number; seqno: number; position: number; object: string }> {
  for (const change of changes) {
    if (change.type !== 'object') continue;
    const { serverId, seqno, position, object } = change;
    yield { serverId, seqno, position, object: Buffer.from(object).toString('utf8') };
  }
}

/** Without what a server adds when it is encoded: two servers may have taken the same upload. */
function contentOf(object: string): string {
  const { content, version_uuid: uuid } = JSON.parse(object) as JsonObject;
  return JSON.stringify([content, uuid]);
}

export function entryOf(mark: string): JsonObject {
  return {
    report_uuid: 'r',
    entry_uuid: `e${mark}`,
    version_uuid: `v${mark}`,
    clip_id: 'A001',
    authortime: '2026-01-01T10:00:00Z',
    content: { camera: mark },
  };
}
