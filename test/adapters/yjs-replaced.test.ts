// Yjs clients of a project that another server sends much of at once (REP-7): they come back, and see all of it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Replicas } from '../../src/core/replicas.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { compact } from '../support/compacted-project.ts';
import { acceptor, documentOf, memoryServer, pagesFor } from '../support/memory-servers.ts';
import { sameDocument } from '../support/same-document.ts';
import { RawYjsClient, step1, update } from '../support/yjs-client.ts';
import { startYjsRooms } from '../support/yjs-rooms.ts';

const test = suite('yjs clients and snapshots');

test('REP-7 clients are sent away to come back, and then see what they and the other server have written', async () => {
  const a = memoryServer(1, new MemoryStore(), { upkeep: { keepUpdatesMs: 0 } });
  await compact(a);
  const rooms = await startYjsRooms(new MemoryStore());
  const own = new Y.Doc();
  own.getMap('app').set('own', 1);
  const client = await RawYjsClient.connect(rooms.url, 'p');
  client.send(update(Y.encodeStateAsUpdate(own)));
  await client.settle();
  const accept = await acceptor({ replicas: new Replicas(rooms.projects) });
  const pages = await pagesFor(a, new Map());
  for (const page of pages) assert.is((await accept.page(page)).type, 'accepted');
  accept.close();
  assert.is((await client.closed).code, 1013, 'a code at which providers come back');
  const again = await RawYjsClient.connect(rooms.url, 'p');
  again.send(step1(Y.encodeStateVector(new Y.Doc())));
  await again.waitFor('step-2');
  sameDocument(again.doc, await documentOf(rooms.projects));
  assert.is(again.doc.getMap('app').get('own'), 1);
  assert.is(again.doc.getText('text').length, 220);
  await again.close();
  await rooms.end();
  await a.projects.close();
});

test.run();
