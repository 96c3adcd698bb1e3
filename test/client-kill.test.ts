// The short client-kill campaign: 10 kills. The long one: `npm run campaign -- client-kill`. It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runClientKill } from './campaigns/client-kill.ts';
import { testSeed } from './support/seed.ts';

const clientKill = suite('client-kill');

clientKill(
  '10 kills of a client lose no write whose promise had resolved, and store none twice',
  async () => {
    const figures = await runClientKill({ rounds: 10, seed: testSeed('client-kill') });
    assert.equal(figures.problems, []);
    assert.is(figures.rounds, 10);
    assert.is(figures.lost, 0);
    assert.is(figures.twice, 0);
    for (const [moment, count] of Object.entries(figures.kills)) assert.is(count, 2, moment);
    assert.ok(figures.promised >= 100, `only ${figures.promised} writes: the check would show nothing`);
    assert.ok(figures.stored >= figures.promised);
  },
);

clientKill.run();
