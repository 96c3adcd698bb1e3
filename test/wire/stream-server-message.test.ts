import { objectOf, readServerMessage } from '../../src/wire/stream/server-message.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { jsonDepthMax, type Json } from '../../src/model/json.ts';

const test = suite('server messages');
const read = (message: object) => readServerMessage(JSON.stringify(message));
const placed = { mux_id: 3, srv_id: 7, seqno: 2, proj_id: 'p' };

test('an object is read with its place, its extra fields, and without what belongs to the stream', () => {
  const fields = { version_uuid: 'v', clip_id: null, extra: [1] };
  const message = read({ type: 'entry', ...placed, ...fields });
  if (message.type !== 'object') throw new Error(message.type);
  const { muxId, serverId, seqno, kind, versionUuid, sent } = message;
  assert.equal(
    { muxId, serverId, seqno, kind, versionUuid },
    { muxId: 3, serverId: 7, seqno: 2, kind: 'entry', versionUuid: 'v' },
  );
  assert.equal(objectOf(sent), fields);
  assert.equal(sent, { type: 'entry', srv_id: 7, seqno: 2, proj_id: 'p', ...fields });
});

test('sync, closed, uploaded, patch and error are read', () => {
  const sync = read({
    type: 'sync',
    mux_id: 'm',
    since: [
      [1, 5],
      [2, 0],
    ],
  });
  assert.equal(sync.type === 'sync' && [...sync.since], [
    [1, 5],
    [2, 0],
  ]);
  assert.equal(read({ type: 'uploaded', mux_id: 0 }), { type: 'uploaded', muxId: 0 });
  assert.equal(read({ type: 'closed', mux_id: '' }), { type: 'closed', muxId: '' });
  assert.is(read({ type: 'patch', ...placed, patch: [] }).type, 'patch');
  assert.equal(read({ type: 'error', code: 'deleted', message: 'gone' }), {
    type: 'error',
    muxId: undefined,
    code: 'deleted',
    message: 'gone',
  });
});

test('a patch is read whose value is as deep as one may be', () => {
  let value: Json = 'inside';
  for (let depth = 0; depth < jsonDepthMax; depth++) value = { deeper: value };
  const patch = [{ op: 'add', path: '/deep', value }];
  const message = read({ type: 'patch', ...placed, patch });
  assert.equal(message.type === 'patch' && message.sent['patch'], patch);
});

test('what a later server may add is unknown, not wrong', () => {
  assert.equal(read({ type: 'presence', mux_id: 1 }), { type: 'unknown' });
  assert.equal(read({ type: 'hello' }), { type: 'unknown' });
  const error = read({ type: 'error', mux_id: 1, code: 'new-code', message: 'm' });
  assert.is(error.type === 'error' && error.code, 'internal');
});

test('what is no message of a server is refused with the reason', () => {
  const wrong: [unknown, string][] = [
    ['{"type":', 'Invalid JSON'],
    ['[]', 'no JSON object'],
    [new Uint8Array(2), 'no text frame'],
    [JSON.stringify({ type: 'entry', mux_id: 1, seqno: 1, version_uuid: 'v' }), 'srv_id'],
    [JSON.stringify({ type: 'entry', mux_id: 1, srv_id: 1, seqno: -1, version_uuid: 'v' }), 'seqno'],
    [JSON.stringify({ type: 'comment', ...placed }), 'version_uuid'],
  ];
  for (const [frame, reason] of wrong)
    assert.throws(
      () => readServerMessage(frame),
      (error: unknown) =>
        error instanceof RejoinError && error.code === 'undecodable' && error.message.includes(reason),
      reason,
    );
});

test.run();
