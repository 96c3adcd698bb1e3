// The whole document over HTTP, with the roots of applications, whose types are inferred.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { JsonObject } from '../../src/model/json.ts';
import { pathOf, rest, uploadTo } from '../support/rest-client.ts';
import { newEntry, newThread } from '../support/stream-client.ts';
import { UdtClient } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const documents = suite('REST document');
const { connectYjs, newProject, server } = withServer(documents);

async function read(project: string): Promise<JsonObject> {
  const { status, body } = await rest(server().url, pathOf(project, '/document'));
  assert.is(status, 200, JSON.stringify(body));
  return body;
}

documents('uploads and udt are in it, at the version vector that it was read at', async () => {
  const { url, serverId } = server();
  const session = await UdtClient.create(url, { samples: [{ document: 'one' }] });
  const entry = newEntry(session.id);
  await uploadTo(url, session.id, [entry, newThread(session.id)]);
  const body = await read(session.id);
  assert.equal([body['project'], body['vector']], [session.id, [[serverId, 3]]]);
  const document = body['document'] as Record<string, JsonObject>;
  assert.equal(Object.keys(document), ['udt', 'entries', 'threads', 'comments']);
  assert.equal(
    (document['udt']?.['samples'] as JsonObject[]).map(({ document: text }) => text),
    ['one'],
  );
  assert.equal(Object.keys(document['entries'] ?? {}), [entry.version_uuid]);
  assert.is(Object.keys(document['threads'] ?? {}).length, 1);
  assert.equal(document['comments'], {});
});

documents('roots of applications read as what they hold: keys, strings, XML, else a list', async () => {
  const project = newProject();
  const { doc } = await connectYjs(project);
  doc.transact(() => {
    const inner = new Y.Array<unknown>();
    doc.getMap('map').set('list', inner);
    inner.push([1, { a: null }, new Y.Text('inside')]);
    doc.getMap('map').set('gone', 1);
    doc.getMap('map').delete('gone');
    doc.getText('text').insert(0, 'Hello world');
    doc.getText('text').format(0, 5, { bold: true });
    doc.getText('text').delete(5, 1);
    doc.getArray('array').push(['a', 2, new Y.Map([['k', true]])]);
    const paragraph = new Y.XmlElement('p');
    paragraph.insert(0, [new Y.XmlText('one')]);
    doc.getXmlFragment('xml').insert(0, [paragraph]);
    doc.getArray('emptied').push([1]);
    doc.getArray('emptied').delete(0);
    doc.getArray('bytes').push([new Uint8Array([1]), 'x']);
  });
  const expected = {
    array: ['a', 2, { k: true }],
    bytes: [null, 'x'],
    emptied: [],
    map: { list: [1, { a: null }, 'inside'] },
    text: 'Helloworld',
    xml: '<p>one</p>',
  };
  await until('it has arrived', async () => {
    const { status, body } = await rest(server().url, pathOf(project, '/document'));
    return status === 200 && 'bytes' in (body['document'] as JsonObject);
  });
  const document = (await read(project))['document'] as JsonObject;
  const others = Object.entries(document).filter(
    ([name]) => !['udt', 'entries', 'threads', 'comments'].includes(name),
  );
  assert.equal(Object.fromEntries(others), expected);
  assert.equal(
    others.map(([name]) => name),
    Object.keys(expected),
    'by name',
  );
  // Reading has given no root a type: the application goes on with its own.
  doc.getText('text').insert(0, '> ');
  await until(
    'it goes on',
    async () => ((await read(project))['document'] as JsonObject)['text'] === '> Helloworld',
  );
});

documents('a large one is streamed whole', async () => {
  const project = newProject();
  const { url } = server();
  for (let part = 0; part < 4; part++)
    await uploadTo(
      url,
      project,
      Array.from({ length: 2_000 }, (_, i) => newEntry(project, { version_uuid: `v${part}-${i}` })),
    );
  const document = (await read(project))['document'] as Record<string, JsonObject>;
  assert.is(Object.keys(document['entries'] ?? {}).length, 8_000);
});

documents.run();
