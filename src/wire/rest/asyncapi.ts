// The AsyncAPI document of `/ws`: its channel, what clients send and what the server sends. The REST adapter serves it.

import type { JsonObject } from '../../model/json.ts';
import { answerSchemas, clientSchemas, laterServerSchemas, refTo, serverSchemas } from './message-schemas.ts';
import { beyondSchemas, objectSchemas } from './object-schemas.ts';

export function asyncApi(): JsonObject {
  const received = clientSchemas();
  const sent = { ...serverSchemas('stream'), ...laterServerSchemas(), ...answerSchemas() };
  const names = [...Object.keys(received), ...Object.keys(sent)];
  return {
    asyncapi: '3.0.0',
    info: { title: 'rejoin: /ws', version: '1.0.0', description },
    defaultContentType: 'application/json',
    channels: {
      ws: {
        address: '/ws',
        title: 'One socket: any number of streams and uploads, told apart by mux_id.',
        messages: byName(names, (name) => ({ $ref: `#/components/messages/${name}` })),
        bindings: { ws: { method: 'GET' } },
      },
    },
    operations: {
      ask: operation('receive', 'What clients send.', Object.keys(received)),
      tell: operation('send', 'What the server sends.', Object.keys(sent)),
    },
    components: {
      messages: byName(names, (name) => ({ name, payload: payloadOf(name) })),
      schemas: { ...objectSchemas(true), ...received, ...sent },
    },
  };
}

const description = [
  'JSON over a WebSocket, one object in each text frame. Refused though no schema says so:',
  ...beyondSchemas.map((rule) => `- ${rule}`),
].join('\n');

/** The schemas are of the dialect that OpenAPI 3.1 has too. */
function payloadOf(name: string): JsonObject {
  return { schemaFormat: 'application/schema+json;version=draft-2020-12', schema: refTo(name) };
}

function operation(action: 'send' | 'receive', summary: string, names: readonly string[]): JsonObject {
  return {
    action,
    summary,
    channel: { $ref: '#/channels/ws' },
    messages: names.map((name) => ({ $ref: `#/channels/ws/messages/${name}` })),
  };
}

function byName(names: readonly string[], make: (name: string) => JsonObject): JsonObject {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}
