// The v2 client as it is published (`udt-dataset-managers`), unmodified, against a real server: all that UDT does with it.
// The package names dependencies that only its other half, for a cloud, and its build need; package.json replaces these.
// Runs in a process of its own, since it sets a variable of the environment.

import { isDeepStrictEqual } from 'node:util';
import Manager from 'udt-dataset-managers/src/CollaborationServerDatasetManager.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { UdtClient } from '../support/udt-client.ts';
import { V1Screen, samplesOf } from '../support/udt-v1-screen.ts';
import { without } from '../support/udt-v2-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

process.env['NO_PROXY'] = '127.0.0.1'; // axios heeds the proxies of the environment

const real = suite('udt-real-v2-client');
const { server, atEnd } = withServer(real);

const start: JsonObject = {
  name: 'cats',
  interface: { type: 'text_classification', labels: ['good', 'bad'] },
  samples: [{ document: 'a' }, { document: 'b', annotation: 'good' }, { _id: 'own', document: 'c' }],
};

const pollingInterval = 30;
/** Why managers have stopped polling: the client doesn't catch it. */
const failedPolls: unknown[] = [];

function newManager(): Manager {
  const manager = new Manager({ serverUrl: `${server().url}/` });
  manager.pollingInterval = pollingInterval;
  const poll = manager.pollDiffs;
  manager.pollDiffs = () => poll().catch((error: unknown) => void failedPolls.push(String(error)));
  atEnd(() => {
    manager.sessionId = null; // it polls as long as it has one
    clearTimeout(manager.diffPollingTimeout);
  });
  return manager;
}

/** A manager that has made a session, and one that has loaded it. */
async function pair(udt: JsonObject = start): Promise<readonly [Manager, Manager]> {
  const [first, second] = [newManager(), newManager()];
  await first.setDataset(udt);
  await second.loadSession(first.sessionId!);
  return [first, second];
}

const idsOf = async (manager: Manager): Promise<string[]> =>
  (await manager.getSummary()).samples.map(({ _id }) => _id);
const labelsOf = async (manager: Manager): Promise<boolean[]> =>
  (await manager.getSummary()).samples.map(({ hasAnnotation }) => hasAnnotation);

/** Resolves with the file when both show the same as one that comes now; neither has stopped polling. */
async function settled(first: Manager, second: Manager): Promise<JsonObject> {
  const v1 = new UdtClient(server().url, first.sessionId!);
  await until('the managers show the same', async () => {
    const fresh = newManager();
    await fresh.loadSession(first.sessionId!);
    const [now, ...shown] = await Promise.all([fresh, first, second].map(shownBy));
    fresh.sessionId = null;
    clearTimeout(fresh.diffPollingTimeout);
    return shown.every((each) => isDeepStrictEqual(each, now));
  });
  assert.equal(failedPolls, []);
  const { udt_json: udt } = await v1.get();
  assert.equal(await first.getDataset(), udt, 'the download is the file');
  assert.equal(
    await labelsOf(second),
    samplesOf(udt).map(({ annotation }) => annotation !== undefined && annotation !== null),
  );
  return udt;
}

/** The summary, and the top-level keys that a manager reads when it loads a session. */
async function shownBy(manager: Manager): Promise<unknown> {
  const shown = [
    await manager.getSummary(),
    await manager.getDatasetProperty('name'),
    await manager.getDatasetProperty('interface'),
  ];
  return JSON.parse(JSON.stringify(shown)) as unknown;
}

real('it makes a session and reads it', async () => {
  const manager = newManager();
  let reloads = 0;
  manager.on('dataset-reloaded', () => reloads++);
  await manager.setDataset(start);
  assert.is(reloads, 1);
  assert.is(manager.summaryVersion, 0);
  assert.equal(await labelsOf(manager), [false, true, false]);
  assert.is((await idsOf(manager))[2], 'own');
  assert.is(await manager.getDatasetProperty('name'), 'cats');
  assert.equal(await manager.getDatasetProperty('interface'), start['interface']);
  assert.equal(await manager.getDataset(), start);
  for (const [index, id] of (await idsOf(manager)).entries()) {
    const sample = await manager.getSample(id);
    assert.equal(sample, await manager.getSampleByIndex(index));
    assert.equal(sample, { ...samplesOf(start)[index], _id: id });
  }
});

real('a second one loads the session and sees labels by polling', async () => {
  const [first, second] = await pair();
  let changes = 0;
  second.on('summary-changed', () => changes++);
  const [a] = await idsOf(second);
  await first.setSample(a!, { ...(await first.getSample(a!)), annotation: 'bad' });
  await until('the second is told', () => changes > 0);
  assert.equal(await labelsOf(second), [true, true, false]);
  assert.is((await second.getSample(a!))['annotation'], 'bad');
  const udt = await settled(first, second);
  assert.equal(samplesOf(udt)[0], { document: 'a', annotation: 'bad' }, 'UDT-15');
  const polled = changes;
  await second.pollDiffs();
  assert.is(changes, polled, 'nothing new is no change');
});

real('samples are added and removed', async () => {
  const [first, second] = await pair();
  await first.addSamples([{ document: 'd' }, { document: 'e', annotation: 1 }]);
  await settled(first, second);
  assert.equal(await labelsOf(second), [false, true, false, false, true]);
  const ids = await idsOf(second);
  await second.removeSamples([ids[0]!, 'own', ids[3]!]);
  const udt = await settled(first, second);
  assert.equal(
    samplesOf(udt).map(({ document }) => document),
    ['b', 'e'],
  );
  assert.equal(await idsOf(first), [ids[1], ids[4]]);
});

real('labels are cleared as UDT does it: all samples are removed, and added without', async () => {
  const [first, second] = await pair();
  const samples = await Promise.all((await idsOf(first)).map((id) => first.getSample(id)));
  await first.removeSamples(samples.map(({ _id }) => _id));
  await first.addSamples(samples.map((sample) => without(sample as JsonObject, 'annotation')));
  const udt = await settled(first, second);
  assert.equal(
    samplesOf(udt).map(({ document }) => document),
    ['a', 'b', 'c'],
  );
  assert.equal(await labelsOf(second), [false, false, false]);
});

real('settings are set', async () => {
  const [first, second] = await pair();
  const changed: unknown[] = [];
  first.on('dataset-property-changed', (event) => changed.push(event));
  await first.setDatasetProperty('interface', { type: 'image_classification', labels: [] });
  await second.setDatasetProperty('training', { 'a/b': [{ '~': 1 }] });
  const udt = await settled(first, second);
  assert.equal(changed, [{ key: 'interface' }]);
  assert.equal(udt['interface'], { type: 'image_classification', labels: [] });
  assert.equal(udt['training'], { 'a/b': [{ '~': 1 }] });
  await until('the first has it too', async () => (await first.getDatasetProperty('training')) !== undefined);
});

real('a whole file is set on a session: what differs is sent', async () => {
  const [first, second] = await pair();
  const file: JsonObject = {
    interface: { type: 'text_classification', labels: ['bad', 'ugly', 'good'] },
    samples: [
      { document: 'b', annotation: 'bad' },
      { document: 'new' },
      { _id: 'own', document: 'c', annotation: ['x'] },
      { document: 'a/~' },
    ],
    description: 'imported',
  };
  await first.setDataset(file);
  assert.equal(await settled(first, second), file);
  await second.setDataset({ ...file, samples: [] });
  assert.equal(await settled(first, second), { ...file, samples: [] });
  await first.setDataset(start);
  assert.equal(await settled(first, second), start);
});

real('UDT-8 UDT-18 it works beside a v1 client', async () => {
  const [first, second] = await pair();
  const old = await V1Screen.join(server().url, first.sessionId!, { pollingIntervalMs: pollingInterval });
  atEnd(() => old.stop());
  const [a] = await idsOf(first);
  await Promise.all([
    old.label(2, 'old'),
    first.setSample(a!, { ...(await first.getSample(a!)), annotation: 'young' }),
  ]);
  const udt = await settled(first, second);
  assert.equal(
    samplesOf(udt).map(({ annotation }) => annotation),
    ['young', 'good', 'old'],
  );
  await until('the v1 screen shows all', () => JSON.stringify(old.shown) === JSON.stringify(udt));
  await old.edit((shown) => ({
    ...shown,
    samples: samplesOf(shown).toSpliced(1, 1, { document: 'inserted' }),
  }));
  await settled(first, second);
  assert.equal(await labelsOf(second), [true, false, true]);
});

real.run();
