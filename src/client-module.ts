// `GET /client.js`: the client library as one file, for pages that import it without a bundler. The build makes it.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkOrigin, type AccessRules } from './adapters/access.ts';
import { compress, encodingFor, type Encoding } from './adapters/compression.ts';
import { hasMatch } from './adapters/http.ts';
import { RejoinError } from './errors.ts';

/** Where the build puts it, seen from the sources and from the build alike. */
const file = new URL('../dist/client/rejoin-client.js', import.meta.url);

interface Module {
  readonly bytes: Buffer;
  readonly etag: string;
  /** As it was compressed for who asked first. */
  readonly compressed: Map<Encoding, Buffer>;
}

export class ClientModule {
  private loading: Promise<Module> | null = null;

  /**
   * Answers a request if it is for the file. @returns whether it was.
   * @throws RejoinError `not-allowed` for a page of an origin that isn't let in, `method-not-allowed`, `not-found`.
   */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    access: AccessRules,
  ): Promise<boolean> {
    if (path !== '/client.js') return false;
    const { method, headers } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET');
      throw new RejoinError('method-not-allowed', `${String(method)} is not possible here: use GET`);
    }
    checkOrigin(request, access); // who may not use the sockets has no use for the library
    const module = await this.module();
    response.setHeader('Vary', 'Origin, Accept-Encoding');
    // A page of another origin may run a module only if it is told so.
    if (headers.origin !== undefined) response.setHeader('Access-Control-Allow-Origin', headers.origin);
    response.setHeader('Cache-Control', 'no-cache'); // the library is always that of this server
    response.setHeader('ETag', module.etag);
    if (hasMatch(headers['if-none-match'], module.etag)) response.writeHead(304).end();
    else await send(request, response, module);
    return true;
  }

  /** What could not be read is looked for again the next time. */
  private module(): Promise<Module> {
    if (this.loading) return this.loading;
    const loading = load();
    this.loading = loading;
    loading.catch(() => (this.loading = null));
    return loading;
  }
}

async function load(): Promise<Module> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new RejoinError('not-found', 'The client library was not built here: run `npm run build`', {
      cause,
    });
  }
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return { bytes, etag: `W/"${digest}"`, compressed: new Map() };
}

async function send(request: IncomingMessage, response: ServerResponse, module: Module): Promise<void> {
  const encoding = encodingFor(request.headers['accept-encoding']);
  let bytes = module.bytes;
  if (encoding !== null) {
    bytes = module.compressed.get(encoding) ?? (await compress(module.bytes, encoding));
    module.compressed.set(encoding, bytes);
    response.setHeader('Content-Encoding', encoding);
  }
  response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Content-Length', bytes.length);
  response.writeHead(200).end(bytes); // node:http sends no body to HEAD
}
