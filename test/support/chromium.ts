// Real Chromium for tests, and pages for it: files that are served on loopback, where a page may keep itself for use
// without a network.

import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';

const executable = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** Why tests in Chromium can't be run here, for `testUnless`; in CI they are run in any case, and fail without it. */
export const noChromium =
  executable === undefined && process.env['CI'] === undefined ? 'there is no `chromium`' : null;

export function launchChromium(): Promise<Browser> {
  if (executable === undefined) throw new Error('there is no `chromium` in the PATH');
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return chromium.launch({ executablePath: executable, headless: true, args });
}

export interface Pages {
  /** `http://127.0.0.1:PORT`: an origin of its own. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a page at `/` and modules beside it, each by its path. */
export async function servePages(
  html: string,
  modules: Readonly<Record<string, string>> = {},
): Promise<Pages> {
  const server = createServer(({ url = '' }, response) => {
    const module = modules[url];
    if (module !== undefined)
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8').end(module);
    else if (url === '/') response.setHeader('Content-Type', 'text/html; charset=utf-8').end(html);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Kills the process that runs a page, as when it runs out of memory. */
export async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = new Promise((resolve) => page.once('crash', resolve));
  void session.send('Page.crash').catch(() => undefined); // there is nobody left to answer
  await crashed;
  await page.close();
}

/** A module of the tests, by its path in `test`, with all that it imports, as a browser can run it. */
export async function bundled(path: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../${path}`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}
