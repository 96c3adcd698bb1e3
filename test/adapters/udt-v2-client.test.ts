// UDT's v2 clients against a real server: summary, samples one by one, and polls that bring changes of the summary only.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import { agree, readSamples } from '../support/udt-agreement.ts';
import { UdtClient, call } from '../support/udt-client.ts';
import { V2Client, without } from '../support/udt-v2-client.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';
import { withServer } from '../support/with-server.ts';

const v2 = suite('udt-v2-client');
const { server, atEnd } = withServer(v2);

const start: JsonObject = {
  name: 'cats',
  interface: { type: 'text_classification', labels: ['good', 'bad'] },
  samples: [{ document: 'a' }, { document: 'b', annotation: 'good' }, { document: 'c', annotation: null }],
};
const soon = { pollingIntervalMs: 30 };

type Pair = readonly [V2Client, V2Client];

async function pair(udt: JsonObject = start): Promise<Pair> {
  const first = await V2Client.create(server().url, udt, soon);
  atEnd(() => first.stop());
  const second = await V2Client.join(server().url, first.id, soon);
  atEnd(() => second.stop());
  return [first, second];
}

const idsOf = (client: V2Client): string[] => client.samples.map(({ _id }) => _id);
const documentsOf = (samples: readonly JsonObject[]): unknown[] => samples.map(({ document }) => document);

/** What the samples are without the ids that the client is told. */
async function bareSamples(client: V2Client): Promise<JsonObject[]> {
  return (await readSamples(client)).map((sample) => without(sample, '_id'));
}

v2('UDT-14 UDT-16 a session is made and read: summary, samples by index and by id, download', async () => {
  const [anna, ben] = await pair();
  assert.equal(Object.keys(ben.shown).sort(), ['interface', 'name', 'summary']);
  assert.equal([ben.shown['name'], ben.shown['interface']], [start['name'], start['interface']]);
  assert.equal(Object.keys(ben.shown['summary'] as JsonObject), ['samples']);
  assert.equal(
    anna.samples.map(({ hasAnnotation }) => hasAnnotation),
    [false, true, false],
  );
  for (const sample of anna.samples)
    assert.equal(Object.keys(sample).sort(), ['_id', 'hasAnnotation', 'version']);
  assert.equal(await bareSamples(anna), start['samples']);
  assert.equal(await anna.download(), start);
  await agree({ v2: [anna, ben] });
});

v2('UDT-15 an id is derived from the sample, or its own; of duplicates the first keeps it', async () => {
  const derived = (await pair())[0];
  for (const id of idsOf(derived)) assert.match(id, /^s\d+-\d+$/);
  assert.is(new Set(idsOf(derived)).size, 3);

  const samples = [{ _id: 'mine', n: 0 }, { n: 1 }, { _id: 'mine', n: 2 }, { _id: 'other', n: 3 }];
  const [client, joined] = await pair({ samples });
  const [first, second, third, fourth] = idsOf(client);
  assert.equal([first, fourth], ['mine', 'other']);
  assert.match(second ?? '', /^s\d+-\d+$/);
  assert.is.not(third, 'mine');
  assert.is((await client.getSample('mine'))['n'], 0);
  assert.equal(
    (await readSamples(client)).map(({ n }) => n),
    [0, 1, 2, 3],
  );
  assert.equal(idsOf(joined), idsOf(client));
});

v2('UDT-15 a sample keeps its id while it is labelled, and others come, go and move before it', async () => {
  const [anna, ben] = await pair();
  const [a, b, c] = idsOf(anna);
  await anna.label(c!, 'bad');
  await anna.patch([{ op: 'add', path: '/samples/-', value: { document: 'd' } }]);
  await anna.patch([{ op: 'remove', path: `/samples/${a!}` }]);
  await agree({ v2: [anna, ben] });
  assert.equal(idsOf(ben).slice(0, 2), [b, c]);
  assert.is(idsOf(ben).length, 3);
  assert.equal(await ben.getSample(c!), { _id: c, document: 'c', annotation: 'bad' });
  const again = await V2Client.join(server().url, anna.id, soon);
  atEnd(() => again.stop());
  assert.equal(idsOf(again), idsOf(ben));
});

v2('UDT-15 the id that a client sends back is not put into the file', async () => {
  const [anna, ben] = await pair();
  await anna.label(0, 'bad');
  await anna.setSample(idsOf(anna)[2]!, { document: 'c', annotation: 'good' });
  await agree({ v2: [anna, ben] });
  assert.equal(await anna.download(), {
    ...start,
    samples: [
      { document: 'a', annotation: 'bad' },
      { document: 'b', annotation: 'good' },
      { document: 'c', annotation: 'good' },
    ],
  });
});

v2(
  'UDT-16 UDT-17 labels come and go in the summaries; the version of a sample counts its changes',
  async () => {
    const [anna, ben] = await pair();
    const versionAt = (index: number): number => ben.samples[index]!.version;
    const [before, other] = [versionAt(0), versionAt(1)];
    for (const [annotation, has] of [
      ['good', true],
      ['bad', true],
      [null, false],
      [{ regions: [] }, true],
      [0, true],
      [false, true],
      ['', true],
    ] as [Json, boolean][]) {
      const was = versionAt(0);
      await anna.label(0, annotation);
      await agree({ v2: [anna, ben] });
      assert.is(ben.samples[0]!.hasAnnotation, has, JSON.stringify(annotation));
      assert.ok(versionAt(0) > was);
    }
    const { _id, document } = await ben.getSample(0);
    await ben.setSample(_id, { document: document! });
    await agree({ v2: [anna, ben] });
    assert.is(anna.samples[0]!.hasAnnotation, false);
    assert.is(versionAt(0), before + 8);
    assert.is(versionAt(1), other, 'of the others it stays');
  },
);

v2('UDT-12 people who label different samples at the same time keep both', async () => {
  const [anna, ben] = await pair();
  await Promise.all([anna.label(0, 'by anna'), ben.label(2, 'by ben')]);
  await agree({ v2: [anna, ben] }, ({ samples }) => JSON.stringify(samples).includes('by anna'));
  assert.equal(
    (await bareSamples(anna)).map(({ annotation }) => annotation),
    ['by anna', 'good', 'by ben'],
  );
});

v2('UDT-14 samples are added at and beyond the end, also by clients that know of fewer', async () => {
  const [anna, ben] = await pair();
  await Promise.all([
    anna.addSamples([{ document: 'd' }, { document: 'e' }]),
    ben.addSamples([{ document: 'f' }]),
  ]);
  await anna.patch([{ op: 'add', path: '/samples/1000', value: { document: 'far' } }]);
  await anna.patch([{ op: 'add', path: '/samples/some-id', value: { document: 'named' } }]);
  await agree({ v2: [anna, ben] }, ({ samples }) => (samples as Json[]).length === 8);
  const documents = documentsOf(await bareSamples(ben));
  assert.equal(documents.slice(0, 3), ['a', 'b', 'c']);
  assert.equal([...documents].sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'far', 'named']);
  assert.equal(documents.slice(6), ['far', 'named']);
});

v2('UDT-14 several samples are removed in one PATCH, by ids while indices move', async () => {
  const [anna, ben] = await pair();
  await anna.addSamples([{ document: 'd' }, { document: 'e' }]);
  await agree({ v2: [anna, ben] });
  const ids = idsOf(ben);
  await ben.removeSamples([ids[0]!, ids[1]!, ids[3]!]);
  await agree({ v2: [anna, ben] });
  assert.equal(idsOf(anna), [ids[2], ids[4]]);
  assert.equal(documentsOf(await bareSamples(anna)), ['c', 'e']);
});

v2('UDT-14 each operation sees those before it, by index too', async () => {
  const [anna, ben] = await pair();
  const [a, , c] = idsOf(anna);
  await anna.patch([
    { op: 'remove', path: `/samples/${a!}` },
    { op: 'replace', path: '/samples/0/annotation', value: 'was second' },
    { op: 'add', path: `/samples/${c!}/annotation`, value: 'by id' },
    { op: 'add', path: '/samples/-', value: { document: 'd' } },
    { op: 'add', path: '/samples/2/annotation', value: 'was added' },
    { op: 'remove', path: '/samples/0' },
  ]);
  await agree({ v2: [anna, ben] });
  assert.equal(await bareSamples(ben), [
    { document: 'c', annotation: 'by id' },
    { document: 'd', annotation: 'was added' },
  ]);
});

v2('UDT-4 UDT-14 a PATCH that names a sample that is gone changes nothing', async () => {
  const [anna, ben] = await pair();
  const [a, b] = idsOf(anna);
  await anna.removeSamples([a!]);
  const patch = [
    { op: 'remove', path: `/samples/${b!}` },
    { op: 'replace', path: `/samples/${a!}/annotation`, value: 'late' },
  ];
  const accept = { Accept: 'application/json, text/plain, */*' };
  const reply = await call('PATCH', `${server().url}/api/session/${anna.id}`, { patch }, accept);
  assert.is(reply.status, 409, reply.text);
  await agree({ v2: [anna, ben] });
  assert.equal(documentsOf(await bareSamples(ben)), ['b', 'c']);
});

v2('UDT-14 "Clear labels" removes every sample by id and adds it again', async () => {
  const [anna, ben] = await pair();
  await anna.clearLabels();
  await agree({ v2: [anna, ben] });
  assert.equal(
    ben.samples.map(({ hasAnnotation }) => hasAnnotation),
    [false, false, false],
  );
  assert.equal(await bareSamples(ben), [{ document: 'a' }, { document: 'b' }, { document: 'c' }]);
  assert.is(new Set(idsOf(ben)).size, 3);
  await ben.label(1, 'bad');
  await ben.clearLabels();
  await agree({ v2: [anna, ben] });
  assert.equal(documentsOf(await bareSamples(anna)), ['a', 'b', 'c']);
});

v2('UDT-17 settings are set before they are sent, and polls bring them again', async () => {
  const [anna, ben] = await pair();
  await anna.setDatasetProperty('interface', { type: 'image_segmentation', labels: ['x', { id: 'y' }] });
  await anna.setDatasetProperty('name', 'dogs');
  await ben.setDatasetProperty('training', { rules: [1, 2, 3], 'a/b': { '~': 1 } });
  await agree({ v2: [anna, ben] });
  await ben.setDatasetProperty('training', { rules: [0, 1, 2, 3], 'a/b': { '~': 2 } });
  await anna.setDatasetProperty('interface', { type: 'image_segmentation', labels: [{ id: 'y' }] });
  const udt = await agree({ v2: [anna, ben] });
  assert.equal(udt['training'], { rules: [0, 1, 2, 3], 'a/b': { '~': 2 } });
  assert.is(udt['name'], 'dogs');
});

v2('UDT-17 two who set different things at the same time end with the same', async () => {
  const [anna, ben] = await pair();
  await Promise.all([
    anna.setDatasetProperty('name', 'by anna'),
    ben.setDatasetProperty('description', 'by ben'),
    anna.addSamples([{ document: 'd' }]),
  ]);
  const udt = await agree({ v2: [anna, ben] });
  assert.equal([udt['name'], udt['description']], ['by anna', 'by ben']);
});

v2('UDT-17 a top-level key is removed', async () => {
  const [anna, ben] = await pair();
  await anna.patch([{ op: 'remove', path: '/name' }]);
  const udt = await agree({ v2: [anna, ben] });
  assert.equal(Object.keys(udt).sort(), ['interface', 'samples']);
  assert.equal(Object.keys(ben.shown).sort(), ['interface', 'summary']);
});

v2(
  'UDT-17 a poll has no operation on samples, and a changed top-level key comes whole and once',
  async () => {
    const [anna, ben] = await pair();
    await anna.label(0, 'good');
    await anna.label(0, 'bad');
    await anna.addSamples([{ document: 'd' }, { document: 'e', annotation: 1 }]);
    await anna.removeSamples([idsOf(anna)[1]!]);
    await anna.setDatasetProperty('name', 'dogs');
    await anna.patch([{ op: 'add', path: '/interface/labels/-', value: 'ugly' }]);
    const { patch } = await anna.diffs(0);
    assert.not(patch.some(({ path }) => path.startsWith('/samples')));
    assert.not(patch.some(({ op }) => op === 'move' || op === 'copy' || op === 'test'));
    const whole = { type: 'text_classification', labels: ['good', 'bad', 'ugly'] };
    assert.equal(
      patch.filter(({ path }) => !path.startsWith('/summary')),
      [
        { op: 'replace', path: '/name', value: 'dogs' },
        { op: 'replace', path: '/interface', value: whole },
      ],
    );
    await agree({ v2: [anna, ben] });
  },
);

v2('UDT-10 a version that is not known rebuilds the whole view', async () => {
  const [anna] = await pair();
  await anna.label(0, 'good');
  const fresh = await anna.reload();
  for (const since of [999_999, 2 ** 32 + 7]) {
    const { patch } = await anna.diffs(since);
    assert.ok(patch.length > 0);
    for (const stale of [
      { summary: { samples: [] } },
      { name: 'x', summary: { samples: [{ _id: 'no' }] } },
    ]) {
      const rebuilt = applyAsV1Client(stale, patch);
      assert.equal(isJsonObject(rebuilt) && { ...rebuilt }, fresh);
    }
  }
});

v2('the prefixes of the URL choose the dialect, whatever the client accepts', async () => {
  const [anna] = await pair();
  const url = (prefix: string): string => `${server().url}${prefix}/api/session/${anna.id}`;
  const keys = async (prefix: string, accept: string): Promise<string[]> => {
    const reply = JSON.parse(
      (await call('GET', url(prefix), undefined, { Accept: accept })).text,
    ) as JsonObject;
    return Object.keys(reply);
  };
  assert.ok((await keys('/v2', 'application/json')).includes('summaryVersion'));
  assert.ok((await keys('', 'text/plain')).includes('summaryVersion'));
  assert.ok((await keys('/v1', 'application/json, text/plain, */*')).includes('udt_json'));
  assert.ok((await keys('', 'application/json')).includes('udt_json'));
  assert.equal((await new UdtClient(server().url, anna.id).get()).udt_json, start);
});

v2.run();
