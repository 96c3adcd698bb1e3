// The filter of names forgets none, and is seldom wrong.

import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NameFilter } from '../../src/core/name-filter.ts';

const filter = suite('name filter');

filter('has every name that was added, and hardly another', () => {
  const names = new NameFilter();
  const uuid = (i: number): string => createHash('md5').update(String(i)).digest('hex');
  const added = Array.from({ length: 20_000 }, (_, i) => `entry ${uuid(i)}`);
  assert.not(names.mayHave(added[0] ?? ''));
  for (const name of added) names.add(name);
  assert.ok(added.every((name) => names.mayHave(name)));
  const others = Array.from({ length: 20_000 }, (_, i) => `entry ${i % 2 === 0 ? uuid(-1 - i) : i}`);
  const wrong = others.filter((name) => names.mayHave(name)).length;
  assert.ok(wrong < 20, `${wrong} of ${others.length} that were not added`);
});

filter.run();
