// What counts as a version, and that the numbers outlive the server but not its data folder's identity.

import { cp } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Json } from '../../src/model/json.ts';
import { changesFarApart } from '../support/changes-far-apart.ts';
import { converged } from '../support/converged.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { UdtClient, plainHash } from '../support/udt-client.ts';
import { connectProvider, type TestProvider } from '../support/yjs-client.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';

const epochSize = 2 ** 32;
const start = { interface: { type: 't' }, samples: [{ document: 'hi' }] };

const environment = changesFarApart();

let server: TestServer;
const versions = suite('udt-versions');
versions.before(async () => void (server = await startServer({ environment })));
versions.after(() => server.remove());

interface Yjs {
  readonly udt: Y.Map<unknown>;
  readonly doc: Y.Doc;
  readonly provider: TestProvider['provider'];
  /** Resolves when the server has stored what this client did: another has it. */
  settled(): Promise<void>;
}

async function withYjs(client: UdtClient, use: (yjs: Yjs) => Promise<void>): Promise<void> {
  const connect = () => connectProvider(server.socketUrl, client.id);
  const [own, other] = await Promise.all([connect(), connect()]);
  const { doc, provider } = own;
  try {
    await use({ doc, provider, udt: doc.getMap('udt'), settled: () => converged([own, other]) });
  } finally {
    own.destroy();
    other.destroy();
  }
}

const versionOf = async (client: UdtClient): Promise<number> => (await client.get()).version;

versions('UDT-3 a session starts at 0, and each PATCH counts one, an empty one too', async () => {
  const client = await UdtClient.create(server.url, start);
  assert.is((await client.diffs(0)).latestVersion, 0);
  assert.is((await client.patch([{ op: 'add', path: '/a', value: 1 }])).latestVersion, 1);
  assert.is((await client.patch([])).latestVersion, 2);
  const noChange = [{ op: 'test', path: '/a', value: 1 }] as const;
  assert.is((await client.patch(noChange)).latestVersion, 3);
  const several = [
    { op: 'replace', path: '/a', value: 2 },
    { op: 'add', path: '/b', value: 3 },
  ] as const;
  assert.is((await client.patch(several)).latestVersion, 4);
  assert.is(await versionOf(client), 4);
  assert.is((await client.tryPatch({ patch: [{ op: 'remove', path: '' }] })).status, 409);
  assert.is(await versionOf(client), 4, 'one that is refused does not count');
});

versions('UDT-3 PATCHes at the same time get a number each', async () => {
  const client = await UdtClient.create(server.url, { n: {} });
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) => client.patch([{ op: 'add', path: `/n/${i}x`, value: i }])),
  );
  const numbers = replies.map(({ latestVersion }) => latestVersion).sort((a, b) => a - b);
  assert.equal(
    numbers,
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  assert.is((await client.diffs(0)).patches.length, 20);
});

versions("UDT-3 a Yjs client's change of udt counts one, any other change none", async () => {
  const client = await UdtClient.create(server.url, start);
  await withYjs(client, async (yjs) => {
    yjs.doc.transact(() => {
      yjs.udt.set('name', 'n');
      yjs.udt.set('list', Y.Array.from([1, 2]));
      yjs.doc.getMap('own').set('x', 1);
    });
    await yjs.settled();
    assert.is(await versionOf(client), 1);

    yjs.doc.getMap('own').set('x', 2);
    yjs.doc.getText('text').insert(0, 'hello');
    await yjs.settled();
    assert.is(await versionOf(client), 1);

    yjs.udt.set('name', 'm');
    (yjs.udt.get('list') as Y.Array<number>).push([3]);
    await yjs.settled();
    assert.is(await versionOf(client), 3);
  });
});

versions('UDT-3 what a Yjs client did while it was offline counts one', async () => {
  const client = await UdtClient.create(server.url, start);
  await withYjs(client, async (yjs) => {
    yjs.provider.disconnect();
    yjs.udt.set('a', 1);
    yjs.udt.set('b', 2);
    yjs.udt.delete('a');
    await client.patch([{ op: 'add', path: '/c', value: 3 }]);
    yjs.provider.connect();
    await yjs.settled();
    const { version, udt_json } = await client.get();
    assert.is(version, 2);
    assert.equal(udt_json, { ...start, b: 2, c: 3 });
  });
});

versions('UDT-3 versions, their patches and authors survive a restart', async () => {
  const data = await temporaryFolder();
  let own = await startServer({ data, environment });
  const client = await UdtClient.create(own.url, start);
  await client.patch([{ op: 'add', path: '/a', value: 1 }], 'Ann');
  await client.patch([]);
  await client.patch([{ op: 'add', path: '/samples/-', value: {} }], 'Bob');
  const [session, differences] = [await client.get(), await client.diffs(0)];
  await own.stop();

  own = await startServer({ data, environment });
  try {
    const again = new UdtClient(own.url, client.id);
    assert.equal(await again.get(), session);
    assert.equal(await again.diffs(0), differences);
    assert.equal((await again.diffs(2)).patches, [[{ op: 'add', path: '/samples/-', value: {} }]]);
    assert.is((await again.patch([])).latestVersion, 4);
    assert.is((await again.diffs(0)).patches.length, 4);
  } finally {
    await own.remove();
  }
});

versions(
  'UDT-3 a copied folder counts on in an epoch of its own and rebuilds who comes with an old version',
  async () => {
    const [data, copy] = [await temporaryFolder(), await temporaryFolder()];
    let original = await startServer({ data, environment });
    const client = await UdtClient.create(original.url, start);
    await client.patch([{ op: 'add', path: '/a', value: 1 }]);
    const { udt_json: old, version } = await client.get();
    await original.stop();
    await cp(data, copy, { recursive: true });

    original = await startServer({ data, environment });
    let copied = await startServer({ data: copy, environment });
    try {
      const same = new UdtClient(original.url, client.id);
      assert.is((await same.patch([{ op: 'add', path: '/b', value: 'original' }])).latestVersion, 2);

      const other = new UdtClient(copied.url, client.id);
      const { latestVersion } = await other.patch([{ op: 'add', path: '/b', value: 'copy' }]);
      const epoch = Math.floor(latestVersion / epochSize);
      assert.ok(epoch >= 1 && epoch < 2 ** 20, `epoch ${epoch}`);
      assert.is(latestVersion % epochSize, 2);
      assert.equal((await other.diffs(latestVersion - 1)).patches, [
        [{ op: 'add', path: '/b', value: 'copy' }],
      ]);
      for (const stale of [version, 2, latestVersion - 2]) {
        const rebuild = await other.diffs(stale);
        for (const state of [old, {}, { a: 2, samples: 3 }]) {
          const rebuilt: Json = applyAsV1Client(state, rebuild.patch);
          assert.equal(rebuilt, { ...start, a: 1, b: 'copy' });
          assert.is(plainHash(rebuilt), rebuild.hashOfLatestState);
        }
        assert.is(rebuild.latestVersion, latestVersion);
      }

      await copied.stop();
      copied = await startServer({ data: copy, environment });
      const later = new UdtClient(copied.url, client.id);
      assert.is((await later.patch([])).latestVersion, latestVersion + 1, 'the epoch is kept');
      assert.equal((await later.diffs(latestVersion)).patches, [[]]);
    } finally {
      await original.remove();
      await copied.stop();
      await removeFolder(copy);
    }
  },
);

versions.run();
