// Projects over a store in memory, with a clock that a test sets and a list of what was observed.

import { Projects, type ProjectsOptions } from '../../src/core/projects.ts';
import type { ObservedEvent } from '../../src/core/observer.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import type { Store } from '../../src/store/store.ts';

export interface MemoryProjects {
  readonly projects: Projects;
  readonly events: ObservedEvent[];
  readonly clock: { nowMs: number };
}

export const testLife = { serverId: 9, epoch: 3 };

export function openProjects(
  store: Store,
  options: Partial<ProjectsOptions> = {},
  clock = { nowMs: Date.UTC(2026, 0, 1) },
): MemoryProjects {
  const events: ObservedEvent[] = [];
  const projects = new Projects({
    store,
    life: testLife,
    environment: { ...realEnvironment, now: () => clock.nowMs },
    observer: { observe: (event) => events.push(event) },
    ...options,
  });
  return { projects, events, clock };
}
