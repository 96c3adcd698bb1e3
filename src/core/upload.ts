// An upload of objects, which may span projects: all of it is stored or none, in one batch (WS-13).

import { RejoinError } from '../errors.ts';
import type { Origin } from '../model/origin.ts';
import type { Project } from './project.ts';
import type { NewObject } from './project-uploads.ts';
import type { Projects } from './projects.ts';

export type ObjectForProject = NewObject & { readonly projectId: string };

/**
 * Stores objects that passed `checkObject`; those whose uuid exists in their project are dropped. Resolves when all is
 * durable.
 * @throws RejoinError `deleted`, `damaged` (nothing was stored), `outcome-unknown`, `unavailable`.
 */
export function upload(
  projects: Projects,
  objects: readonly ObjectForProject[],
  origin: Origin,
): Promise<void> {
  return projects.context.recovery.writing(() => uploadOnce(projects, objects, origin));
}

async function uploadOnce(
  projects: Projects,
  objects: readonly ObjectForProject[],
  origin: Origin,
): Promise<void> {
  const targets = await acquireAll(projects, objects);
  try {
    await Promise.all(await uploadInTurn(projects, targets, origin));
  } finally {
    for (const { release } of targets) release();
  }
}

interface Target {
  readonly project: Project;
  readonly objects: readonly NewObject[];
  readonly release: () => void;
}

async function acquireAll(projects: Projects, objects: readonly ObjectForProject[]): Promise<Target[]> {
  const byProject = new Map<string, NewObject[]>();
  for (const object of objects) {
    const others = byProject.get(object.projectId);
    if (others) others.push(object);
    else byProject.set(object.projectId, [object]);
  }
  const targets: Target[] = [];
  try {
    // In the order of ids: two uploads over the same projects can't wait for each other.
    for (const id of [...byProject.keys()].sort()) {
      targets.push({ ...(await projects.acquire(id)), objects: byProject.get(id) ?? [] });
    }
  } catch (error) {
    for (const { release } of targets) release();
    throw error;
  }
  return targets;
}

/** Has the turn of every project while it plans, numbers and hands over. */
async function uploadInTurn(
  { context }: Projects,
  targets: readonly Target[],
  origin: Origin,
): Promise<Promise<void>[]> {
  const turns: (() => void)[] = [];
  const lookups = targets.map(({ project, objects }) => project.uploads.lookUp(objects));
  try {
    for (const { project } of targets) turns.push(await project.uploads.hold());
    context.recovery.checkWritable();
    const plans = [];
    for (const { project, objects } of targets) {
      plans.push({ project, fresh: await project.uploads.plan(objects, origin) });
    }
    // What is dropped as known may still be on its way to the disk: it is acknowledged after that.
    const durable = targets.map(({ project }) => project.settled());
    const wanted = plans.filter(({ fresh }) => fresh.length > 0);
    if (wanted.length === 0) return durable;
    if (plans.some(({ project }) => project.isStale))
      throw new RejoinError('unavailable', 'Nothing was written: a project is to be read again');
    try {
      const staged = wanted.map(({ project, fresh }) => project.uploads.stage(fresh, origin));
      const written = context.store.write(staged.flatMap(({ writes }) => writes));
      return [...durable, ...staged.map(({ track }) => track(written))];
    } catch (error) {
      // A part of it may be numbered already: memory no longer says what is stored.
      context.recovery.failed(error);
      throw error;
    }
  } finally {
    for (const giveBack of turns) giveBack();
    for (const end of lookups) end();
  }
}
