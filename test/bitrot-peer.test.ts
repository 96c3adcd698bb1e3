// The short bit-rot campaign with a peer, of two real servers: 2 flips. The long one: `npm run campaign -- bitrot-peer`.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runBitrotPeer } from './campaigns/bitrot-peer.ts';
import { testSeed } from './support/seed.ts';

const test = suite('bit rot with a peer');

test('2 flipped bits of a folder whose server has a peer: everything is there again, and nobody did anything', async () => {
  const seed = testSeed('bitrot-peer');
  const figures = await runBitrotPeer({ rounds: 2, seed, writes: 80, kinds: ['.log', '.ldb'] });
  assert.equal(figures.problems, []);
  const { healed, harmless } = figures.outcomes;
  assert.is(healed + harmless, 2, JSON.stringify(figures.outcomes));
});

test.run();
