import { streamUrl } from '../../src/client/server-url.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';

const test = suite('server url');

test('the address of a server, however it is written, leads to /ws', () => {
  const addresses: [string, string][] = [
    ['http://localhost:6003', 'ws://localhost:6003/ws'],
    ['https://set.example/', 'wss://set.example/ws'],
    ['ws://127.0.0.1:80', 'ws://127.0.0.1/ws'],
    ['wss://set.example/ws', 'wss://set.example/ws'],
    ['wss://set.example/ws/', 'wss://set.example/ws'],
    ['https://set.example/rejoin?a=1#x', 'wss://set.example/rejoin/ws?a=1'],
  ];
  for (const [given, wanted] of addresses) assert.is(streamUrl(given), wanted);
  assert.is(streamUrl(new URL('http://localhost:1')), 'ws://localhost:1/ws');
  assert.is(streamUrl('http://localhost:1', 'a&b'), 'ws://localhost:1/ws?token=a%26b');
});

test('what is no address of a server is refused with one that is', () => {
  for (const given of ['', 'localhost:6003', '/ws', 'ftp://set.example'])
    assert.throws(
      () => streamUrl(given),
      (error: unknown) =>
        error instanceof RejoinError &&
        error.code === 'usage' &&
        error.message.includes('http://localhost:6003'),
    );
});

test.run();
