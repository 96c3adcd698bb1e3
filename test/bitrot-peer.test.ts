// The short bit-rot campaign with a peer, of two real servers: 4 flips. The long one: `npm run campaign -- bitrot-peer`.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runBitrotPeer } from './campaigns/bitrot-peer.ts';
import { testSeed } from './support/seed.ts';

const test = suite('bit rot with a peer');

test('4 flipped bits of a folder whose server has a peer: everything is there again, and nobody did anything', async () => {
  const figures = await runBitrotPeer({ rounds: 4, seed: testSeed('bitrot-peer'), writes: 120 });
  assert.equal(figures.problems, []);
  const { healed, harmless } = figures.outcomes;
  assert.is(healed + harmless, 4, JSON.stringify(figures.outcomes));
});

test.run();
