// Connections that end before all that was asked on them is answered.

import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Listening } from '../src/listening.ts';
import { until } from './support/until.ts';

const test = suite('listening');

test('who answers the second request on a connection hears that its client has left, as with the first', async () => {
  const answers: ServerResponse[] = [];
  const closed: ServerResponse[] = [];
  const listening = new Listening({
    request: (_request, response) => {
      answers.push(response);
      response.on('close', () => closed.push(response));
      response.writeHead(200);
      response.write('one of many lines\n');
    },
    upgrade: (_request, socket) => socket.destroy(),
    error: (error) => {
      throw error;
    },
  });
  const [address] = await listening.listen({ host: '127.0.0.1', port: 0, inherited: [] });
  const client = connect(address!.port, '127.0.0.1');
  const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
  client.on('error', () => undefined).write(request.repeat(3));
  try {
    await until('all have been asked', () => answers.length === 3);
    client.destroy();
    await until('all are closed', () => closed.length === 3);
    assert.equal(new Set(closed), new Set(answers));
    assert.ok(answers.every(({ destroyed }) => destroyed));
  } finally {
    client.destroy();
    await listening.stop(0, 1_000);
  }
});

test.run();
