// Servers in pairs, chains, rings and stars, that write what they like while links are cut and frames are lost and repeated:
// in the end all have the same, in an order that could have been, and are silent (REP-2, REP-3, REP-5).

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { LinkServers, type LinkServer } from '../support/link-servers.ts';
import { testSeed } from '../support/seed.ts';

const test = suite('link convergence');

/** Who connects to whom. */
const graphs: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  pair: [[0, 1]],
  'pair that connects both ways': [
    [0, 1],
    [1, 0],
  ],
  chain: [
    [0, 1],
    [1, 2],
    [2, 3],
  ],
  ring: [
    [0, 1],
    [1, 2],
    [2, 0],
  ],
  star: [
    [1, 0],
    [2, 0],
    [3, 0],
  ],
};

const seedsPerGraph = 4;

for (const [name, pairs] of Object.entries(graphs)) {
  test(`REP-5 a ${name} of servers converges, whatever is cut, lost or repeated`, async () => {
    const first = testSeed(`a ${name} of servers`);
    for (let seed = first; seed < first + seedsPerGraph; seed++) await converges(pairs, seed);
  });
}

async function converges(pairs: readonly (readonly [number, number])[], seed: number): Promise<void> {
  const generator = prng.create(seed);
  const chance = (oneIn: number): boolean => prng.uint32(generator, 1, oneIn) === 1;
  let isBad = true;
  const trouble = (oneIn: number) => (): boolean => isBad && chance(oneIn);
  const world = new LinkServers(generator, {
    isLost: trouble(80),
    isRepeated: trouble(10),
    isCut: trouble(150),
  });
  for (let i = 0; i <= Math.max(...pairs.flat()); i++)
    world.add({ batchRecords: prng.uint32(generator, 1, 8), givesSnapshots: chance(2) });
  for (const [from, to] of pairs) world.link(world.servers[from]!, world.servers[to]!);
  for (let step = 0; step < 60; step++) {
    act(prng.oneOf(generator, world.servers), generator);
    if (chance(10)) prng.oneOf(generator, world.links).cut();
    if (chance(15)) prng.oneOf(generator, world.links).down();
    if (chance(8)) for (const link of world.links) link.up();
    await world.time.advance(prng.uint32(generator, 0, 400));
  }
  isBad = false;
  for (const { replicas } of world.servers) replicas.failsToAccept = replicas.failsToRead = () => null;
  for (const link of world.links) link.up();
  await world.converge();
  const refused = world.links.flatMap(({ ends }) => ends.filter(({ type }) => type === 'refused'));
  assert.equal(refused, []);
  await world.idle();
}

function act({ replicas }: LinkServer, generator: prng.PRNG): void {
  const project = `p${prng.uint32(generator, 0, 12)}`;
  const failing = `p${prng.uint32(generator, 0, 12)}`;
  const lifecycle = replicas.projects.get(project)?.lifecycle ?? 0;
  const isDeleted = lifecycle % 2 === 1;
  switch (prng.uint32(generator, 0, 24)) {
    case 0: {
      replicas.setLifecycle(project, lifecycle + 1);
      return;
    }
    case 1:
      replicas.failsToAccept = (id) =>
        id === failing ? new RejoinError('unavailable', 'The disk is full') : null;
      return;
    case 2:
      replicas.failsToRead = (id) =>
        id === failing ? new RejoinError('damaged', 'A record is damaged') : null;
      return;
    default:
      if (!isDeleted) void replicas.write(project, prng.uint32(generator, 1, 4));
  }
}

test('REP-3 a slow link with large groups keeps to the window, and small projects get through', async () => {
  const seed = testSeed('a slow link with large groups');
  const generator = prng.create(seed);
  const world = new LinkServers(generator, { delayMs: () => prng.uint32(generator, 100, 400) });
  const [a, b] = [world.add({ batchRecords: 1 }), world.add({ batchRecords: 1 })];
  for (const { replicas } of [a, b])
    for (let i = 0; i < 12; i++)
      for (let n = 0; n < 6; n++)
        void replicas.write(`p${i}`, 1, prng.oneOf(generator, [10, 300_000, 1_000_000]));
  void a.replicas.write('p1', 1, 6_000_000); // longer than the window
  void b.replicas.write('p2', 1, 6_000_000);
  await world.time.advance(1_000);
  const link = world.link(a, b);
  await world.converge();
  assert.is(link.ends.length, 0, JSON.stringify(link.ends));
  await world.idle();
});

test.run();
