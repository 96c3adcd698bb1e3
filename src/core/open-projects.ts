// Which projects stay in memory: those used last, as many as the stated memory holds, and none that nobody has used for
// a while.

import type { Environment } from '../model/environment.ts';

/** A project, as far as its place in memory matters. */
export interface Resident {
  /** About how much memory it takes. Bytes. */
  readonly weightBytes: number;
}

export interface OpenProjectsOptions {
  readonly bytesMax: number;
  readonly idleMs: number;
}

export const openProjectsDefaults: OpenProjectsOptions = {
  bytesMax: 256 * 1024 * 1024,
  idleMs: 5 * 60 * 1000,
};

const sweepIntervalMsMax = 10_000;

export class OpenProjects<Project extends Resident> {
  /** The least recently used first. */
  private readonly used = new Map<Project, { readonly bytes: number; readonly atMs: number }>();
  private readonly leaving = new Set<Promise<void>>();
  private bytes = 0;
  private readonly timer: NodeJS.Timeout;

  /** @param letGo takes a project out of memory, if nobody has begun to use it again. */
  constructor(
    private readonly environment: Environment,
    private readonly options: OpenProjectsOptions,
    private readonly letGo: (project: Project) => Promise<void>,
  ) {
    const intervalMs = Math.min(options.idleMs / 4, sweepIntervalMsMax);
    this.timer = setInterval(() => this.dropIdle(), intervalMs).unref();
  }

  get count(): number {
    return this.used.size;
  }

  /** Of all of them, about. */
  get weightBytes(): number {
    return this.bytes;
  }

  /** Notes that a project is being used. */
  touch(project: Project): void {
    this.keep(project);
    for (const [oldest] of this.used) {
      if (this.bytes <= this.options.bytesMax || oldest === project) break;
      this.drop(oldest);
    }
  }

  /** Of one that could not leave: it is let go again when others need the room, or when nobody has used it for a while. */
  keep(project: Project): void {
    this.forget(project);
    const { weightBytes: bytes } = project;
    this.used.set(project, { bytes, atMs: this.environment.now() });
    this.bytes += bytes;
  }

  /** Whether it was used since it was let go. */
  has(project: Project): boolean {
    return this.used.has(project);
  }

  forget(project: Project): void {
    const entry = this.used.get(project);
    if (!entry) return;
    this.used.delete(project);
    this.bytes -= entry.bytes;
  }

  /** Resolves when so few projects are on their way out that another may come in. No project's turn may be held. */
  async room(): Promise<void> {
    while (this.leaving.size > leavingMax) await Promise.race(this.leaving);
  }

  end(): void {
    clearInterval(this.timer);
  }

  private dropIdle(): void {
    const beforeMs = this.environment.now() - this.options.idleMs;
    for (const [project, { atMs }] of this.used) {
      if (atMs > beforeMs) return;
      this.drop(project);
    }
  }

  private drop(project: Project): void {
    this.forget(project);
    const left = this.letGo(project).finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }
}

/** So many projects may be on their way out of memory, where their snapshots are being written. */
const leavingMax = 16;
