// The storage of browsers, in Chromium: the contract of all storages, and several tabs on one database.

import type { Browser, BrowserContext, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { IndexeddbStorage } from '../../src/client/indexeddb-storage.ts';
import type { StorageChanges } from '../../src/client/storage.ts';
import { bundled, crash, launchChromium, noChromium, servePages, type Pages } from '../support/chromium.ts';
import { testUnless } from '../support/test-unless.ts';
import { until } from '../support/until.ts';
import type { StoragePage } from './indexeddb-page.ts';

/** What the page has, inside the browser. */
declare const page: StoragePage;
declare let storage: IndexeddbStorage;
declare let heard: StorageChanges[];

const test = suite('IndexedDB storage');

let browser: Browser;
let pages: Pages;
let context: BrowserContext;
test.before(async () => {
  if (noChromium !== null) return;
  pages = await servePages('<script type="module" src="/page.js"></script>', {
    '/page.js': await bundled('client/indexeddb-page.ts'),
  });
  browser = await launchChromium();
});
test.before.each(async () => {
  context = await browser.newContext();
});
test.after.each(() => context.close());
test.after(async () => {
  if (noChromium !== null) return;
  await browser.close();
  await pages.close();
});

/** A tab that has the storage open, and notes what others tell. */
async function openTab(): Promise<Page> {
  const tab = await openPage();
  await tab.evaluate(() => {
    const opened = page.open('shared');
    const list: StorageChanges[] = [];
    opened.watch((changes) => list.push(changes));
    Object.assign(globalThis, { storage: opened, heard: list });
  });
  return tab;
}

async function openPage(): Promise<Page> {
  const tab = await context.newPage();
  await tab.goto(pages.url);
  await tab.waitForFunction(() => 'page' in globalThis);
  return tab;
}

const apply = (tab: Page, changes: StorageChanges): Promise<void> =>
  tab.evaluate((json) => storage.apply(JSON.parse(json) as StorageChanges), JSON.stringify(changes));

const kept = (versionUuid: string) => ({ kind: 'entry', versionUuid, value: { clip_id: 'A1' } }) as const;

testUnless(noChromium, test, 'it does what every storage does', async () => {
  const tab = await openPage();
  const lines: string[] = [];
  tab.on('console', (message) => lines.push(message.text()));
  await tab.evaluate(() => page.runContract());
  const sum = (label: string): number =>
    Number(new RegExp(`${label}:\\s+(\\d+)`).exec(lines.join('\n').replace(/\u001b\[\d+m/g, ''))?.[1] ?? -1);
  await until('the contract has been run', () => sum('Skipped') >= 0);
  assert.ok(sum('Total') >= 10, 'the contract was run');
  assert.is(sum('Passed'), sum('Total'), lines.join('\n'));
});

testUnless(
  noChromium,
  test,
  'tabs hear what the others have stored, in order, and nothing of their own',
  async () => {
    const [one, two] = [await openTab(), await openTab()];
    const changes: StorageChanges[] = [
      { project: 'p', queued: [kept('a'), kept('b')] },
      { project: 'p', received: [{ ...kept('a'), places: [[7, 1]] }], vector: [[7, 1]] },
    ];
    for (const change of changes) await apply(one, change);
    await apply(two, { project: 'q', queued: [kept('c')] });
    await one.waitForFunction(() => heard.length === 1);
    await two.waitForFunction(() => heard.length === 2);
    assert.equal(await two.evaluate(() => heard), changes);
    assert.equal(await one.evaluate(() => heard), [{ project: 'q', queued: [kept('c')] }]);
    assert.equal(await two.evaluate(() => storage.load('p')), {
      vector: [[7, 1]],
      received: [{ ...kept('a'), places: [[7, 1]] }],
      queue: [kept('b')],
      refused: [],
    });
  },
);

testUnless(
  noChromium,
  test,
  'two tabs that store the same at once keep it once, and the vector is the greater one',
  async () => {
    const tabs = [await openTab(), await openTab()];
    const rounds = 30;
    await Promise.all(
      tabs.map((tab, which) =>
        tab.evaluate(
          async ([count, lag]) => {
            for (let n = 1; n <= count; n++) {
              const seqno = Math.max(1, n - lag);
              const object = { kind: 'entry' as const, versionUuid: `v${seqno}`, value: {} };
              void storage.apply({ project: 'p', queued: [object] });
              await storage.apply({
                project: 'p',
                received: [{ ...object, places: [[7, seqno]] }],
                vector: [[7, seqno]],
              });
            }
          },
          [rounds, which * 5] as const,
        ),
      ),
    );
    const { vector, received, queue } = await tabs[0]!.evaluate(() => storage.load('p'));
    assert.equal(vector, [[7, rounds]]);
    assert.equal(
      received.map(({ versionUuid }) => versionUuid).sort(),
      Array.from({ length: rounds }, (_, index) => `v${index + 1}`).sort(),
    );
    assert.equal(queue, []);
  },
);

testUnless(noChromium, test, 'places that tabs know of one object come together', async () => {
  const [one, two] = [await openTab(), await openTab()];
  await apply(one, { project: 'p', received: [{ ...kept('a'), places: [[7, 1]] }] });
  await apply(two, { project: 'p', received: [{ ...kept('a'), places: [[8, 3]] }] });
  await apply(one, { project: 'p', received: [{ ...kept('a'), places: [] }] });
  const { received } = await one.evaluate(() => storage.load('p'));
  const places = [
    [7, 1],
    [8, 3],
  ];
  assert.equal(received, [{ ...kept('a'), places }]);
});

testUnless(
  noChromium,
  test,
  'a tab that is killed while it stores leaves all of a change or nothing',
  async () => {
    const [writer, reader] = [await openTab(), await openTab()];
    await writer.evaluate(() => page.storeMany(storage));
    await reader.waitForFunction(() => heard.length > 3);
    await crash(writer);
    const { vector, received } = await reader.evaluate(() => storage.load('p'));
    assert.is(received.length, 50 * vector[0]![1]);
    await apply(reader, { project: 'p', queued: [kept('a')] });
    assert.equal((await reader.evaluate(() => storage.load('p'))).queue, [kept('a')]);
  },
);

testUnless(
  noChromium,
  test,
  'a change that can not be stored as a whole is not stored in part, and says so',
  async () => {
    const tab = await openTab();
    const message = await tab.evaluate(() => page.storeBad(storage));
    assert.match(message!, /storage failed/);
    assert.equal(await tab.evaluate(() => storage.load('p')), {
      vector: [],
      received: [],
      queue: [],
      refused: [],
    });
  },
);

testUnless(noChromium, test, 'when the stored data is removed under it, nothing more is stored', async () => {
  const tab = await openTab();
  await apply(tab, { project: 'p', queued: [kept('a')] });
  const session = await context.newCDPSession(tab);
  await session.send('Storage.clearDataForOrigin', { origin: pages.url, storageTypes: 'indexeddb' });
  const fails = (): Promise<string | null> =>
    tab.evaluate(() => storage.apply({ project: 'p', vector: [[7, 9]] }).then(() => null, String));
  await until('it is refused', async () => (await fails()) !== null);
  assert.match((await fails())!, /load the page again/);
});

test.run();
