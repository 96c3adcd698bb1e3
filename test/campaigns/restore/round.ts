// One round: a server is backed up while clients write, more is written, then its folder is lost, damaged or rolled back, and it goes
// on from the backup. No number may stand for two things, and what a peer or a client still has comes back (REP-8).

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../src/errors.ts';
import type { Json } from '../../../src/model/json.ts';
import { pathOf, rest } from '../../support/rest-client.ts';
import { removeFolder, temporaryFolder } from '../../support/temporary.ts';
import { Chance } from '../kill9/chance.ts';
import type { Address } from '../kill9/writer.ts';
import { checkAll } from '../servers/check-all.ts';
import { checkNumbers } from '../servers/check-folders.ts';
import { Crew, filmId } from '../servers/crew.ts';
import { eventually, Fleet, type FleetServer } from '../servers/fleet.ts';
import { marksOf, readFolder, type FolderLog } from '../servers/folder-log.ts';
import { Ledger, wires, type Wire } from '../servers/ledger.ts';
import type { PersonOptions } from '../servers/person.ts';
import { run, strike, type Disaster } from './disaster.ts';
import { holdingsOf, marksOn, requiredOf, type Holdings } from './holdings.ts';

const countEveryMs = 10;

export interface RestoreRoundOptions {
  readonly seed: number;
  readonly disaster: Disaster;
  /** Writes that each wire acknowledges in each phase: before the backup, until the disaster, and behind it. */
  readonly writesPerPhase: number;
  readonly writersPauseMs: PersonOptions['pauseMs'];
}

export interface RestoreRoundFigures {
  readonly problems: readonly string[];
  readonly acknowledged: Readonly<Record<Wire, number>>;
  /** Acknowledged, not in the backup, and there in the end. */
  readonly broughtBack: number;
  /** Acknowledged by the server alone, and gone with its folder: nobody had them any more. */
  readonly gone: number;
  /** Records that the servers have in the end. */
  readonly records: number;
}

export async function runRestoreRound(options: RestoreRoundOptions): Promise<RestoreRoundFigures> {
  const round = new Round(options, await Fleet.start(options.disaster === 'alone' ? 'alone' : 'pair'), [
    await temporaryFolder(),
    await temporaryFolder(),
  ]);
  try {
    await round.run();
  } catch (error) {
    round.ledger.fail(`it could not be carried out: ${messageOf(error)}`);
  } finally {
    await round.end();
  }
  return round.figures();
}

class Round {
  readonly ledger = new Ledger();
  private readonly chance: Chance;
  private crew: Crew | null = null;
  private broughtBack = 0;
  private gone = 0;
  private records = 0;

  constructor(
    private readonly options: RestoreRoundOptions,
    private readonly fleet: Fleet,
    /** For the backup, and for the folder as it was before the disaster. */
    private readonly folders: readonly [string, string],
  ) {
    this.chance = new Chance(options.seed);
  }

  /** The server whose folder is lost. */
  private get server(): FleetServer {
    return this.fleet.servers[0]!;
  }

  async run(): Promise<void> {
    const { fleet, ledger, chance, server } = this;
    const crew = await Crew.gather(fleet, ledger, chance.fork(), this.options.writersPauseMs);
    this.crew = crew;
    crew.start();
    await this.written(wires);
    const [backup, before] = [join(this.folders[0], 'backup'), join(this.folders[1], 'data')];
    await run(['backup', backup, '--data', server.data], this.folders[0]);
    const copy = join(this.folders[0], 'copy');
    await cp(backup, copy, { recursive: true });
    const backedUp = await readFolder(copy);
    await this.written(wires);
    await this.goneOn(backedUp);

    await server.end('SIGKILL');
    server.front.set('shut');
    const holdings = await holdingsOf(crew, backedUp, { lost: server, other: this.other });
    await cp(server.data, before, { recursive: true });
    const lost = await readFolder(before);
    await strike(this.options.disaster, server.data, backup, chance);
    crew.expectDamage(this.options.disaster === 'rolled-back');
    await this.comeBack(backedUp);
    await this.written(wires);
    await this.writesUnderNewId(lost);
    await crew.stop();

    const required = await this.allThere(holdings);
    crew.expectDamage(false);
    const after = await checkAll(fleet, crew, ledger);
    this.records = after.records;
    const kept = marksInAll(backedUp);
    this.broughtBack = required.filter((mark) => holdings.held.has(mark) && !kept.has(mark)).length;
    checkNumbers([backedUp, lost, ...after.logs], ledger);
  }

  async end(): Promise<void> {
    await this.crew?.leave();
    await this.fleet.remove();
    for (const folder of this.folders) await removeFolder(folder);
  }

  figures(): RestoreRoundFigures {
    const { ledger, broughtBack, gone, records } = this;
    const acknowledged = Object.fromEntries(wires.map((wire) => [wire, ledger.count(wire)]));
    return {
      problems: ledger.problems,
      acknowledged: acknowledged as Record<Wire, number>,
      broughtBack,
      gone,
      records,
    };
  }

  private get other(): Address | null {
    return this.fleet.servers[1] ?? null;
  }

  /** Each of these wires has acknowledged some more. */
  private async written(of: readonly Wire[]): Promise<void> {
    const { ledger } = this;
    const due = of.map((wire) => [wire, ledger.count(wire) + this.options.writesPerPhase] as const);
    await this.wait(() => {
      const behind = due.find(([wire, count]) => ledger.count(wire) < count);
      return Promise.resolve(behind ? `writes on ${behind[0]}` : null);
    }, countEveryMs);
  }

  /** Somebody else has what the backup lacks. */
  private async goneOn(backup: FolderLog): Promise<void> {
    const { other, server } = this;
    if (other) {
      const known = headOf(backup, filmId, server.id);
      await this.wait(async () =>
        (await vectorOn(other.url)).get(server.id)! > known ? null : 'the other server to have more',
      );
      return;
    }
    // Without another server only its clients can have it: they go on without it for a while.
    server.front.set('shut');
    await this.written(['client']);
  }

  private async comeBack(backup: FolderLog): Promise<void> {
    const { server, other } = this;
    await server.start();
    if (this.options.disaster === 'rolled-back' && other) {
      // Nobody can see it until another server says so: its clients come after that.
      const known = headOf(backup, filmId, server.id);
      const own = { url: server.process!.url };
      await this.wait(async () =>
        (await vectorOn(own.url)).get(server.id)! > known ? null : 'its own old writes from the other server',
      );
    }
    server.front.set('open');
  }

  /** What is written there now has numbers of another server id. */
  private async writesUnderNewId(lost: FolderLog): Promise<void> {
    const known = new Set(lost.get(filmId)?.records.map(({ serverId }) => serverId));
    for (const { id } of this.fleet.servers) known.add(id);
    await this.wait(async () => {
      const ids = [...(await vectorOn(this.server.url)).keys()];
      return ids.some((id) => !known.has(id)) ? null : 'writes under a new server id';
    });
  }

  /** Waits until all that somebody had is there, and forgets what nobody had. @returns what must be there. */
  private async allThere(holdings: Holdings): Promise<string[]> {
    const { server, ledger } = this;
    const crew = this.crew!;
    let there = new Set<string>();
    const settled = await eventually(async () => {
      const waiting = await crew.waitsFor();
      if (waiting !== null) return waiting;
      there = await marksOn(server, crew.projects);
      const missing = requiredOf(ledger, holdings).filter((mark) => !there.has(mark));
      const [first] = missing;
      if (first === undefined) return null;
      const holder = holdings.held.get(first) ?? 'nobody: it was begun later';
      return `${missing.length} writes that somebody had: ${first} (held by ${holder})`;
    });
    if (settled) ledger.fail(settled);
    const required = requiredOf(ledger, holdings);
    const isRequired = new Set(required);
    for (const mark of [...ledger.acknowledged.keys()]) {
      if (isRequired.has(mark) || there.has(mark)) continue;
      ledger.acknowledged.delete(mark);
      this.gone++;
    }
    return required;
  }

  private async wait(missing: () => Promise<string | null>, everyMs?: number): Promise<void> {
    const problem = await eventually(missing, everyMs);
    if (problem) throw new Error(problem);
  }
}

async function vectorOn(url: string): Promise<Map<number, number>> {
  const { body } = await rest(url, pathOf(filmId));
  return new Map((body['vector'] ?? []) as Json[] as [number, number][]);
}

function headOf(log: FolderLog, project: string, serverId: number): number {
  const own = log.get(project)?.records.filter((record) => record.serverId === serverId) ?? [];
  return own.at(-1)?.seqno ?? 0;
}

function marksInAll(log: FolderLog): Set<string> {
  return new Set([...log.values()].flatMap((project) => [...marksOf(project)]));
}
