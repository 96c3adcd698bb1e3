// What is on the disk of one server, as the ledger has read it there: per project the changes by position, the heads, and the
// lifecycle.

export class DiskLog {
  private readonly projects = new Map<string, ProjectOnDisk>();

  project(id: string): ProjectOnDisk {
    let project = this.projects.get(id);
    if (!project) {
      project = new ProjectOnDisk();
      this.projects.set(id, project);
    }
    return project;
  }

  /** Whether it has the change of this name. */
  hasNamed(name: string): boolean {
    return this.projects.get(name.split('/')[0] ?? '')?.has(name) ?? false;
  }

  /** The ids and logs of projects that aren't deleted. */
  *alive(): Generator<[id: string, project: ProjectOnDisk]> {
    for (const [id, project] of this.projects) if (project.lifecycle % 2 === 0) yield [id, project];
  }

  /** Whether it has more of what was written under a server id. */
  hasMoreOf(other: DiskLog, serverId: number): boolean {
    return [...this.projects].some(
      ([id, project]) => project.head(serverId) > other.project(id).head(serverId),
    );
  }

  copy(): DiskLog {
    const copy = new DiskLog();
    for (const [id, project] of this.projects) copy.projects.set(id, project.copy());
    return copy;
  }
}

/** docs/replication-protocol.md: of a project that was deleted for good. */
const purgedLifecycle = 2 ** 31 - 1;

export class ProjectOnDisk {
  lifecycle = 0;
  /** Whether the catalogue has it, and as a session. */
  isThere = false;
  isSession = false;
  /** Position → the name of the change there. */
  private positions = new Map<number, string>();
  private names = new Set<string>();
  /** Also of those that were removed since. */
  private everHere = new Set<string>();
  private heads = new Map<number, number>();

  /** @returns what is wrong with it, or null (no holes, nothing twice). */
  add(position: number, name: string, serverId: number, seqno: number): string | null {
    const head = this.heads.get(serverId) ?? 0;
    const isNext = position === this.positions.size + 1 && seqno === head + 1;
    this.positions.set(position, name);
    this.names.add(name);
    this.everHere.add(name);
    this.heads.set(serverId, seqno);
    if (isNext) return null;
    return `${name} came to position ${position}, after ${this.positions.size - 1} positions and the seqno ${head}`;
  }

  /** A session that was not finished is removed, and what a purge takes. @returns the name of what was there. */
  remove(position: number): string | undefined {
    const name = this.positions.get(position);
    if (name === undefined) return undefined;
    this.positions.delete(position);
    this.names.delete(name);
    const [, serverId, seqno] = name.split('/').map(Number) as [number, number, number];
    this.heads.set(serverId, Math.min(seqno - 1, this.heads.get(serverId) ?? 0));
    return name;
  }

  head(serverId: number): number {
    return this.heads.get(serverId) ?? 0;
  }

  at(position: number): string | undefined {
    return this.positions.get(position);
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /** Whether it is here; of a purged project, whether it was: it may be on its way to somebody still. */
  mayLeave(name: string): boolean {
    return this.names.has(name) || (this.lifecycle === purgedLifecycle && this.everHere.has(name));
  }

  /** The names of changes that are here and not there. */
  missingIn(there: ProjectOnDisk): string[] {
    return [...this.names].filter((name) => !there.names.has(name));
  }

  /** The names of all changes, in their order here. */
  list(): string[] {
    return [...this.positions].sort(([a], [b]) => a - b).map(([, name]) => name);
  }

  copy(): ProjectOnDisk {
    const copy = new ProjectOnDisk();
    copy.lifecycle = this.lifecycle;
    copy.isThere = this.isThere;
    copy.isSession = this.isSession;
    copy.positions = new Map(this.positions);
    copy.names = new Set(this.names);
    copy.everHere = new Set(this.everHere);
    copy.heads = new Map(this.heads);
    return copy;
  }
}
