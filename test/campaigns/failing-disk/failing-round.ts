// One round of a campaign with a failing disk: clients write on all three wires, the disk fails, everything is read while
// it does, it recovers, and after a kill the ledger is held against what is there. The campaigns say how it fails.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from '../../support/server.ts';
import type { Chance } from '../kill9/chance.ts';
import { checkLogs } from '../kill9/check-log.ts';
import { checkWires } from '../kill9/check-wires.ts';
import type { Ledger, Wire } from '../kill9/ledger.ts';
import { fetchAll } from '../kill9/stream-socket.ts';
import { Traffic } from '../kill9/traffic.ts';
import { getDiffs, getSession } from '../kill9/udt-client.ts';
import { patienceMs, within } from '../kill9/within.ts';
import { YjsConnection } from '../kill9/yjs-connection.ts';
import * as Y from 'yjs';

/** Answers that were on their way when the disk failed have arrived by then. */
const lastAnswersMs = 300;
const quietMs = 500;
/** A disk that recovers by itself again and again can't be looked at. */
const momentsMax = 20;
const wires: readonly Wire[] = ['stream', 'udt', 'yjs'];

export class FailingRound {
  readonly ledger: Ledger;
  acknowledgedWhileFailing = 0;
  readsWhileFailing = 0;
  private readonly stopTraffic: () => Promise<void>;
  private hasStopped = false;

  private constructor(
    private readonly server: ServerProcess,
    private readonly traffic: Traffic,
  ) {
    this.ledger = traffic.ledger;
    this.stopTraffic = () => traffic.stop();
  }

  /** Clients on all wires, in full swing. */
  static async start(server: ServerProcess, round: number, chance: Chance): Promise<FailingRound> {
    const traffic = await Traffic.create(server, String(round), chance);
    traffic.ledger.mayRefuse = true;
    const self = new FailingRound(server, traffic);
    await within(traffic.start(server, round), 'the connections of all writers');
    return self;
  }

  /** Resolves when so many writes are acknowledged on every wire. */
  async untilWritten(count: number): Promise<void> {
    for (const wire of wires)
      await poll(`writing on the wire ${wire}`, () => this.ledger.count(wire, true) >= count);
  }

  /**
   * Resolves when it has shown once that nothing is acknowledged while the disk fails, and that everything acknowledged can be
   * read on every wire. If the disk recovers by itself meanwhile, the moment doesn't count.
   */
  async checkWhileFailing(): Promise<void> {
    for (let tries = 0; tries < momentsMax && this.readsWhileFailing === 0; tries++) {
      await this.untilFailing();
      await this.checkMoment();
    }
  }

  /** Resolves when the disk has failed and nothing is acknowledged any more. */
  private async untilFailing(): Promise<void> {
    let quietSince = Date.now();
    let before = -1;
    await poll('the disk fails', () => {
      const now = this.acknowledged();
      if (now !== before) quietSince = Date.now();
      before = now;
      return this.isFailing() && Date.now() - quietSince > lastAnswersMs;
    });
    // On a slow machine they may take longer, but not longer than what is asked after them.
    for (let answers = 0; answers < 2; answers++) await (await fetch(`${this.server.url}/healthz`)).text();
    await sleep(0);
  }

  private async checkMoment(): Promise<void> {
    const before = this.acknowledged();
    const problems = await this.read();
    await sleep(quietMs);
    const acknowledged = this.acknowledged() - before;
    await sleep(0); // what the server has said meanwhile is read first
    if (!this.isFailing()) return;
    this.readsWhileFailing++;
    this.acknowledgedWhileFailing += acknowledged;
    if (acknowledged > 0)
      this.ledger.report('rule', `${acknowledged} writes were acknowledged by a failing disk`);
    for (const problem of problems) this.ledger.report('lost', `while the disk failed: ${problem}`);
  }

  /** Resolves when something is acknowledged again, with no restart. */
  async untilWritingResumes(): Promise<void> {
    const before = this.acknowledged();
    await poll('writing resumes', () => this.acknowledged() > before);
  }

  /** Resolves when every wire acknowledges writes again. */
  async untilAllWrite(): Promise<void> {
    const before = wires.map((wire) => ({ wire, count: this.ledger.count(wire, true) }));
    for (const { wire, count } of before)
      await poll(`writing resumes on the wire ${wire}`, () => this.ledger.count(wire, true) > count);
    if (!/"type":"store-recovered"/.test(this.server.output()))
      this.ledger.report('rule', 'the server has not said that the store recovered');
  }

  /** SIGKILL, a look at what is on disk, a restart, a look at it over every wire. */
  async killAndCheck(restart: () => Promise<ServerProcess>): Promise<void> {
    const { traffic } = this;
    await within(this.server.kill('SIGKILL'), 'the end of a killed server');
    await this.end();
    this.checkOutput();
    const places = await checkLogs(this.server.data, [traffic]);
    if (this.ledger.problems.length > 0) return;
    const restarted = await restart();
    try {
      await checkWires(restarted, traffic, places);
      traffic.leave();
    } finally {
      await restarted.kill('SIGKILL');
    }
  }

  async end(): Promise<void> {
    if (this.hasStopped) return;
    this.hasStopped = true;
    await this.server.kill('SIGKILL');
    await this.stopTraffic();
  }

  private acknowledged(): number {
    return wires.reduce((sum, wire) => sum + this.ledger.count(wire, true), 0);
  }

  private isFailing(): boolean {
    const said = [...this.server.output().matchAll(/"type":"(store-failed|store-recovered)"/g)];
    return said.at(-1)?.[1] === 'store-failed';
  }

  /** Reads every project on every wire. @returns what was acknowledged and isn't there. */
  private async read(): Promise<string[]> {
    const problems: string[] = [];
    const acknowledged = this.ledger.writes.filter((write) => write.acknowledged);
    for (const project of this.traffic.projects) {
      const streamed = new Set(
        (await fetchAll(this.server.socketUrl, project)).map(({ versionUuid }) => versionUuid),
      );
      const doc = await readDocument(this.server.socketUrl, project);
      const notes = doc.getMap('notes');
      const marks = doc.getMap('udt').get('marks');
      const there = JSON.stringify(marks instanceof Y.Map ? marks.toJSON() : {});
      for (const part of acknowledged.flatMap(({ parts }) => parts)) {
        if (part.project !== project) continue;
        const isThere =
          (part.type === 'object' && streamed.has(part.versionUuid)) ||
          (part.type === 'note' &&
            (notes.has(part.key) || this.ledger.deletions.has(`${project} ${part.key}`))) ||
          (part.type === 'mark' && there.includes(part.value)) ||
          part.type === 'sample' ||
          part.type === 'no-note';
        if (!isThere) problems.push(JSON.stringify(part));
      }
      doc.destroy();
    }
    for (const { session } of this.traffic.followers) {
      const { version } = await getSession(this.server.url, session);
      const { latestVersion } = await getDiffs(this.server.url, session, version);
      if (latestVersion !== version) problems.push(`${session} is at ${version} and at ${latestVersion}`);
    }
    return problems;
  }

  /** The server must have found nothing wrong but the disk. */
  private checkOutput(): void {
    const errors = this.server.output().match(/^.*"level":(?:50|60).*$/gm) ?? [];
    for (const line of errors) {
      if (!/"type":"(store-failed|change-dropped)"|The witness of the heads can't be written/.test(line))
        this.ledger.report('rule', `the server said ${line}`);
    }
  }
}

async function readDocument(socketUrl: string, project: string): Promise<Y.Doc> {
  const doc = new Y.Doc();
  const connection = new YjsConnection(socketUrl, project, doc, () => undefined);
  try {
    await connection.synced();
  } finally {
    connection.close();
  }
  return doc;
}

async function poll(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
    await sleep(5);
  }
}
