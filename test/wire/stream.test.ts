// The messages of `/ws`: what a client may ask of a stream in the original vocabulary. stream-later.test.ts has the later.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError, type ErrorCode } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { streamLimits, type StreamRequest } from '../../src/wire/stream/messages.ts';
import { parseClientFrame, parseClientMessage } from '../../src/wire/stream/parse.ts';

function throwsWith(run: () => unknown, message: string, code: ErrorCode = 'bad-request') {
  assert.throws(run, (error: unknown) => {
    if (!(error instanceof RejoinError)) throw error;
    assert.is(error.code, code);
    assert.ok(error.message.includes(message), `${error.message}\nshould say\n${message}`);
    return true;
  });
}

function refuses(message: JsonObject, problem: string, code: ErrorCode = 'bad-request') {
  throwsWith(() => parseClientMessage(message, streamLimits), problem, code);
}

function parseStream(fields: JsonObject): StreamRequest {
  const message = { type: 'subscribe', mux_id: 1, project_id: 'p', ...fields };
  const parsed = parseClientMessage(message, streamLimits);
  if (parsed.type !== 'subscribe' && parsed.type !== 'fetch') throw new Error(`parsed as ${parsed.type}`);
  return parsed;
}

function kindsOf({ selection }: StreamRequest): string[] {
  return selection.objects.map(({ kind }) => kind);
}

const requests = suite('subscribe, fetch, close');

requests('WS-19 a missing or unknown type is refused', () => {
  const types = [undefined, null, 7, '', 'Subscribe', 'entry', 'sync', 'constructor', '__proto__', ['close']];
  for (const type of types)
    refuses(
      { mux_id: 1, ...(type === undefined ? {} : { type }) },
      'type must be "subscribe", "fetch", "close"',
    );
});

requests('WS-1 any string or number is a mux_id, as it is', () => {
  for (const muxId of [0, 1, '1', '', 'x', -1, 0.1, 1.5e-7, 2 ** 53 - 1, '9007199254740993'])
    assert.equal(parseClientMessage({ type: 'close', mux_id: muxId }, streamLimits), {
      type: 'close',
      muxId,
    });
});

requests('WS-1 a mux_id is required', () => {
  for (const type of ['subscribe', 'fetch', 'close', 'upload']) {
    refuses({ type, project_id: 'p', objects: [] }, 'mux_id must be a string or a number');
    for (const muxId of [null, true, [], {}])
      refuses({ type, mux_id: muxId, project_id: 'p', objects: [] }, 'mux_id must be a string or a number');
  }
});

requests('WS-1 an integer that cannot be echoed unchanged is refused', () => {
  for (const text of ['9007199254740993', '-9007199254740993', '1e300'])
    refuses(parseClientFrame(`{"type":"close","mux_id":${text}}`), 'send it as a string');
});

requests('WS-6 without selectors no kind is selected, syncid is ignored', () => {
  const bare = {
    type: 'subscribe',
    muxId: 1,
    vocabulary: 'original',
    projectId: 'p',
    selection: { objects: [], udt: null },
  };
  assert.equal(parseStream({}), bare);
  assert.equal(
    parseStream({ entries: null, threads: null, comments: null, topics: null, udt: null, since: null }),
    bare,
  );
  assert.equal(parseStream({ syncid: { any: 'thing' }, unknown: 7, constructor: 'x' }), bare);
});

requests('WS-6 "*" selects a kind', () => {
  assert.equal(kindsOf(parseStream({ comments: '*' })), ['comment']);
  assert.equal(kindsOf(parseStream({ entries: '*', threads: '*', comments: '*' })), [
    'entry',
    'thread',
    'comment',
  ]);
});

requests('WS-19 another selector is refused', () => {
  for (const name of ['entries', 'threads', 'comments', 'udt'])
    for (const selector of ['', '**', true, 1, false, 0, ['*']])
      throwsWith(() => parseStream({ [name]: selector }), `${name} must be "*"`);
  for (const selector of [{}, { since: [], match: 'project', value: 'p' }])
    throwsWith(() => parseStream({ threads: selector }), 'threads must be "*"');
});

requests('WS-23 "*" selects the patches of udt, behind the since of the stream', () => {
  const { vocabulary, selection } = parseStream({ udt: '*', comments: '*', since: [[1, 5]] });
  assert.is(vocabulary, 'original');
  assert.equal(selection.udt, new Map([[1, 5]]));
  assert.equal(parseStream({ udt: '*' }).selection, { objects: [], udt: new Map() });
});

requests('a fetch is a stream of its own type', () => {
  assert.is(parseStream({ type: 'fetch' }).type, 'fetch');
});

requests('WS-2 project_id, project and proj_id mean the same', () => {
  const base = { type: 'subscribe', mux_id: 1 };
  for (const name of ['project_id', 'project', 'proj_id'])
    for (const value of ['7', 7]) {
      const parsed = parseClientMessage({ ...base, [name]: value }, streamLimits);
      assert.ok(parsed.type === 'subscribe' && parsed.projectId === '7');
    }
  assert.is(parseStream({ project_id: '7', project: 7, proj_id: '7' }).projectId, '7');
  assert.is(parseStream({ project_id: '007' }).projectId, '007');
});

requests('WS-2 projects that differ, or are bad, are refused', () => {
  throwsWith(() => parseStream({ project_id: '7', proj_id: '007' }), 'project_id and proj_id mean the same');
  throwsWith(() => parseStream({ project_id: 'a', project: null }), 'project must be the id of a project');
  refuses({ type: 'subscribe', mux_id: 1 }, 'project_id must be the id of a project');
  refuses({ type: 'fetch', mux_id: 1, project: 'a\0' }, 'project must not contain NUL');
  refuses({ type: 'fetch', mux_id: 1, proj_id: 1.5 }, 'proj_id must be an integer');
});

requests('WS-4 since is a version vector', () => {
  const sinceOf = (since: JsonObject[string]) =>
    parseStream({ entries: '*', since }).selection.objects[0]!.since;
  assert.equal(sinceOf([[2, 1], [1, 5], [2, 3]]), new Map([[2, 3], [1, 5]])); // prettier-ignore
  assert.is(sinceOf([]).size, 0);
  throwsWith(() => parseStream({ since: {} }), 'since must be a list of pairs');
  throwsWith(() => parseStream({ since: [[1, 2], [1]] }), 'since[1] must be a pair'); // prettier-ignore
});

requests('WS-20 a huge since list is refused', () => {
  const since = Array.from({ length: streamLimits.sinceEntriesMax + 1 }, (_, index) => [index, 1]);
  refuses({ type: 'subscribe', mux_id: 1, project_id: 'p', since }, 'at most 10000', 'too-large');
  const { objects } = parseStream({ entries: '*', since: since.slice(1) }).selection;
  assert.is(objects[0]!.since.size, streamLimits.sinceEntriesMax);
});

requests.run();
