// docs/stream.md: what its examples send is sent to a server, and the server says what they say.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { startServer } from '../support/server.ts';
import { StreamClient } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { connectProvider } from '../support/yjs-client.ts';

const docs = suite('docs/stream.md');
const path = fileURLToPath(new URL('../../docs/stream.md', import.meta.url));

interface Block {
  readonly role: string;
  readonly messages: readonly JsonObject[];
}

function blocksIn(markdown: string): Block[] {
  return [...markdown.matchAll(/^```json (\w+)\n(.*?)^```$/gms)].map(([, role = '', text = '']) => ({
    role,
    // A message begins with a brace at the beginning of a line.
    messages: text.split(/\n(?=\{)/).map((message) => JSON.parse(message) as JsonObject),
  }));
}

/** As sent, with `"…"` wherever the example has it. */
function masked(sent: Json, example: Json | undefined): Json {
  if (example === '…') return '…';
  if (Array.isArray(sent)) return sent.map((value, index) => masked(value as Json, at(example, index)));
  if (typeof sent !== 'object' || sent === null) return sent;
  return Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [name, masked(value, at(example, name))]),
  );
}

function at(example: Json | undefined, key: string | number): Json | undefined {
  return typeof example === 'object' && example !== null
    ? (Reflect.get(example, key) as Json | undefined)
    : undefined;
}

/** By stream, because an answer and a live object of another stream may come in either order. */
function byStream(messages: readonly JsonObject[]): JsonObject[] {
  const muxIdOf = ({ mux_id }: JsonObject): string => JSON.stringify(mux_id ?? null);
  return messages.toSorted((a, b) => (muxIdOf(a) < muxIdOf(b) ? -1 : muxIdOf(a) > muxIdOf(b) ? 1 : 0));
}

docs('every example of a client is answered as the document says', async () => {
  const blocks = blocksIn(await readFile(path, 'utf8'));
  const server = await startServer({ serverId: 42 });
  const client = await StreamClient.connect(server.socketUrl);
  let heard = 0;
  let checked = 0;
  try {
    for (const { role, messages } of blocks) {
      if (role === 'client') for (const message of messages) client.send(message);
      else if (role === 'udt') await setUdt(server.socketUrl, messages[0]!);
      else {
        await until(
          `an answer to ${JSON.stringify(messages[0])}`,
          () => client.messages.length >= heard + messages.length,
        );
        const expected = byStream(messages);
        const sent = byStream(client.messages.slice(heard));
        assert.equal(
          sent.map((message, index) => masked(message, expected[index])),
          expected,
        );
        heard += messages.length;
        checked += messages.length;
      }
    }
    await client.ask({ type: 'close', mux_id: 'at the end' });
    assert.is(client.messages.length, heard + 1, 'nothing else was said');
    assert.ok(checked >= 15, `${checked} answers`);
  } finally {
    await client.close();
    await server.remove();
  }
});

async function setUdt(socketUrl: string, fields: JsonObject): Promise<void> {
  const yjs = await connectProvider(socketUrl, 'film');
  const reader = await StreamClient.connect(socketUrl);
  try {
    const muxId = await reader.subscribe('film', { udt: '*' });
    for (const [name, value] of Object.entries(fields)) yjs.doc.getMap('udt').set(name, value);
    await reader.waitFor(({ type, mux_id }) => type === 'patch' && mux_id === muxId);
  } finally {
    await reader.close();
    yjs.destroy();
  }
}

docs.run();
