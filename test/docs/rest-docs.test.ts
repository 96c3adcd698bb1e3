// docs/rest.md: its examples are run in their order, and answer what it says, but for times, sizes and the server's id.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { documentedRequests } from '../support/documented-requests.ts';
import { startServer } from '../support/server.ts';

const docs = suite('docs/rest.md');

const documentedServerId = 35110244635296;

function withoutChance(text: string): string {
  return text
    .replaceAll(/"(created|time|submissiontime|deleted)":"[^"]*"/g, '"$1":"…"')
    .replaceAll(/"bytes":\d+/g, '"bytes":0');
}

docs('every example answers what the document says', async () => {
  const markdown = readFileSync(new URL('../../docs/rest.md', import.meta.url), 'utf8');
  const requests = documentedRequests(markdown);
  assert.ok(requests.length >= 14, `${requests.length} examples`);
  const server = await startServer({ serverId: documentedServerId });
  try {
    for (const { command, target, method, headers, body, answer } of requests) {
      const options = { method, headers, ...(body !== undefined && { body }) };
      const response = await fetch(`${server.url}${target}`, options);
      assert.is(withoutChance((await response.text()).trimEnd()), withoutChance(answer), command);
    }
  } finally {
    await server.remove();
  }
});

docs.run();
