// The client library in Chromium, as a page has it that imports `/client.js` and keeps itself for use without a network:
// cut off by the browser's own switch, loaded again meanwhile, in two tabs, killed.

import type { Browser, BrowserContext, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type * as Client from '../../src/client.ts';
import { bundled, crash, launchChromium, noChromium, servePages, type Pages } from '../support/chromium.ts';
import { startRelay, type Relay } from '../support/relay.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { StreamClient } from '../support/stream-client.ts';
import { testUnless } from '../support/test-unless.ts';
import { until } from '../support/until.ts';
import { RawYjsClient } from '../support/yjs-client.ts';
import type * as YjsPage from './yjs-page.ts';

/** What the page has, inside the browser. */
declare const client: Client.Client;
declare const crew: Client.ClientProject;
declare const notes: Client.YjsDocument<YjsPage.WebsocketProvider> & { readonly doc: YjsPage.Doc };
declare let isDurable: boolean;

const test = suite('client in a browser');
const project = 'film one';

let server: TestServer;
let relay: Relay;
let browser: Browser;
let pages: Pages;
let context: BrowserContext;
test.before(async () => {
  if (noChromium !== null) return;
  browser = await launchChromium();
});
test.before.each(async () => {
  if (noChromium !== null) return;
  server = await startServer();
  relay = await startRelay(server.url);
  pages = await servePages(html(relay.url), {
    '/yjs.js': await bundled('client/yjs-page.ts'),
    '/worker.js': worker(relay.url),
  });
  context = await browser.newContext();
});
test.after.each(async () => {
  if (noChromium !== null) return;
  await context.close();
  await pages.close();
  await relay.close();
  await server.remove();
});
test.after(async () => {
  if (noChromium === null) await browser.close();
});

/** An application of a few lines. It is of another origin than the server. */
function html(serverUrl: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Crew</title><script type="module">
    import { connect, openYjs, IndexeddbStorage } from '${serverUrl}/client.js';
    import { Doc, WebsocketProvider } from '/yjs.js';
    const client = connect('${serverUrl}', { storage: new IndexeddbStorage() });
    const crew = client.project('${project}');
    await crew.ready;
    const doc = new Doc();
    const notes = openYjs('${serverUrl}', 'notes', doc, { WebsocketProvider, options: { maxBackoffTime: 200 } });
    if (location.hash !== '#unkept') {
      await navigator.serviceWorker.register('/worker.js');
      await navigator.serviceWorker.ready;
    }
    Object.assign(globalThis, { client, crew, notes: Object.assign(notes, { doc }), isReady: true });
  </script>`;
}

/** Keeps the page and its modules, and gives them to it with and without a network. */
function worker(serverUrl: string): string {
  const files = JSON.stringify(['/', '/yjs.js', `${serverUrl}/client.js`]);
  return `
    addEventListener('install', (event) =>
      event.waitUntil(caches.open('app').then((cache) => cache.addAll(${files}))));
    addEventListener('fetch', (event) =>
      event.respondWith(caches.match(event.request, { ignoreVary: true }).then((kept) => kept ?? fetch(event.request))));
  `;
}

/** @param hash `#unkept` for a page that needs the network to load. */
async function openPage(hash = ''): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${pages.url}/${hash}`);
  await isUp(page);
  return page;
}

async function isUp(page: Page): Promise<void> {
  await page.waitForFunction(() => 'isReady' in globalThis);
}

/** The browser's own switch lets no connection be made; those that it leaves open are cut. */
async function goOffline(...tabs: Page[]): Promise<void> {
  await context.setOffline(true);
  relay.cut();
  for (const tab of tabs) await tab.waitForFunction(() => !client.status.connected);
}

const add = (page: Page, clip: string): Promise<unknown> =>
  page.evaluate((clip_id) => crew.add('report', { clip_id, content: {} }), clip);

/** The rows that a page shows; those that no server has acknowledged have a star. */
const rows = (page: Page): Promise<string[]> =>
  page.evaluate(() => crew.rows('report').map((row) => `${String(row.clip_id)}${row.pending ? '*' : ''}`));

const allSent = (page: Page): Promise<void> => page.evaluate(() => client.flushed());

/** What the server has, each version as often as it is stored. */
async function stored(): Promise<unknown[]> {
  const stream = await StreamClient.connect(server.socketUrl);
  const objects = await stream.fetch(project);
  await stream.close();
  return objects.map((object) => object['clip_id'] ?? object['reason']);
}

testUnless(
  noChromium,
  test,
  'written offline, loaded again offline, sent once when there is a network',
  async () => {
    const page = await openPage();
    await add(page, 'A1');
    await allSent(page);
    await goOffline(page);
    await add(page, 'A2');
    assert.equal(await rows(page), ['A1', 'A2*']);

    await page.reload();
    await isUp(page);
    assert.equal(await rows(page), ['A1', 'A2*'], 'before there is any connection');
    assert.is(await page.evaluate(() => client.status.connected), false);
    await page.evaluate(async () => {
      const [first] = crew.rows('report');
      await crew.edit('report', first!.entry_uuid, { clip_id: 'A1 again' }, 'a typo');
    });
    assert.equal(await rows(page), ['A1 again*', 'A2*']);
    assert.equal(await stored(), ['A1'], 'the switch keeps everything off the server');

    await context.setOffline(false);
    await allSent(page);
    assert.equal(await stored(), ['A1', 'A2', 'A1 again']);
    assert.equal(await rows(page), ['A1 again', 'A2']);
    await page.reload();
    await isUp(page);
    assert.equal(await rows(page), ['A1 again', 'A2']);
    await page.evaluate(() => crew.synced());
    assert.is((await stored()).length, 3);
  },
);

testUnless(
  noChromium,
  test,
  'two tabs have one queue: each shows what the other writes, the server has it once',
  async () => {
    const tabs = [await openPage(), await openPage()] as const;
    await goOffline(...tabs);
    await add(tabs[0], 'A1');
    await add(tabs[1], 'B1');
    await add(tabs[0], 'A2');
    for (const tab of tabs) {
      await tab.waitForFunction(() => crew.rows('report').length === 3);
      assert.equal((await rows(tab)).sort(), ['A1*', 'A2*', 'B1*']);
      assert.is(await tab.evaluate(() => client.status.pending), 3);
    }
    await context.setOffline(false);
    await Promise.all(tabs.map(allSent));
    assert.equal((await stored()).sort(), ['A1', 'A2', 'B1']);
    for (const tab of tabs) assert.equal((await rows(tab)).sort(), ['A1', 'A2', 'B1']);
  },
);

testUnless(noChromium, test, 'a tab sends what one that was killed had written', async () => {
  const killed = await openPage('#unkept'); // a worker in its process would be killed as well, and the driver waits for that
  await goOffline(killed);
  await add(killed, 'A1');
  await crash(killed);
  assert.equal(await stored(), []);
  await context.setOffline(false);
  const next = await openPage('#unkept');
  assert.equal(
    (await rows(next)).map((row) => row.replace('*', '')),
    ['A1'],
  );
  await allSent(next);
  assert.equal(await stored(), ['A1']);
});

testUnless(noChromium, test, 'YJS-7 the Yjs helper keeps its promise when the network is back', async () => {
  const page = await openPage();
  await page.evaluate(async () => {
    notes.doc.getText('t').insert(0, 'online. ');
    await notes.durable();
  });
  await goOffline(page);
  await page.waitForFunction(() => !notes.provider.wsconnected);
  await page.evaluate(() => {
    notes.doc.getText('t').insert(0, 'offline. ');
    Object.assign(globalThis, { isDurable: false });
    void notes.durable().then(() => (isDurable = true));
  });
  assert.equal(await page.evaluate(() => [notes.pending, isDurable]), [1, false]);
  await context.setOffline(false);
  await page.waitForFunction(() => isDurable);
  const other = await RawYjsClient.connect(server.socketUrl, 'notes');
  await until('the other has it', () => other.heard.length > 0);
  await other.settle();
  assert.is(other.doc.getText('t').toJSON(), 'offline. online. ');
  await other.close();
});

test.run();
