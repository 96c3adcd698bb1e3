// A large project crosses a line that is cut again and again, to a server that is started anew each time: real projects, links and
// databases (REP-7).

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import { digestOf as digestOfBytes } from '../../src/store/digest.ts';
import { LevelStore } from '../../src/store/level.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { NamedPart } from '../../src/wire/replication/messages.ts';
import { applyAll, compact } from '../support/compacted-project.ts';
import { NetworkLink } from '../support/link-network.ts';
import {
  memoryServer,
  pagesFor,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
  type Page,
} from '../support/memory-servers.ts';
import { nothingKnown } from '../support/selected.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';

const test = suite('links that are cut in snapshots');

const megabytes = 4;
const cuts = 4;
/** The line is cut when so much is durable: one piece. More are on their way by then, so that a few come each time. */
const bytesBeforeCut = 250_000;

const time = {
  nowMs: 0,
  after: (delayMs: number, run: () => void) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

test('REP-7 of a large project that is cut four times nothing is sent twice that has come, though the receiver is restarted', async () => {
  const a = memoryServer(1, new MemoryStore(), { upkeep: { keepUpdatesMs: 0 } });
  for (let piece = 0; piece < 4 * megabytes; piece++)
    await applyAll(a.projects, (doc) => doc.getMap('app').set(`${piece}`, `${piece % 10}`.repeat(300_000)));
  await compact(a);
  const folder = await temporaryFolder();
  const all = hashesOf(await pagesFor(a, nothingKnown));
  assert.ok(all.length >= 4 * megabytes, `${all.length} pieces`);
  const kept: number[] = [];
  let firsts = 0;
  for (let round = 0; round <= cuts; round++) {
    const store = await LevelStore.open(folder);
    const b = memoryServer(2, store);
    const link: NetworkLink = linked(a, b, () => round < cuts && acknowledgedIn(link) > bytesBeforeCut);
    link.up();
    if (round < cuts) await until('the line is cut', () => link.ends.length > 0);
    else
      await until(
        'all is there',
        async () => (await digestOf(a)) === (await digestOf(b)) && (await a.replicas.digest('p')) !== null,
      );
    link.down();
    await link.settled();
    const resumed = link.sent.flatMap(({ message }) => (message.type === 'resume' ? [message.kept] : []));
    const parts = partsOf(link);
    const from = resumed[0]?.pieces ?? 0;
    kept.push(from);
    const pieces = hashesOf(parts.map((snapshot) => ({ snapshot })));
    assert.equal(pieces, all.slice(from, from + pieces.length), `from piece ${from} on`);
    firsts += parts.filter(({ isFirst }) => isFirst).length;
    if (round === cuts) await sameProject(a, b, 'p', strippedRecordsOf);
    await b.projects.close();
    await store.close();
  }
  await a.projects.close();
  await removeFolder(folder);
  assert.is(firsts, 1);
  assert.ok(
    kept.slice(1).every((pieces, round) => pieces > (kept[round] ?? 0)),
    `kept: ${kept.join(', ')}`,
  );
});

function linked(connecting: MemoryServer, accepting: MemoryServer, isCut: () => boolean): NetworkLink {
  const [one, other] = [connecting, accepting].map(({ replicas }) => ({
    replicas,
    instance: realEnvironment.randomBytes(16),
  }));
  assert.ok(one && other);
  return new NetworkLink(one, other, { time, environment: realEnvironment, delayMs: () => 1, isCut });
}

function hashesOf(pages: readonly Pick<Page, 'snapshot'>[]): string[] {
  const pieces = pages.map(({ snapshot }) => snapshot?.piece ?? new Uint8Array());
  return pieces
    .filter(({ length }) => length > 0)
    .map((piece) => Buffer.from(digestOfBytes(piece)).toString('hex'));
}

/** By the receiver. */
function acknowledgedIn({ sent }: NetworkLink): number {
  return sent.reduce(
    (sum, { by, message }) => sum + (by === 'accepts' && message.type === 'ack' ? message.bytes : 0),
    0,
  );
}

function partsOf({ sent }: NetworkLink): NamedPart[] {
  return sent.flatMap(({ message }) => (message.type === 'part' ? [message] : []));
}

async function digestOf({ replicas }: MemoryServer): Promise<string> {
  return Buffer.from((await replicas.digest('p')) ?? []).toString('hex');
}

test.run();
