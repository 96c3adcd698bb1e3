// What the peer of a link is known to have, of the projects that were spoken of last: what it has is neither announced
// nor sent to it. To forget is harmless: the peer is told once more than it needs.

import type { VersionVector } from '../model/version-vector.ts';
import type { Head, Standing } from '../model/standing.ts';

interface Known {
  lifecycle: number;
  /** Whether the peer was told what we have, with its checksums. */
  isTold: boolean;
  readonly vector: Map<number, number>;
}

/** So many seqnos are remembered, over all projects. */
const seqnosMax = 100_000;
/** What a project counts beside its seqnos. */
const projectCost = 4;

export class KnownOfPeer {
  /** The one that was spoken of last is last. */
  private readonly projects = new Map<string, Known>();
  private cost = 0;

  /**
   * The peer has these, and what it was known to have. Of a deleted project it says which numbers it knows of: when the project
   * comes back that counts no more.
   */
  learn(project: string, vector: VersionVector, lifecycle = 0): void {
    const known = this.take(project);
    if (lifecycle > known.lifecycle) known.vector.clear();
    const isPast = lifecycle % 2 === 1 && lifecycle < known.lifecycle;
    for (const [serverId, seqno] of isPast ? [] : vector)
      if (seqno > (known.vector.get(serverId) ?? 0)) known.vector.set(serverId, seqno);
    known.lifecycle = Math.max(known.lifecycle, lifecycle);
    this.keep(project, known);
  }

  /** The peer has these and nothing else. */
  replace(project: string, vector: VersionVector): void {
    const { lifecycle, isTold } = this.take(project);
    this.keep(project, { lifecycle, isTold, vector: new Map(vector) });
  }

  /** The peer was sent our standing. */
  told(project: string, lifecycle: number): void {
    this.learn(project, new Map(), lifecycle);
    const known = this.projects.get(project);
    if (known) known.isTold = true;
  }

  /** What the peer was sent is to be sent again before it is asked for more. */
  untold(project: string): void {
    const known = this.projects.get(project);
    if (known) known.isTold = false;
  }

  /** Whether the peer was sent our standing since the link began. */
  isTold(project: string): boolean {
    return this.projects.get(project)?.isTold ?? false;
  }

  /** Whether the peer need not be told of this standing. */
  covers(project: string, { lifecycle, heads }: Standing): boolean {
    const known = this.projects.get(project);
    return known?.lifecycle === lifecycle && changesBehind(known.vector, heads) === 0;
  }

  lifecycleOf(project: string): number {
    return this.projects.get(project)?.lifecycle ?? 0;
  }

  private take(project: string): Known {
    const known = this.projects.get(project) ?? { lifecycle: 0, isTold: false, vector: new Map() };
    if (this.projects.delete(project)) this.cost -= costOf(known);
    return known;
  }

  private keep(project: string, known: Known): void {
    this.projects.set(project, known);
    this.cost += costOf(known);
    for (const [oldest, { vector }] of this.projects) {
      if (this.cost <= seqnosMax || oldest === project) return;
      this.projects.delete(oldest);
      this.cost -= vector.size + projectCost;
    }
  }
}

function costOf({ vector }: Known): number {
  return vector.size + projectCost;
}

/** How many changes a server with this vector lacks of these heads. */
export function changesBehind(vector: VersionVector, heads: readonly Head[]): number {
  return heads.reduce(
    (sum, { serverId, seqno }) => sum + Math.max(0, seqno - (vector.get(serverId) ?? 0)),
    0,
  );
}

/** The version vector of heads. */
export function vectorOfHeads(heads: readonly Head[]): VersionVector {
  return new Map(heads.map(({ serverId, seqno }) => [serverId, seqno]));
}
