// The short UDT race: a few races of each kind. The long one: `npm run campaign -- udt-race`.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { variants } from '../campaigns/udt-race.ts';
import { runRace } from '../campaigns/udt-race/race.ts';
import { withServer } from '../support/with-server.ts';

const race = suite('udt-race');
const { server } = withServer(race);

const gapsMs = [0, 20, 150, 350, 700, 2000];

for (const { name, joins } of variants)
  race(`UDT-8: ${name}: labels at the same time are all kept and shown`, async () => {
    const races = gapsMs.map((gapMs, index) =>
      // When both screens show both labels: no timing decides a test.
      runRace(server(), { joins, gapMs, next: 'when shown', phasesMs: [40 * index, 0] }),
    );
    const results = await Promise.all(races);
    for (const [index, { lost, problems }] of results.entries()) {
      assert.equal(problems, [], `${gapsMs[index]} ms`);
      assert.is(lost, 0);
    }
  });

race.run();
