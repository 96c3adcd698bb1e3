// UDT's v1 clients against a real server, each as a person sees it: what the screens show in the end is what the server has.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { agree, neverRefetchedAfterPoll } from '../support/udt-agreement.ts';
import { UdtClient } from '../support/udt-client.ts';
import { V1Screen, samplesOf, withSample } from '../support/udt-v1-screen.ts';
import { without } from '../support/udt-v2-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const v1 = suite('udt-v1-client');
const { server, atEnd } = withServer(v1);

const start: JsonObject = {
  interface: { type: 'text_classification', labels: ['good', 'bad'] },
  samples: [{ document: 'a' }, { document: 'b' }, { document: 'c' }, { document: 'd', annotation: 'good' }],
};
const soon = { pollingIntervalMs: 30 };
/** No poll comes by itself while a test runs. */
const never = { pollingIntervalMs: 3_600_000 };

type Pair = readonly [V1Screen, V1Screen];

async function pair(udt: JsonObject = start, options: object = soon, base = server().url): Promise<Pair> {
  const first = await V1Screen.create(base, udt, options);
  atEnd(() => first.stop());
  const second = await V1Screen.join(base, first.id, options);
  atEnd(() => second.stop());
  return [first, second];
}

/** One person does one thing after another; the other sees each. */
async function eachIsSeen(
  screens: Pair,
  edits: readonly ((shown: JsonObject) => JsonObject)[],
): Promise<JsonObject> {
  for (const edit of edits) {
    const expected = edit(screens[0].shown);
    await screens[0].edit(edit);
    assert.equal(await agree({ v1: screens }), expected);
  }
  return screens[1].shown;
}

const withSamples =
  (change: (samples: readonly JsonObject[]) => readonly JsonObject[]) =>
  (udt: JsonObject): JsonObject => ({ ...udt, samples: change(samplesOf(udt)) });

v1('UDT-1 UDT-2 a session is made, joined and labelled, and nothing is read twice', async () => {
  const [anna, ben] = await pair();
  assert.equal(anna.shown, start);
  assert.equal(ben.shown, start);
  await anna.label(0, 'good');
  await agree({ v1: [anna, ben] });
  await ben.label(1, 'bad');
  const udt = await agree({ v1: [anna, ben] });
  assert.equal(
    samplesOf(udt).map(({ annotation }) => annotation),
    ['good', 'bad', undefined, 'good'],
  );
  assert.equal([anna.refetchedAfter, ben.refetchedAfter], [[], []]);
  assert.ok(anna.fullPolls > 0 && ben.fullPolls > 0);
});

v1('UDT-9 samples are added, inserted, moved and removed', async () => {
  const screens = await pair();
  const udt = await eachIsSeen(screens, [
    withSamples((samples) => [...samples, { document: 'e' }, { document: 'f' }]),
    withSamples((samples) => samples.toSpliced(1, 0, { document: 'between' })),
    withSamples((samples) => [{ document: 'first' }, ...samples]),
    withSamples((samples) => samples.toReversed()),
    withSamples((samples) => samples.toSpliced(2, 2)),
    withSamples(([first, ...others]) => [...others, first!]),
    withSamples(() => []),
    withSamples(() => [{ document: 'again', annotation: null }]),
  ]);
  assert.equal(udt['samples'], [{ document: 'again', annotation: null }]);
  neverRefetchedAfterPoll(...screens);
});

v1('UDT-9 UDT-10 settings are changed, added and removed, at the top too', async () => {
  const screens = await pair();
  await eachIsSeen(screens, [
    (udt) => ({ ...udt, name: 'cats' }),
    (udt) => ({ ...udt, interface: { type: 'image_classification' } }),
    (udt) => ({ ...udt, interface: { type: 'image_classification', labels: ['x'], regionTypes: {} } }),
    (udt) => ({ ...udt, training: { rules: [{ deep: [[1, 2], []] }, null, true] } }),
    (udt) => without(udt, 'name'),
    (udt) => without(udt, 'training'),
    (udt) => without(udt, 'interface'),
    (udt) => ({ ...udt, interface: 'text', name: null }),
  ]);
  neverRefetchedAfterPoll(...screens);
});

v1('UDT-9 keys with "/" and "~" below the top are exact', async () => {
  const screens = await pair();
  const odd = { 'a/b': 1, '~': { '~1': 2, '': 3 }, 'm~n': [{ '/': 4 }] };
  await eachIsSeen(screens, [
    (udt) => withSample(udt, 1, (sample) => ({ ...sample, annotation: odd })),
    (udt) => withSample(udt, 1, (sample) => ({ ...sample, annotation: { ...odd, 'a/b': 2 } })),
    (udt) => withSample(udt, 1, (sample) => ({ ...sample, annotation: { ...odd, '~': {} } })),
    (udt) => withSample(udt, 1, (sample) => ({ ...sample, annotation: without(odd, 'a/b') })),
    (udt) => withSample(udt, 1, (sample) => without(sample, 'annotation')),
  ]);
  neverRefetchedAfterPoll(...screens);
});

v1(
  'UDT-9 a top-level key with "/" or "~" makes clients read everything again, and all is right',
  async () => {
    const [anna, ben] = await pair();
    await eachIsSeen([anna, ben], [(udt) => ({ ...udt, 'a/b': 1 }), (udt) => ({ ...udt, 'm~n': { x: 1 } })]);
    await eachIsSeen([anna, ben], [(udt) => ({ ...udt, 'm~n': { x: 2 } }), (udt) => without(udt, 'm~n')]);
    assert.ok(ben.refetchedAfter.includes('poll'));
  },
);

v1('UDT-4 UDT-5 __proto__ is refused, and nobody stops polling', async () => {
  const [anna, ben] = await pair();
  const bad = JSON.parse('{"document":"a","__proto__":{"polluted":1}}') as JsonObject;
  await anna
    .edit((udt) => ({ ...udt, samples: [...samplesOf(udt), bad] }))
    .then(
      () => assert.unreachable('it is refused'),
      (error: unknown) => assert.match(String(error), 'status 400'),
    );
  await ben.label(0, 'good');
  const udt = await agree({ v1: [anna, ben] });
  assert.equal(udt, {
    ...start,
    samples: [{ document: 'a', annotation: 'good' }, ...samplesOf(start).slice(1)],
  });
  assert.is(({} as { polluted?: unknown }).polluted, undefined);
});

v1(
  'UDT-8 UDT-12 people who label different samples, or different fields of one, at the same time keep both',
  async () => {
    const [anna, ben] = await pair();
    await Promise.all([anna.label(0, 'good'), ben.label(1, 'bad')]);
    const client = new UdtClient(server().url, anna.id);
    const labels = async () => samplesOf((await client.get()).udt_json).map(({ annotation }) => annotation);
    assert.equal(await labels(), ['good', 'bad', undefined, 'good']);
    await agree({ v1: [anna, ben] });
    const field = (key: string) => (udt: JsonObject) =>
      withSample(udt, 2, (sample) => ({ ...sample, [key]: 1 }));
    await Promise.all([anna.edit(field('by-anna')), ben.edit(field('by-ben'))]);
    const udt = await agree({ v1: [anna, ben] });
    assert.equal(samplesOf(udt)[2], { document: 'c', 'by-anna': 1, 'by-ben': 1 });
  },
);

v1('UDT-8 a stale screen would take away what others have done: the danger is real', async () => {
  const [anna, ben] = await pair(start, never);
  await ben.label(1, 'bad');
  await anna.label(0, 'good');
  assert.equal(anna.refetchedAfter, ['patch'], 'its own PATCH has another hash than it thought');
  assert.is(samplesOf(anna.silentState)[1]?.['annotation'], 'bad');
  assert.is(samplesOf(anna.shown)[1]?.['annotation'], undefined, 'the screen has not changed');
  await anna.label(2, 'good');
  assert.ok(anna.sent.at(-1)?.some(({ op, path }) => op === 'remove' && path === '/samples/1/annotation'));
});

v1('UDT-8 after labels at the same time, one version more makes every screen fresh', async () => {
  const [anna, ben] = await pair();
  await Promise.all([anna.label(0, 'good'), ben.label(1, 'bad')]);
  const udt = await agree({ v1: [anna, ben] });
  await Promise.all([anna.label(2, 'bad'), ben.label(3, 'bad')]);
  await agree({ v1: [anna, ben] });
  for (const { sent } of [anna, ben]) assert.not(sent.flat().some(({ op }) => op === 'remove'));
  assert.equal(
    samplesOf(anna.shown).map(({ annotation }) => annotation),
    ['good', 'bad', 'bad', 'bad'],
  );
  assert.equal(samplesOf(udt).slice(0, 2), samplesOf(anna.shown).slice(0, 2));
});

v1('UDT-7 a base URL with a slash behind it, or with the prefix of the dialect', async () => {
  for (const base of [`${server().url}/`, `${server().url}/v1`, `${server().url}/v1/`]) {
    const screens = await pair(start, soon, base);
    await screens[0].label(1, 'bad');
    const udt = await agree({ v1: screens });
    assert.is(samplesOf(udt)[1]?.['annotation'], 'bad');
  }
});

v1('a page that is loaded again shows what the others have done', async () => {
  const [anna, ben] = await pair();
  await ben.stop();
  await anna.label(1, 'bad');
  await anna.edit(withSamples((samples) => samples.slice(1)));
  const again = await V1Screen.join(server().url, anna.id, soon);
  atEnd(() => again.stop());
  assert.equal(again.shown, anna.shown);
  await again.label(0, 'good');
  await agree({ v1: [anna, again] });
  neverRefetchedAfterPoll(anna, again);
});

v1(
  'UDT-5 the client of these tests stops polling for good when a poll is not answered with 200',
  async () => {
    let status = 200;
    let polls = 0;
    const fake = createServer((request, response) => {
      const isPoll = request.url?.includes('/diffs') ?? false;
      if (isPoll) polls++;
      const body = isPoll
        ? { patch: [], patches: [], changeLog: [], latestVersion: 0, hashOfLatestState: 3938 }
        : { short_id: 'x', version: 0, udt_json: {} };
      response.writeHead(isPoll ? status : 200).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
    atEnd(() => void fake.close());
    const screen = await V1Screen.join(`http://127.0.0.1:${(fake.address() as AddressInfo).port}`, 'x', {
      pollingIntervalMs: 1,
    });
    await screen.nextPoll();
    status = 201;
    await until('it has stopped', () => {
      try {
        screen.checkPolls();
        return false;
      } catch {
        return true;
      }
    });
    const before = polls;
    await screen.edit((shown) => shown);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.is(polls, before);
  },
);

v1.run();
