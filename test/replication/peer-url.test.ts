// The addresses that `--peer` takes, and the patterns of `--peer-projects`.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { parsePeerUrl } from '../../src/replication/peer-url.ts';
import { projectFilter } from '../../src/replication/project-patterns.ts';

const settings = suite('what a server is told about its peers');

settings('REP-11 http, https, ws and wss addresses lead to /replicate, with the path that they have', () => {
  const cases: readonly [string, string, string][] = [
    ['http://10.0.0.7:6003', 'http://10.0.0.7:6003', 'ws://10.0.0.7:6003/replicate'],
    ['https://office.example/', 'https://office.example', 'wss://office.example/replicate'],
    ['ws://localhost:6003', 'ws://localhost:6003', 'ws://localhost:6003/replicate'],
    ['wss://a.example:444//', 'wss://a.example:444', 'wss://a.example:444/replicate'],
    ['https://a.example/rejoin/', 'https://a.example/rejoin', 'wss://a.example/rejoin/replicate'],
    ['https://a.example/x/replicate', 'https://a.example/x', 'wss://a.example/x/replicate'],
    ['http://[::1]:6003', 'http://[::1]:6003', 'ws://[::1]:6003/replicate'],
  ];
  for (const [text, name, socketUrl] of cases) {
    const url = parsePeerUrl(text);
    assert.equal([url.name, url.socketUrl], [name, socketUrl]);
    assert.is(url.isEncrypted, socketUrl.startsWith('wss'));
  }
  assert.is(parsePeerUrl('http://[::1]:6003').host, '::1');
});

settings('what is no address of a server is refused as wrong use, without repeating a password', () => {
  const cases: readonly [string, RegExp][] = [
    ['office.example', /--peer office\.example should be the address of a server, such as https:/],
    ['', /should be the address of a server/],
    ['ftp://office.example', /should be the address of a server/],
    ['localhost:6003', /should be the address of a server/],
    ['https://me:hunter2@office.example', /^--peer office\.example should have no user name.*--peer-token/],
    ['https://office.example/?a=1', /should end with its path/],
    ['https://office.example/#a', /should end with its path/],
  ];
  for (const [text, sentence] of cases) assert.throws(() => parsePeerUrl(text), isUsage(sentence));
});

settings('a pattern names projects, with * for any characters', () => {
  const cases: readonly [readonly string[], readonly string[], readonly string[]][] = [
    [[], ['', 'anything', '*'], []],
    [['*'], ['', 'anything'], []],
    [['film'], ['film'], ['films', 'a film', 'Film', '']],
    [['film-*'], ['film-', 'film-a', 'film-a-b'], ['film', 'a-film-b']],
    [['*-raw'], ['-raw', 'a-raw', '-raw-raw'], ['raw', 'a-raw-b']],
    [['a*b*c'], ['abc', 'aXbYc', 'abbcc', 'abcbc'], ['ab', 'ac', 'acb', 'abcd']],
    [['aa*aa'], ['aaaa', 'aaaaa'], ['aaa', 'aa']],
    [
      ['a.c', '(x'],
      ['a.c', '(x'],
      ['abc', 'x'],
    ],
    [
      ['one', 'two*'],
      ['one', 'two', 'twofold'],
      ['onefold', 'three'],
    ],
  ];
  for (const [patterns, fitting, others] of cases) {
    const fits = projectFilter(patterns);
    for (const project of fitting) assert.ok(fits(project), `${patterns.join()} fits ${project}`);
    for (const project of others) assert.not.ok(fits(project), `${patterns.join()} does not fit ${project}`);
  }
});

settings('a pattern with many stars is matched in one pass', () => {
  const fits = projectFilter([`${'*a'.repeat(120)}*b`]);
  assert.not.ok(fits('a'.repeat(256))); // a backtracking matcher would not come back
});

settings('a pattern that no project can fit is refused as wrong use', () => {
  for (const pattern of ['', 'x'.repeat(257)])
    assert.throws(() => projectFilter([pattern]), isUsage(/--peer-projects ".*" should be a project's id/));
});

function isUsage(sentence: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof RejoinError && error.code === 'usage' && sentence.test(error.message);
}

settings.run();
