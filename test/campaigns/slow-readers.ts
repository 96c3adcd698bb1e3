// The slow readers campaign (WS-21, YJS-11): a hundred clients join a project and read nothing while 20 MB arrive in it,
// on each WebSocket wire. None of them may cost the server more than 2 MiB, and a healthy reader must get everything. What
// the kernel keeps for a socket doesn't count: it is bounded by itself.

import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import type { Outcome } from './outcome.ts';
import { steadyMemoryMib } from './slow-readers/resident-memory.ts';
import { joinStreamCrowd } from './slow-readers/stream-crowd.ts';
import type { JoinCrowd } from './slow-readers/wire.ts';
import { joinYjsCrowd } from './slow-readers/yjs-crowd.ts';

const stalledCount = 100;
const mibPerStalledMax = 2;
/** 20 MB: large writes, and small ones between them, which cost more than their bytes. */
const writes = { count: 320, bytes: 64 * 1024, smallAfterEach: 20 } as const;
/** Some of those that were stalled read everything in the end. */
const readOnCount = 3;

const wires: Readonly<Record<string, JoinCrowd>> = { '/ws': joinStreamCrowd, '/yjs': joinYjsCrowd };

interface Run {
  readonly grownMib: number;
  /** How long each write with the small ones behind it took to the healthy reader, sorted. Milliseconds. */
  readonly delaysMs: readonly number[];
  readonly problems: readonly string[];
}

/** Repeats the measurement on each wire. */
export async function runSlowReaders({ rounds }: { rounds: number }): Promise<Outcome> {
  const figures: Record<string, string> = {};
  const problems: string[] = [];
  for (const [wire, join] of Object.entries(wires)) {
    const perStalledMib: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const without = await run(join, 0);
      const withStalled = await run(join, stalledCount);
      const mib = (withStalled.grownMib - without.grownMib) / stalledCount;
      perStalledMib.push(mib);
      console.log(`${wire} round ${round}: ${mib.toFixed(2)} MiB per stalled socket`);
      problems.push(
        ...[...without.problems, ...withStalled.problems].map((problem) => `${wire}: ${problem}`),
      );
      figures[`${wire}: healthy reader's delay, p50 / p99`] =
        `${delays(withStalled)} (without stalled sockets ${delays(without)})`;
    }
    const most = Math.max(...perStalledMib);
    if (most > mibPerStalledMax) problems.push(`${wire}: ${most.toFixed(2)} MiB per stalled socket`);
    figures[`${wire}: MiB per stalled socket, at most ${mibPerStalledMax}`] = most.toFixed(2);
  }
  const size = {
    'stalled sockets': stalledCount,
    'what arrives': `${writes.count} writes of ${writes.bytes / 1024} KiB, each with ${writes.smallAfterEach} small ones behind it`,
    rounds,
  };
  return { hasFailed: problems.length > 0, figures: { ...size, ...figures }, problems };
}

/** One server, one project. */
async function run(join: JoinCrowd, stalledSockets: number): Promise<Run> {
  const data = await temporaryFolder();
  const server = await startProcess(data);
  const crowd = await join(server.socketUrl);
  try {
    const pid = server.child.pid ?? 0;
    const beforeMib = await steadyMemoryMib(pid);
    const stalled = [];
    for (let i = 0; i < stalledSockets; i++) stalled.push(await crowd.stall());
    const delaysMs: number[] = [];
    for (let i = 0; i < writes.count; i++)
      delaysMs.push(await crowd.write(writes.bytes, writes.smallAfterEach));
    const grownMib = (await steadyMemoryMib(pid)) - beforeMib;

    const problems: string[] = [];
    const missed = crowd.countMissed();
    if (missed > 0) problems.push(`the healthy reader has missed ${missed} of ${delaysMs.length} writes`);
    for (const each of stalled) each.isConnected();
    await sleep(500); // what was sent on a connection that was cut comes back as an error
    const cut = stalled.filter((each) => !each.isConnected()).length;
    if (cut > 0) problems.push(`${cut} stalled sockets were cut off before the memory was measured`);
    for (const each of stalled.slice(0, readOnCount)) await each.readOn();
    return { grownMib, delaysMs: delaysMs.sort((a, b) => a - b), problems };
  } finally {
    crowd.end();
    await server.kill('SIGKILL');
    await removeFolder(data);
  }
}

function delays({ delaysMs }: Run): string {
  const at = (share: number): string => (delaysMs[Math.floor(share * delaysMs.length)] ?? 0).toFixed(1);
  return `${at(0.5)} / ${at(0.99)} ms`;
}
