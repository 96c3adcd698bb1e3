// What is durable here of each project, as other servers are told (REP-2). It is asked for often and changes seldom, so
// that the last ones are kept. Replicas asks for it.

import * as encoding from 'lib0/encoding';
import { hasCode } from '../errors.ts';
import type { Head, Standing } from '../model/standing.ts';
import { highestOf, type VersionVector } from '../model/version-vector.ts';
import { digestOf } from '../store/digest.ts';
import { ProjectKeys } from '../store/keys.ts';
import { lifecycleOf, readProjectInfo, type ProjectInfo } from '../store/project-info.ts';
import { readChecksum } from '../store/read-checksum.ts';
import { headsOfPurged, recoverHeads } from '../store/recover-heads.ts';
import type { Projects } from './projects.ts';

const digestLength = 8;

/** So many are kept; most have one or two heads. */
const keptMax = 10_000;

export class Standings {
  /** Those read last come last. */
  private readonly kept = new Map<string, Standing>();
  private readonly digests = new Map<string, Uint8Array>();
  /** Those that are being read, and in which nothing has moved since that began. */
  private readonly reading = new Map<string, object>();

  constructor(private readonly projects: Projects) {
    projects.context.moved.listen((project) => {
      this.kept.delete(project);
      this.digests.delete(project);
      this.reading.delete(project);
    });
  }

  /**
   * What is durable here; of a project that doesn't exist, nothing; of a deleted one, the highest numbers that are known to
   * have been given (REP-14). @throws RejoinError `damaged`, `unavailable`.
   */
  async of(project: string): Promise<Standing> {
    return this.kept.get(project) ?? (await this.readAnew(project));
  }

  /** As `of`, from the store. */
  async readAnew(project: string): Promise<Standing> {
    const token = {};
    this.reading.set(project, token);
    try {
      const standing = await this.projects.reading(() => this.read(project));
      if (this.reading.get(project) === token && !isNothing(standing)) this.keep(project, standing);
      return standing;
    } finally {
      if (this.reading.get(project) === token) this.reading.delete(project);
    }
  }

  /** Tells two standings apart, 8 bytes; null if there is no such project here, or it can't be read. */
  async digest(project: string): Promise<Uint8Array | null> {
    const known = this.digests.get(project);
    if (known) return known;
    try {
      const standing = await this.of(project);
      if (isNothing(standing)) return null;
      const digest = digestOfStanding(standing);
      if (this.kept.get(project) === standing) this.digests.set(project, digest);
      return digest;
    } catch (error) {
      if (hasCode(error, 'damaged')) return null;
      throw error;
    }
  }

  /** Of one change of a project, 8 bytes; zeros if it can't be read: what is damaged is not another change (REP-9). */
  async checksumOf(project: string, serverId: number, seqno: number): Promise<Uint8Array> {
    const { context } = this.projects;
    const checksum = await readChecksum(context.store, new ProjectKeys(project), serverId, seqno);
    if (typeof checksum !== 'string') return checksum;
    if (checksum === 'damaged') context.suspect(project);
    return unknown;
  }

  private keep(project: string, standing: Standing): void {
    this.kept.set(project, standing);
    if (this.kept.size <= keptMax) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }

  private async read(project: string): Promise<Standing> {
    const info = await readProjectInfo(this.projects.context.store, project);
    if (!info) return { lifecycle: 0, deletedMs: 0, heads: [] };
    const vector = await this.vectorOf(project, info);
    const heads: Head[] = [];
    for (const [serverId, seqno] of [...vector].sort(([a], [b]) => a - b))
      heads.push({ serverId, seqno, checksum: await this.checksumOf(project, serverId, seqno) });
    return { lifecycle: lifecycleOf(info), deletedMs: info.tombstone?.deletedMs ?? 0, heads };
  }

  private async vectorOf(project: string, info: ProjectInfo): Promise<VersionVector> {
    if (info.purgedMs !== undefined) return headsOfPurged(info).vector;
    const keys = new ProjectKeys(project);
    const { vector } = await recoverHeads(this.projects.context.store, keys, info.damage, undefined);
    return info.tombstone ? highestOf(vector, new Map(info.tombstone.vector)) : vector;
  }
}

const unknown = new Uint8Array(digestLength);

function isNothing({ heads, lifecycle }: Standing): boolean {
  return heads.length === 0 && lifecycle === 0;
}

/** Of a deleted project the numbers count and what stands under them doesn't: its changes aren't exchanged. */
function digestOfStanding({ lifecycle, heads }: Standing): Uint8Array {
  const bytes = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, lifecycle);
    for (const { serverId, seqno, checksum } of heads) {
      encoding.writeVarUint(encoder, serverId);
      encoding.writeVarUint(encoder, seqno);
      if (lifecycle % 2 === 0) encoding.writeUint8Array(encoder, checksum);
    }
  });
  return digestOf(bytes).subarray(0, digestLength);
}
