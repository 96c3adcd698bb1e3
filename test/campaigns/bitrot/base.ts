// A data folder that is whole, with everything that is known of it: made by a server under load on all three wires, killed
// once so that tables are made of its logs, and ended by an orderly stop or by one more kill.

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LevelStore } from '../../../src/store/level.ts';
import { readLife, type Life } from '../../../src/store/life.ts';
import { writeMarker } from '../../../src/store/marker.ts';
import { startProcess } from '../../support/server.ts';
import { removeFolder, temporaryFolder } from '../../support/temporary.ts';
import type { Chance } from '../kill9/chance.ts';
import { checkLogs, type Place } from '../kill9/check-log.ts';
import { checkWires } from '../kill9/check-wires.ts';
import type { Wire } from '../kill9/ledger.ts';
import { Traffic } from '../kill9/traffic.ts';
import { getDiffs } from '../kill9/udt-client.ts';
import { patienceMs, within } from '../kill9/within.ts';
import type { Address } from '../kill9/writer.ts';
import { loggedNumbers, type LoggedNumbers } from './logged-numbers.ts';
import { readProject } from './read-project.ts';
import type { ProjectTruth } from './truth.ts';

export type Ending = 'stopped' | 'killed';

export interface Base {
  readonly ending: Ending;
  readonly data: string;
  readonly life: Life;
  readonly truths: readonly ProjectTruth[];
  readonly numbers: LoggedNumbers;
  readonly acknowledged: Readonly<Record<Wire, number>>;
}

export interface BaseOptions {
  readonly ending: Ending;
  /** Acknowledged writes on all wires, at least. */
  readonly writes: number;
  readonly chance: Chance;
}

/** Updates that a snapshot covers go at once in one of them, and stay in the other. */
const flags: Readonly<Record<Ending, readonly string[]>> = { stopped: ['--keep-updates', '0s'], killed: [] };

/** So much is written before the server is killed the first time. */
const firstPart = 0.7;

/** @throws Error if what was written isn't whole to begin with. */
export async function makeBase(options: BaseOptions): Promise<Base> {
  const data = await temporaryFolder();
  const copy = await temporaryFolder();
  try {
    const { traffic, places } = await fill(data, options);
    const life = await lifeOf(data);
    await copyBase({ data, life }, copy);
    const truths = await readTruths(copy, traffic, places);
    const { problems } = traffic.ledger;
    if (problems.length > 0)
      throw new Error(`the base is not whole: ${JSON.stringify(problems.slice(0, 3))}`);
    if ((await lifeOf(copy)).serverId !== life.serverId) throw new Error('a copy took a new server id');
    const numbers = await loggedNumbers(copy, traffic.projects);
    const acknowledged = (wire: Wire): number => traffic.ledger.count(wire, true);
    return {
      ending: options.ending,
      data,
      life,
      truths,
      numbers,
      acknowledged: { stream: acknowledged('stream'), udt: acknowledged('udt'), yjs: acknowledged('yjs') },
    };
  } catch (error) {
    await removeFolder(data);
    throw error;
  } finally {
    await removeFolder(copy);
  }
}

/** A copy that counts as the folder itself, not as a restored one. */
export async function copyBase({ data, life }: Pick<Base, 'data' | 'life'>, to: string): Promise<void> {
  await cp(data, to, { recursive: true });
  await writeMarker(join(to, 'db'), life);
}

async function fill(
  data: string,
  { ending, writes, chance }: BaseOptions,
): Promise<{ traffic: Traffic; places: Map<string, Place[]> }> {
  let server = await startProcess(data, { flags: flags[ending] });
  let traffic: Traffic | undefined;
  try {
    traffic = await Traffic.create(server, 'plain', chance.fork());
    traffic.ledger.mayRefuse = true; // while it stops
    traffic.ledger.mayCompact = true;
    for (const [round, part] of [firstPart, 1].entries()) {
      if (round > 0) {
        server = await startProcess(data, { flags: flags[ending] });
        for (const subscriber of traffic.subscribers) await subscriber.resume(server.socketUrl);
      }
      await within(traffic.start(server, round + 1), 'the connections of all writers');
      await untilAcknowledged(traffic, writes * part);
      await within(
        server.kill(round > 0 && ending === 'stopped' ? 'SIGTERM' : 'SIGKILL'),
        'the end of the server',
      );
      await traffic.stop();
    }
    return { traffic, places: await checkLogs(data, [traffic]) };
  } finally {
    await server.kill('SIGKILL');
    await traffic?.stop();
  }
}

async function untilAcknowledged(traffic: Traffic, writes: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { ledger } = traffic;
    if (ledger.writes.filter(({ acknowledged }) => acknowledged).length >= writes) return;
    if (Date.now() > deadline) throw new Error(`not ${writes} writes within ${patienceMs} ms`);
    await sleep(20);
  }
}

async function readTruths(
  data: string,
  traffic: Traffic,
  places: ReadonlyMap<string, readonly Place[]>,
): Promise<ProjectTruth[]> {
  const server = await startProcess(data);
  try {
    await checkWires(server, traffic, places);
    traffic.leave();
    const truths: ProjectTruth[] = [];
    for (const project of traffic.projects) truths.push(await readTruth(server, traffic, project));
    return truths;
  } finally {
    await server.kill('SIGKILL');
  }
}

async function readTruth(
  address: Address,
  { ledger, followers }: Traffic,
  project: string,
): Promise<ProjectTruth> {
  const follower = followers.find(({ session }) => session === project);
  const reading = await readProject(address, project, follower !== undefined);
  const [failure] = reading.failures;
  if (failure) throw failure;
  const notes = new Map<string, string>();
  for (const part of ledger.writes.flatMap(({ parts }) => parts))
    if (part.type === 'note' && part.project === project) notes.set(part.key, part.value);
  if (!follower) return { project, reading, history: null, notes };
  const { beginning } = follower;
  const { patches } = await getDiffs(address.url, project, beginning.version);
  return { project, reading, history: { ...beginning, patches }, notes };
}

async function lifeOf(data: string): Promise<Life> {
  const copy = await temporaryFolder();
  try {
    await cp(data, copy, { recursive: true }); // opening rewrites its logs
    const store = await LevelStore.open(join(copy, 'db'));
    try {
      const life = await readLife(store);
      if (!life) throw new Error(`${data} has no server id`);
      return life;
    } finally {
      await store.close();
    }
  } finally {
    await removeFolder(copy);
  }
}
