// Where requests of the REST interface go, and how ids are written in paths.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../../src/errors.ts';
import { parseEscapedId, parseRestPath, projectParts } from '../../../src/wire/rest/path.ts';

const test = suite('REST paths');

test('each route, with a slash at its end or none, and with a query', () => {
  assert.equal(parseRestPath('/api/projects'), { type: 'projects' });
  assert.equal(parseRestPath('/api/projects/?limit=1'), { type: 'projects' });
  assert.equal(parseRestPath('/api/projects/film'), { type: 'project', id: 'film' });
  assert.equal(parseRestPath('/api/projects/film/'), { type: 'project', id: 'film' });
  for (const part of projectParts) {
    assert.equal(parseRestPath(`/api/projects/film/${part}`), { type: part, id: 'film' });
    assert.equal(parseRestPath(`/api/projects/film/${part}/?x=/y`), { type: part, id: 'film' });
  }
  assert.equal(parseRestPath('/api/openapi.json'), { type: 'openapi' });
  assert.equal(parseRestPath('/api/asyncapi.json?x'), { type: 'asyncapi' });
});

test('what is below ours but nothing, and what is not ours', () => {
  for (const path of ['/api/projects/film/rows', '/api/projects/film/entries/e1', '/api/projects/a/b/c/'])
    assert.equal(parseRestPath(path), { type: 'nowhere' }, path);
  for (const path of [
    '/',
    '',
    '/api',
    '/api/project',
    '/api/projectsX',
    '/x/api/projects',
    '/api/session/s',
    '/api/openapi.yaml',
  ])
    assert.is(parseRestPath(path), undefined, path);
});

test('WS-2 ids are decoded once', () => {
  assert.equal(parseRestPath('/api/projects/a%2Fb%20c'), { type: 'project', id: 'a/b c' });
  assert.equal(parseRestPath('/api/projects/50%2525/entries'), { type: 'entries', id: '50%25' });
  assert.equal(parseRestPath('/api/projects/%2E%2E'), { type: 'project', id: '..' });
  assert.equal(parseRestPath('/api/projects/007'), { type: 'project', id: '007' });
  for (const id of ['a/b', 'ä %', '😀', '7', '?#'])
    assert.is(parseEscapedId(encodeURIComponent(id), 'it'), id);
});

test('ids that can not be are refused by name', () => {
  const refused = (path: string, message: RegExp) =>
    assert.throws(
      () => parseRestPath(path),
      (error: unknown) =>
        error instanceof RejoinError && error.code === 'bad-request' && message.test(error.message),
    );
  refused('/api/projects/%zz', /the id of the project in the path "%zz" has a bad escape/);
  refused('/api/projects/%ff', /has a bad escape/);
  refused('/api/projects//entries', /the path must not be empty/);
  refused('/api/projects/a%00', /must not contain NUL/);
  refused(`/api/projects/${'x'.repeat(257)}`, /at most 256 bytes/);
});

test.run();
