import { ProjectData } from '../../src/client/project-data.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KeptObject, Place, ReceivedObject } from '../../src/client/storage.ts';

const test = suite('project data');

function local(name: string, fields: KeptObject['value'] = {}): KeptObject {
  const value = {
    report_uuid: 'r',
    entry_uuid: 'e',
    version_uuid: name,
    clip_id: 'A',
    content: { camera: 'A' },
    modifies: null,
    reason: null,
    authortime: '2024-05-17T09:30:00.000Z',
    ...fields,
  };
  return { kind: 'entry', versionUuid: name, value };
}

function streamed(name: string, places: Place[], fields: KeptObject['value'] = {}): ReceivedObject {
  return { ...local(name, { user_id: 'anna', user_uuid: 'u', submissiontime: 'now', ...fields }), places };
}

const touchesEntry = { entries: [{ report: 'r', entry: 'e' }], threads: [], comments: [] };

test('a write is pending until a server has it; the streamed copy takes its place and tells of its user', () => {
  const data = new ProjectData();
  assert.equal(data.apply({ queued: [local('v')] }), touchesEntry);
  assert.ok(data.isPending('entry', 'v'));
  assert.equal(data.apply({ received: [{ ...local('v'), places: [] }] }), touchesEntry, 'no longer pending');
  assert.not.ok(data.isPending('entry', 'v'));
  assert.equal(data.apply({ received: [streamed('v', [[1, 1]])] }), touchesEntry, 'the user');
  assert.is(data.view.row('r', 'e')?.user_id, 'anna');
  assert.is(data.apply({ received: [streamed('v', [[1, 1]])] }), null);
});

test('a streamed copy that shows the same tells of nothing', () => {
  const data = new ProjectData();
  const known = { user_id: 'anna', user_uuid: 'u', submissiontime: 'before' };
  data.apply({ received: [{ ...local('v', known), places: [] }] });
  assert.is(data.apply({ received: [streamed('v', [[1, 1]])] }), null);
});

test('the first streamed value counts, and all places are kept', () => {
  const data = new ProjectData();
  data.apply({ received: [streamed('v', [[1, 1]])] });
  const [merged] = data.merged([streamed('v', [[2, 7]], { clip_id: 'other' })]);
  assert.equal(
    merged,
    streamed('v', [
      [1, 1],
      [2, 7],
    ]),
  );
  assert.equal(data.merged([streamed('v', [[1, 1]], { clip_id: 'other' })]), []);
  assert.equal(data.merged([{ ...local('v'), places: [] }]), []);
});

test('an object that comes twice in one page is stored once, with both places', () => {
  const data = new ProjectData();
  const page = [
    streamed('v', [[1, 1]]),
    streamed('w', [[1, 2]]),
    streamed('v', [[2, 1]], { clip_id: 'other' }),
  ];
  assert.equal(data.merged(page), [
    streamed('v', [
      [1, 1],
      [2, 1],
    ]),
    streamed('w', [[1, 2]]),
  ]);
});

test('kinds are apart: the same uuid as a thread is another object', () => {
  const data = new ProjectData();
  data.apply({ received: [streamed('v', [[1, 1]])] });
  const thread = {
    kind: 'thread',
    versionUuid: 'v',
    value: { thread_uuid: 't', version_uuid: 'v' },
    places: [],
  } as const;
  assert.equal(data.apply({ received: [thread] }), { entries: [], threads: ['t'], comments: [] });
  assert.is(data.view.threads().length, 1);
});

test('a refused write leaves the view; so does one that could not be stored', () => {
  const data = new ProjectData();
  data.apply({ queued: [local('v')] });
  assert.equal(data.apply({ refused: [{ ...local('v'), code: 'bad-request', message: 'm' }] }), touchesEntry);
  assert.equal(data.view.rows(), []);
  assert.is(data.refused.size, 1);
  data.apply({ queued: [local('w')] });
  assert.equal(data.withdraw(local('w')), touchesEntry);
  assert.equal(data.view.rows(), []);
  assert.is(data.withdraw(local('w')), null);
});

test('a write that came back before it was stored is not withdrawn, and not queued again', () => {
  const data = new ProjectData();
  data.apply({ queued: [local('v')] });
  data.apply({ received: [streamed('v', [[1, 1]])] });
  assert.is(data.withdraw(local('v')), null);
  assert.is(data.apply({ queued: [local('v')] }), null);
  assert.is(data.queue.size, 0);
  assert.is(data.view.rows().length, 1);
});

test('what was stored is loaded: received objects win over the queue', () => {
  const data = new ProjectData();
  data.load({
    vector: [[1, 3]],
    received: [streamed('v', [[1, 3]])],
    queue: [local('v'), local('w', { entry_uuid: 'f' })],
    refused: [],
  });
  assert.equal([...data.queue.keys()], ['entry w']);
  assert.equal([...data.vector], [[1, 3]]);
  assert.is(data.view.rows().length, 2);
});

test.run();
