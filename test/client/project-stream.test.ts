// What a stream does when things go wrong at once; client.test.ts has the rest.

import { ProjectStream } from '../../src/client/project-stream.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Connection, MuxHandler } from '../../src/client/connection.ts';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { FakeEnvironment } from '../support/fake-environment.ts';

const test = suite('project stream');

test('a server and a storage that fail at once are one failure: the project is asked for once', async () => {
  const environment = new FakeEnvironment();
  const sent: JsonObject[] = [];
  const handlers: MuxHandler[] = [];
  const connection = {
    isConnected: true,
    add: () => undefined,
    remove: () => undefined,
    reserve: (handler: MuxHandler) => handlers.push(handler),
    release: () => undefined,
    send: (message: JsonObject) => sent.push(message),
  } as unknown as Connection;
  const failures: string[] = [];
  let failStorage: (error: Error) => void = () => undefined;
  const stream = new ProjectStream('p', connection, environment, {
    vector: () => new Map(),
    received: () => new Promise((_, reject) => (failStorage = reject)),
    interrupted: () => undefined,
    failed: ({ code }) => failures.push(code),
  });
  stream.connected();
  await environment.advance(0);
  handlers[0]?.({ type: 'sync', muxId: 1, since: new Map(), sent: {} });
  handlers[0]?.({ type: 'error', muxId: 1, code: 'unavailable', message: 'the server is full' });
  failStorage(new RejoinError('unavailable', 'and so is the disk'));
  await environment.advance(60_000);
  assert.equal(failures, ['unavailable', 'unavailable']);
  assert.is(sent.filter(({ type }) => type === 'subscribe').length, 2);
  await stream.end();
});

test.run();
