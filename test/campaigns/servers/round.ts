// One round: servers start, clients write on every wire, things go wrong for a while; then all is healed, and everybody must have the
// same, with nothing missing of what was acknowledged.

import { messageOf } from '../../../src/errors.ts';
import { runRejoin } from '../../support/run-rejoin.ts';
import { Chance } from '../kill9/chance.ts';
import { checkFolders } from './check-folders.ts';
import {
  checkDocuments,
  checkRows,
  checkSame,
  checkSession,
  checkStreams,
  differentVectors,
} from './check-wires.ts';
import { Crew, filmId } from './crew.ts';
import { Faults, type Deck, type FaultOptions, type FaultType } from './faults.ts';
import { errorLines, eventually, Fleet, type FleetServer, type Shape } from './fleet.ts';
import { readFolder } from './folder-log.ts';
import { Ledger, wires, type Wire } from './ledger.ts';
import type { PersonOptions } from './person.ts';
import { YjsPerson } from './yjs-person.ts';

export interface RoundOptions {
  readonly seed: number;
  readonly shape: Shape;
  readonly deck: Deck;
  readonly faultsPauseMs: FaultOptions['pauseMs'];
  readonly faultsLastMs: FaultOptions['lastsMs'];
  readonly writersPauseMs: PersonOptions['pauseMs'];
}

export interface RoundFigures {
  readonly problems: readonly string[];
  readonly acknowledged: Readonly<Record<Wire, number>>;
  readonly faults: Readonly<Record<FaultType, number>>;
  /** Clients and readers that went to another server. */
  readonly moved: number;
  /** Records that each server has in the end. */
  readonly records: number;
  /** Versions of the shared entry that are shown beside the latest. */
  readonly conflicts: number;
}

export async function runRound(options: RoundOptions): Promise<RoundFigures> {
  const chance = new Chance(options.seed);
  const ledger = new Ledger();
  const fleet = await Fleet.start(options.shape);
  let crew: Crew | null = null;
  let faults: Faults | null = null;
  let found = { records: 0, conflicts: 0 };
  try {
    crew = await Crew.gather(fleet, ledger, chance.fork(), options.writersPauseMs);
    const { faultsPauseMs: pauseMs, faultsLastMs: lastsMs } = options;
    faults = new Faults({ fleet, crew, ledger, chance: chance.fork(), pauseMs, lastsMs });
    crew.start();
    await faults.run(options.deck);
    await crew.stop();
    found = await check(fleet, crew, ledger);
  } catch (error) {
    ledger.fail(`it could not be carried out: ${messageOf(error)}`);
  } finally {
    await crew?.leave();
    await fleet.remove();
  }
  for (const server of fleet.servers)
    for (const line of errorLines(server.output)) ledger.fail(`server ${server.id} said ${line}`);
  const moves = [...(crew?.people ?? []), ...(crew?.followers ?? [])].map(({ moves: count }) => count);
  return {
    problems: ledger.problems,
    acknowledged: Object.fromEntries(wires.map((wire) => [wire, ledger.count(wire)])) as Record<Wire, number>,
    faults: faults?.counts ?? options.deck,
    moved: moves.reduce((sum, count) => sum + count, 0),
    ...found,
  };
}

async function check(
  fleet: Fleet,
  crew: Crew,
  ledger: Ledger,
): Promise<{ records: number; conflicts: number }> {
  const { servers } = fleet;
  const { projects, session } = crew;
  const unsettled = await eventually(
    async () => (await crew.waitsFor()) ?? (await differentVectors(servers, projects)),
  );
  if (unsettled) {
    ledger.fail(unsettled);
    return { records: 0, conflicts: 0 };
  }
  await checkSession(servers, session, ledger);
  const conflicts = await checkRows(servers, filmId, ledger);
  const documents = await checkDocuments(servers, projects, ledger);
  for (const project of projects) {
    const uuids = await checkStreams(servers, project, ledger);
    const missed = await eventually(() => Promise.resolve(missedBy(crew, project, uuids)));
    if (missed) ledger.fail(missed);
  }
  // What one's server has by now reaches a client in its own time.
  const unequal = await eventually(() => crew.waitsFor());
  if (unequal) ledger.fail(unequal);
  for (const person of crew.people)
    if (person instanceof YjsPerson)
      checkSame(`the document of ${person.name}`, person.doc, documents.get(person.project)!, ledger);

  await crew.leave();
  for (const problem of await fleet.stop()) ledger.fail(problem);
  const folders = [];
  for (const { id, data } of servers) folders.push({ name: `server ${id}`, log: await readFolder(data) });
  const records = checkFolders(folders, ledger, documents);
  for (const document of documents.values()) document.destroy();
  for (const { log } of folders)
    for (const { records: logged } of log.values())
      for (const { serverId } of logged)
        if (serverId > servers.length) ledger.fail(`somebody took the server id ${serverId}`);
  await Promise.all(servers.map((server) => verify(server, ledger)));
  return { records, conflicts };
}

/** A reader that was not shown a version, in words; null if there is none. */
function missedBy({ followers }: Crew, project: string, uuids: ReadonlySet<string>): string | null {
  for (const follower of followers) {
    if (follower.project !== project) continue;
    const missing = [...uuids].filter((uuid) => !follower.uuids.has(uuid));
    if (missing.length > 0)
      return `${follower.name} to be shown ${missing.length} versions of ${project}: ${missing[0]}`;
  }
  return null;
}

/** Nobody has the folder open. */
export async function verify({ id, data }: Pick<FleetServer, 'id' | 'data'>, ledger: Ledger): Promise<void> {
  const { code, stdout, stderr } = await runRejoin(['verify', '--data', data], { cwd: data });
  if (code !== 0) ledger.fail(`verify of server ${id} ended with ${code}: ${stdout}${stderr}`);
}
