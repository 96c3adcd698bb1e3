// The pages for whoever runs the server: what it is, whether it lives, whether it takes writes, what it measures.

import type { ServerResponse } from 'node:http';
import { sendJson, sendText } from './adapters/http.ts';
import { RejoinError } from './errors.ts';
import type { Metrics } from './metrics.ts';

export type StatusPage = 'root' | 'healthz' | 'readyz' | 'metrics';

const pages: ReadonlyMap<string, StatusPage> = new Map([
  ['/', 'root'],
  ['/healthz', 'healthz'],
  ['/readyz', 'readyz'],
  ['/metrics', 'metrics'],
]);

export interface StatusPagesOptions {
  readonly metrics: Metrics;
  /** Why the server takes no writes now, as a sentence; null if it does. */
  readonly unready: () => string | null;
}

export class StatusPages {
  constructor(private readonly options: StatusPagesOptions) {}

  /** Answers a request if its path is one of these. @returns which it was, or null. */
  async handle(method: string, path: string, response: ServerResponse): Promise<StatusPage | null> {
    const page = pages.get(path);
    if (!page) return null;
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET');
      throw new RejoinError('method-not-allowed', `${method} is not possible here: use GET`);
    }
    response.setHeader('Cache-Control', 'no-store');
    await this.answer(page, response);
    return page;
  }

  private async answer(page: StatusPage, response: ServerResponse): Promise<void> {
    switch (page) {
      case 'root':
        sendText(response, 200, rootText);
        return;
      case 'healthz':
        await sendJson(response, 200, { status: 'ok' });
        return;
      case 'readyz': {
        const reason = this.options.unready();
        if (reason === null) await sendJson(response, 200, { status: 'ok' });
        else sendText(response, 503, reason);
        return;
      }
      case 'metrics': {
        const { metrics } = this.options;
        sendText(response, 200, await metrics.print(), metrics.contentType);
      }
    }
  }
}

const rootText =
  'This is a rejoin server: /ws for streams, /yjs/<project> for Yjs, /api/session for UDT, /api/projects for plain REST ' +
  '(/api/openapi.json), /client.js for pages.\n';
