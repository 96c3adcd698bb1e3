// The messages of `/ws`: what a client may ask of a stream in the later vocabulary.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError, type ErrorCode } from '../../src/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { streamLimits, type StreamRequest } from '../../src/wire/stream/messages.ts';
import { parseClientMessage } from '../../src/wire/stream/parse.ts';

function parseStream(fields: JsonObject): StreamRequest {
  const parsed = parseClientMessage({ type: 'subscribe', mux_id: 1, ...fields }, streamLimits);
  if (parsed.type !== 'subscribe' && parsed.type !== 'fetch') throw new Error(`parsed as ${parsed.type}`);
  return parsed;
}

function refuses(fields: JsonObject, problem: string, code: ErrorCode = 'bad-request') {
  assert.throws(
    () => parseStream(fields),
    (error: unknown) => {
      if (!(error instanceof RejoinError)) throw error;
      assert.is(error.code, code);
      assert.ok(error.message.includes(problem), `${error.message}\nshould say\n${problem}`);
      return true;
    },
  );
}

const ofProject = { match: 'project', value: 'p' };
const later = suite('the later vocabulary');

later('WS-7 each kind has its own since and match', () => {
  const asked = parseStream({
    entries: { since: [[1, 5]], match: 'report', value: 'r' },
    topics: { since: [[2, 7]], ...ofProject },
    comments: { match: 'topic', value: 't' },
    udt: { since: [[3, 1]] },
  });
  assert.equal(asked, {
    type: 'subscribe',
    muxId: 1,
    vocabulary: 'later',
    projectId: 'p',
    selection: {
      objects: [
        { kind: 'entry', since: new Map([[1, 5]]), match: { field: 'report', value: 'r' } },
        { kind: 'thread', since: new Map([[2, 7]]), match: null },
        { kind: 'comment', since: new Map(), match: { field: 'topic', value: 't' } },
      ],
      udt: new Map([[3, 1]]),
    },
  });
});

later('WS-7 each kind has the matches of its own', () => {
  const matches: Record<string, string[]> = {
    entries: ['project', 'report', 'user'],
    topics: ['project', 'user'],
    comments: ['project', 'topic', 'user'],
    udt: ['project'],
  };
  for (const [name, words] of Object.entries(matches)) {
    for (const match of ['project', 'report', 'topic', 'user', 'entry', 'toString', '', 7, {}, true]) {
      const message = { project: 'p', [name]: { match, value: 'p' } };
      if (words.some((word) => word === match)) assert.is(parseStream(message).vocabulary, 'later');
      else refuses(message, `${name}.match must be "project"`);
    }
    refuses({ project: 'p', [name]: { value: 'x' } }, `${name}.match must be`);
  }
  refuses({ entries: { match: 'x' } }, 'entries.match must be "project", "report" or "user"');
});

later('WS-19 an error names the field', () => {
  for (const value of [null, 7, '', ['r'], {}])
    refuses({ entries: { match: 'report', value } }, 'entries.value must be the uuid of a report');
  refuses({ comments: { match: 'project', value: 1.5 } }, 'comments.value must be an integer');
  refuses({ comments: { match: 'project' } }, 'comments.value must be the id of a project');
  refuses({ topics: { ...ofProject, since: 5 } }, 'topics.since must be a list of pairs');
  refuses({ topics: '*' }, 'topics must be an object with since, match ("project" or "user") and value');
  refuses({ entries: ofProject, comments: 7 }, 'comments must be an object with since, match');
  const since = Array.from({ length: streamLimits.sinceEntriesMax + 1 }, (_, index) => [index, 1]);
  refuses({ entries: { ...ofProject, since } }, 'entries.since has 10001 pairs', 'too-large');
});

later('WS-19 a message of two vocabularies is refused, and says which', () => {
  refuses({ entries: '*', comments: ofProject }, 'entries is "*" and comments a selector of the later');
  refuses({ entries: ofProject, comments: '*' }, 'comments is "*" and entries a selector of the later');
  refuses({ threads: '*', topics: ofProject }, 'threads and topics are of two vocabularies');
  refuses({ threads: ofProject, entries: ofProject }, 'threads and entries are of two vocabularies');
  refuses({ entries: ofProject, since: [[1, 1]] }, 'since belongs into each selector');
  refuses({ project: 'p', entries: '*', udt: { since: [] } }, 'entries is "*" and udt a selector');
});

later('WS-23 "*" for udt is of either vocabulary', () => {
  assert.equal(
    parseStream({ udt: '*', entries: { ...ofProject, since: [[1, 1]] } }).selection.udt,
    new Map(),
  );
  assert.is(parseStream({ project: 'p', udt: {} }).vocabulary, 'later');
  assert.is(parseStream({ udt: { ...ofProject, since: [[1, 2]] } }).projectId, 'p');
});

later('what cannot be selected here is named', () => {
  for (const name of ['users', 'projects', 'permissions'])
    for (const more of [{ entries: ofProject }, { project_id: 'p', entries: '*' }])
      refuses({ ...more, [name]: ofProject }, `${name} cannot be streamed here`);
});

later('WS-2 the project is that of the message, or of a match', () => {
  const project = (fields: JsonObject): Json => parseStream(fields).projectId;
  for (const value of [7, '7']) assert.is(project({ entries: { match: 'project', value } }), '7');
  for (const name of ['project', 'project_id', 'proj_id']) {
    assert.is(project({ [name]: 7, entries: { match: 'report', value: 'r' } }), '7');
    assert.is(project({ [name]: 7, entries: {} }), '7');
    assert.is(project({ [name]: '7', topics: { match: 'project', value: 7 } }), '7');
    assert.is(project({ [name]: 7, topics: { match: 'user', value: 'u' } }), '7');
  }
  assert.is(project({ topics: { match: 'user', value: 'u' }, comments: ofProject }), 'p');
  const others = { match: 'project', value: 'q' };
  refuses({ project: 'p', entries: others }, 'project and entries.value name two projects: open a stream');
  refuses({ topics: ofProject, entries: others }, 'entries.value and topics.value name two projects');
});

later('a report or a topic may lead to the project, a user may not', () => {
  assert.is(parseStream({ entries: { match: 'report', value: 'r' } }).projectId, null);
  const comments = { match: 'topic', value: 't' };
  assert.is(parseStream({ comments, topics: {}, udt: '*' }).projectId, null);
  const user = { match: 'user', value: 'u' };
  refuses({ topics: user }, 'project must be the id of a project: topics.match "user" says none');
  refuses({ entries: {} }, 'project must be the id of a project: none is named');
});

later.run();
