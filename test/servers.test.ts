// The short servers campaign: one small round. The long one: `npm run campaign -- servers --rounds 20`.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testSeed } from './support/seed.ts';
import { deckOf, runServers } from './campaigns/servers.ts';

const servers = suite('servers');

servers(
  'REP-5 servers that are cut off and killed while clients write come to the same, and lose nothing',
  async () => {
    const figures = await runServers({ rounds: 1, seed: testSeed('servers'), size: 'small' });
    assert.equal(figures.problems, []);
    assert.is(figures.rounds, 1);
    assert.equal(figures.faults, deckOf('small'));
    assert.ok(figures.moved >= 6, 'a client of each wire goes to another server');
    for (const [wire, count] of Object.entries(figures.acknowledged))
      assert.ok(count >= 15, `only ${count} acknowledged writes on ${wire}: the check would show nothing`);
    assert.ok(figures.conflicts >= 1, 'an entry was edited on two servers at the same time');
    assert.ok(figures.records >= 100, 'the servers have logs to compare');
  },
);

servers.run();
