// What an operator asks of a data folder by a command, whether a server runs on it or not: the same is done here for both.
// What goes between a command and a running server is in the same shapes (control.ts).

import { z } from 'zod';
import { RejoinError } from '../errors.ts';
import { parseProjectId } from '../model/project-id.ts';
import { backUp } from '../store/backup.ts';
import type { Finding } from '../store/findings.ts';
import { ProjectKeys } from '../store/keys.ts';
import { verifyStore } from '../store/verify.ts';
import type { Loss } from './project-loss.ts';
import type { Project } from './project.ts';
import type { Projects } from './projects.ts';

export const operationShape = z.discriminatedUnion('type', [
  z.object({ type: z.literal('delete'), project: z.string() }),
  z.object({ type: z.literal('undelete'), project: z.string() }),
  /** What a purge would remove. */
  z.object({ type: z.literal('weigh'), project: z.string() }),
  z.object({ type: z.literal('purge'), project: z.string() }),
  /** What would be given up of what a project has lost. */
  z.object({ type: z.literal('look-at-loss'), project: z.string() }),
  z.object({ type: z.literal('accept-loss'), project: z.string() }),
  /** @param folder absolute. */
  z.object({ type: z.literal('backup'), folder: z.string() }),
  z.object({ type: z.literal('verify'), isRepair: z.boolean() }),
]);

export type Operation = z.infer<typeof operationShape>;

const findingShape = z.object({
  project: z.string().nullable(),
  position: z.number().nullable(),
  numbers: z.object({ serverId: z.number(), first: z.number(), last: z.number() }).nullable(),
  problem: z.string(),
  remedy: z.enum(['mendable', 'mended', 'peer', 'harmless']),
}) satisfies z.ZodType<Finding>;

/** What is told while an operation runs. `done` of `total` in a unit of its own. */
export const stepShape = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), done: z.number(), total: z.number() }),
  z.object({ type: z.literal('damage'), detail: z.string() }),
  z.object({ type: z.literal('finding'), finding: findingShape }),
]);

export type Step = z.infer<typeof stepShape>;

/** So many rows of what is lost are told. */
const findingsMax = 20;

const lossShape = z.object({
  findings: z.array(findingShape),
  /** How many more there are. */
  moreFindings: z.number(),
  lost: z.number(),
  isCovered: z.boolean(),
  unshown: z.number(),
  unshownFromMs: z.number().nullable(),
  unshownToMs: z.number().nullable(),
  objects: z.number(),
  kept: z.number(),
  renumbered: z.number(),
});

export const outcomeShape = z.discriminatedUnion('type', [
  z.object({ type: z.literal('deleted'), changes: z.number() }),
  z.object({ type: z.literal('undeleted'), changes: z.number() }),
  z.object({
    type: z.literal('weighed'),
    /** Milliseconds since 1970; null if it isn't deleted. */
    deletedMs: z.number().nullable(),
    isPurged: z.boolean(),
    changes: z.number(),
    /** About, on disk. */
    bytes: z.number(),
  }),
  z.object({ type: z.literal('purged'), entries: z.number() }),
  z.object({ type: z.literal('loss'), loss: lossShape }),
  z.object({ type: z.literal('loss-accepted'), loss: lossShape, serverId: z.number() }),
  z.object({
    type: z.literal('backed-up'),
    projects: z.number(),
    deleted: z.number(),
    changes: z.number(),
    newestMs: z.number().nullable(),
    damaged: z.number(),
  }),
  z.object({
    type: z.literal('verified'),
    counts: z.record(z.string(), z.number()),
    /** Changes that only another server, or a backup, can have. */
    wanted: z.number(),
  }),
]);

export type Outcome = z.infer<typeof outcomeShape>;

export type OutcomeOf<Type extends Outcome['type']> = Extract<Outcome, { type: Type }>;

export interface Listening {
  readonly onStep: (step: Step) => void;
  /** What can be given up is. */
  readonly stopping: AbortSignal;
}

export class Operations {
  /** @param checkFiles says what is wrong with the database's files, one clause each. */
  constructor(
    private readonly projects: Projects,
    private readonly checkFiles: (stopping: AbortSignal) => Promise<readonly string[]>,
  ) {}

  /** @throws RejoinError that says why it isn't done. */
  run(operation: Operation, listening: Listening): Promise<Outcome> {
    switch (operation.type) {
      case 'delete':
        return this.withProject(operation.project, async (project) => {
          await project.delete();
          return { type: 'deleted', changes: project.durablePosition };
        });
      case 'undelete':
        return this.withProject(operation.project, async (project) => {
          await project.undelete();
          return { type: 'undeleted', changes: project.durablePosition };
        });
      case 'weigh':
        return this.withProject(operation.project, (project) => this.weigh(project));
      case 'purge':
        return this.withProject(operation.project, (project) => this.purge(project, listening));
      case 'look-at-loss':
        return this.withProject(operation.project, async (project) => {
          return { type: 'loss', loss: lossToTell(await project.loss.look()) };
        });
      case 'accept-loss':
        return this.acceptLoss(operation.project);
      case 'backup':
        return this.backUp(operation.folder, listening);
      case 'verify':
        return this.verify(operation.isRepair, listening);
    }
  }

  private withProject(id: string, use: (project: Project) => Promise<Outcome>): Promise<Outcome> {
    return this.projects.find(parseProjectId(id, 'the id of the project'), (project) => {
      if (!project) throw new RejoinError('not-found', `There is no project ${JSON.stringify(id)} here`);
      return use(project);
    });
  }

  private async weigh(project: Project): Promise<Outcome> {
    const isPurged = project.info?.purgedMs !== undefined;
    const bytes = await this.projects.context.store.approximateSize(new ProjectKeys(project.id).all());
    const deletedMs = project.info?.tombstone?.deletedMs ?? null;
    return { type: 'weighed', deletedMs, isPurged, changes: isPurged ? 0 : project.durablePosition, bytes };
  }

  private async purge(project: Project, { onStep }: Listening): Promise<Outcome> {
    let entries = 0;
    const total = 4 * project.durablePosition; // about: nobody has counted them
    await project.purge((removed) => {
      entries = removed;
      onStep({ type: 'progress', done: Math.min(removed, total), total });
    });
    return { type: 'purged', entries };
  }

  /** A check mends what it can first; none may look while everything changes. */
  private acceptLoss(id: string): Promise<Outcome> {
    const { checks, context } = this.projects;
    return this.withProject(id, (project) =>
      checks.behind(id, async () => {
        const loss = lossToTell(await project.loss.accept());
        await project.repair.secureOrder();
        return { type: 'loss-accepted', loss, serverId: context.life.serverId };
      }),
    );
  }

  private async backUp(folder: string, { onStep, stopping }: Listening): Promise<Outcome> {
    const report = await backUp(this.projects.context.store, folder, {
      onProgress: (done, total) => onStep({ type: 'progress', done, total }),
      onDamage: (detail) => onStep({ type: 'damage', detail }),
      stopping,
    });
    return { type: 'backed-up', ...report };
  }

  private async verify(isRepair: boolean, { onStep, stopping }: Listening): Promise<Outcome> {
    const { projects } = this;
    const { store, witness, environment } = projects.context;
    for (const problem of await this.checkFiles(stopping))
      onStep({
        type: 'finding',
        finding: { project: null, position: null, numbers: null, problem, remedy: 'peer' },
      });
    const reindexed = new Set<string>();
    let wanted = 0;
    const counts = await verifyStore(store, {
      isRepair,
      nowMs: environment.now(),
      stopping,
      onProgress: (done, total) => onStep({ type: 'progress', done, total }),
      onFinding: (finding) => onStep({ type: 'finding', finding }),
      witnessed: async (project) => witness?.heads(project),
      witnessedProjects: () => witness?.projects() ?? [],
      alone: (project, repair) => projects.upkeep.runFor(project, repair),
      onReindex: (project) => reindexed.add(project),
      onLost: (project, count) => {
        wanted += count;
        if (isRepair) projects.wanted.note(project, count > 0);
      },
    });
    for (const project of reindexed) await projects.upkeep.index(project);
    return { type: 'verified', counts: { ...counts }, wanted };
  }
}

function lossToTell(loss: Loss): z.infer<typeof lossShape> {
  const findings = loss.findings.slice(0, findingsMax);
  return { ...loss, findings, moreFindings: loss.findings.length - findings.length };
}
