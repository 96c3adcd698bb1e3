// Messages on `/ws` that must be refused, and the check that each is: by one error that says which and why, while
// everything else lives on (WS-19).

import * as assert from 'uvu/assert';
import type { Json } from '../../src/model/json.ts';
import { StreamBystander } from './stream-bystander.ts';
import { textOf, typesOf, type StreamClient } from './stream-client.ts';
import type { WithServer } from './with-server.ts';

export interface Refused {
  readonly text: string;
  /** What the message must say. */
  readonly says: string;
  readonly muxId?: Json;
  readonly code?: string;
}

/** Each is answered by one error; then the socket, its stream and the stream of another client go on. */
export async function refusesEach(
  { connect, newProject }: WithServer,
  client: StreamClient,
  cases: readonly Refused[],
): Promise<void> {
  const bystander = await StreamBystander.watch(await connect(), newProject());
  const ownStream = await StreamBystander.watch(client, newProject());
  for (const { text, says, muxId, code = 'bad-request' } of cases) {
    const what = text.slice(0, 120);
    const from = client.messages.length;
    const error = await client.askInText(text);
    await client.ask({ type: 'close', mux_id: 'marker' });
    assert.equal(typesOf(client.messages.slice(from)), ['error', 'closed'], what);
    const names = ['type', ...(muxId === undefined ? [] : ['mux_id']), 'code', 'message'];
    assert.equal(Object.keys(error), names, what);
    assert.is(error['mux_id'], muxId, what);
    assert.is(error['code'], code, what);
    assert.ok(textOf(error, 'message').includes(says), `${textOf(error, 'message')} for ${what}`);
  }
  await ownStream.isUndisturbed();
  await bystander.isUndisturbed();
}

/** A message as text; `@word@` in it stands for JSON that JSON.stringify doesn't write. */
export function raw(message: Json, replacements: Readonly<Record<string, string>> = {}): string {
  let text = JSON.stringify(message);
  for (const [mark, json] of Object.entries(replacements)) text = text.replaceAll(`"@${mark}@"`, json);
  return text;
}
