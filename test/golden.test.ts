// Data folders and frames of every format that was ever released are read by this release.

import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Projects } from '../src/core/projects.ts';
import { realEnvironment } from '../src/model/environment.ts';
import { openDataFolder } from '../src/store/data-folder.ts';
import { decodeRecord, encodeRecord } from '../src/store/record.ts';
import { unsealJson } from '../src/store/digest.ts';
import { formatKey } from '../src/store/store-keys.ts';
import { dataFormat } from '../src/store/open-life.ts';
import { contentOf } from './golden/content.ts';
import { objectsOf, readSelected, uuidsIn } from './support/selected.ts';
import { removeFolder, temporaryFolder } from './support/temporary.ts';

const golden = fileURLToPath(new URL('golden', import.meta.url));
const test = suite('golden');

for (const format of [1, 2, 3])
  test(`the data folder of format ${format} opens, with all that was in it, and takes more`, async () => {
    const data = await temporaryFolder();
    await cp(join(golden, `format-${format}`), data, { recursive: true });
    const folder = await openDataFolder(data, { environment: realEnvironment });
    assert.match(folder.warnings.join(), /copied or restored/); // a clone is a copy: it takes a new server id
    const events: string[] = [];
    const projects = new Projects({
      store: folder.store,
      life: folder.life,
      environment: realEnvironment,
      observer: { observe: ({ type }) => events.push(type) },
    });
    const expected: unknown = JSON.parse(
      await readFile(join(golden, `format-${format}`, 'content.json'), 'utf8'),
    );
    assert.equal(JSON.parse(JSON.stringify(await contentOf(projects, folder.store))), expected);
    assert.equal(events, []); // no damage, no mismatch of hashes

    const entry = { field: 'report', value: 'r1' } as const;
    assert.equal(await projects.projectsOf(entry), ['film / día 1']);
    const found = await readSelected(projects, 'film / día 1', { objects: [objectsOf('entry', entry)] });
    assert.equal(uuidsIn(found), ['v1', 'v2']);

    await projects.use('golden-session', async (project) => {
      const before = await project.udt.read();
      const state = await project.udt.patch([{ op: 'add', path: '/new', value: 1 }], {
        protocol: 'udt',
        user: 'x',
      });
      // UDT-3: another life counts on, under its own epoch.
      assert.is(state.version, folder.life.epoch * 2 ** 32 + (before.version % 2 ** 32) + 1);
      const { versions } = await project.udt.after(3);
      assert.is(versions[0]?.patch[0]?.path, '/interface'); // a rebuild
    });
    await projects.close();
    // Older releases refuse it from now on: they would index nothing of what they write.
    const sealed = (await folder.store.get(formatKey)) ?? new Uint8Array();
    assert.is(unsealJson(formatKey, sealed), dataFormat);
    await folder.close();
    await removeFolder(data);
  });

test('a record of format 1, byte for byte', () => {
  const hex =
    '03282533138148227c' + // present, checksum
    '350165ac0200018' + // length; format, server id, seqno, group index and size
    '0c48299a03402036a6f65' + // time, protocol, user
    '01030e101ee7376c50998ebd7fd33b4d01f1850296a296d224f285c67bee93c30f8a3091' + // kind, parts, lengths and digests
    '7b22636c6970223a22313162227d0000'; // object, update
  const record = {
    serverId: 101,
    seqno: 300,
    groupIndex: 0,
    groupSize: 1,
    timeMs: 1_795_348_800_000,
    origin: { protocol: 'yjs', user: 'joe' },
    kind: 'entry',
    object: Buffer.from('{"clip":"11b"}'),
    update: Uint8Array.from([0, 0]),
  } as const;
  assert.is(Buffer.from(encodeRecord(record)).toString('hex'), hex);
  const { object, ...rest } = decodeRecord(Buffer.from(hex, 'hex'));
  assert.is(Buffer.from(object ?? []).toString(), '{"clip":"11b"}');
  assert.is(rest.seqno, 300);
});

test.run();
