// Yjs beside the stream of a project: opens a `WebsocketProvider` of y-websocket on the same server, and tells when the
// changes of its document are on the server's disk (YJS-7). The provider's class comes from the application, so that there
// is one Yjs in it.

import type { Doc } from 'yjs';
import { RejoinError, type ErrorCode } from '../errors.ts';
import { parseProjectId } from '../model/project-id.ts';
import { writeUpdate } from '../wire/yjs.ts';
import { Listeners } from './client-events.ts';
import {
  countedSocket,
  type CountedConnection,
  type YjsSocket,
  type YjsSocketConstructor,
} from './counted-socket.ts';
import { DurableChanges, SentChanges } from './durable-changes.ts';
import { streamUrl } from './server-url.ts';

type MessageHandler = (
  encoder: never,
  decoder: never,
  provider: never,
  isFromServer: boolean,
  type: number,
) => void;

/** What this uses of a provider; those of y-websocket 1, 2 and 3 have it. */
export interface YjsProvider {
  readonly messageHandlers: MessageHandler[];
  destroy(): void;
}

/** Which options it takes differs from version to version. */
export type YjsProviderClass<Provider extends YjsProvider> = new (
  serverUrl: string,
  room: string,
  doc: Doc,
  options: never,
) => Provider;

export interface YjsOptions<Provider extends YjsProvider> {
  /** The class of that name, of the package y-websocket. */
  readonly WebsocketProvider: YjsProviderClass<Provider>;
  /** Instead of the platform's WebSocket; Node before 22 needs that of the package `ws`. */
  readonly WebSocket?: YjsSocketConstructor | undefined;
  /** Handed to the server with each connection. */
  readonly token?: string | undefined;
  /** Further options of the provider, such as `awareness` or `connect`. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

export interface YjsEvents {
  /** More is durable than before. */
  durable: { readonly pending: number };
}

export interface YjsDocument<Provider extends YjsProvider> {
  readonly provider: Provider;
  /** How many changes are not known to be on the server's disk, those made offline among them. */
  readonly pending: number;
  /**
   * Resolves when all that the document has at this moment is on the server's disk. Cut connections and restarts of the
   * server only make it later.
   * @throws RejoinError `unavailable` after `destroy`; `deleted`, `not-allowed` or `bad-request` when the server closes the
   *   connection for good.
   */
  durable(): Promise<void>;
  /** @returns takes the listener off again. */
  on(name: 'durable', listener: (event: YjsEvents['durable']) => void): () => void;
  /** Ends the provider. The document stays. */
  destroy(): void;
}

/**
 * Opens a provider for the document of a project.
 * @param url `http(s)://host:port` or `ws(s)://host:port`, as for `connect`.
 * @throws RejoinError `usage` if it is no address, or where there is no WebSocket; `bad-request` if there can be no such
 *   project.
 */
export function openYjs<Provider extends YjsProvider>(
  url: string | URL,
  project: string,
  doc: Doc,
  options: YjsOptions<Provider>,
): YjsDocument<Provider> {
  return new DurableDocument(url, project, doc, options);
}

/** The handlers of a provider, by the type of the message that they are for. */
const syncType = 0;
const durableType = 100;

class DurableDocument<Provider extends YjsProvider> implements YjsDocument<Provider> {
  readonly provider: Provider;
  private readonly changes = new DurableChanges();
  private readonly listeners = new Listeners<YjsEvents>();
  private newest: { readonly socket: YjsSocket; readonly sent: SentChanges } | null = null;
  /** While a message of the server is applied: whether all that changes by it is on the server's disk. */
  private isFromServer = false;
  /** How much had been sent when the change came that is being told to the listeners; null if it isn't counted. */
  private sentBefore: number | null = null;
  private isDestroyed = false;

  constructor(
    url: string | URL,
    project: string,
    private readonly doc: Doc,
    options: YjsOptions<Provider>,
  ) {
    const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: YjsSocketConstructor }).WebSocket;
    if (!WebSocket) {
      const message =
        'There is no WebSocket here: install the package ws, and give its WebSocket as an option';
      throw new RejoinError('usage', message);
    }
    const room = encodeURIComponent(parseProjectId(project, 'project')); // the provider doesn't (YJS-5)
    const params = { ack: '1', ...(options.token !== undefined && { token: options.token }) };
    const WebSocketPolyfill = countedSocket(WebSocket, (socket) => this.opened(socket));
    if (!isEmpty(doc)) this.changes.made = 1;
    doc.on('update', this.changed); // ahead of the provider, which sends the change
    const settings = { ...options.options, params, WebSocketPolyfill };
    this.provider = new options.WebsocketProvider(yjsUrl(url), room, doc, settings as never);
    doc.on('update', this.told); // behind it
    this.listenToServer();
  }

  get pending(): number {
    return this.changes.pending;
  }

  async durable(): Promise<void> {
    await Promise.resolve(); // a transaction that this was called in has ended by then
    if (this.isDestroyed) throw destroyed();
    await this.changes.settled();
  }

  on(name: 'durable', listener: (event: YjsEvents['durable']) => void): () => void {
    return this.listeners.add(name, listener);
  }

  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    this.doc.off('update', this.changed);
    this.doc.off('update', this.told);
    this.provider.destroy();
    this.changes.fail(destroyed());
  }

  private listenToServer(): void {
    const { messageHandlers } = this.provider;
    const handleSync = messageHandlers[syncType];
    messageHandlers[syncType] = (encoder, decoder, provider, isFromServer, type) => {
      // With what came, changes may come in that waited for their base here, and that the server need not have.
      this.isFromServer = isFromServer && !hasPending(this.doc);
      try {
        handleSync?.(encoder, decoder, provider, isFromServer, type);
      } finally {
        this.isFromServer = false;
      }
    };
    messageHandlers[durableType] = () => undefined; // the socket has read it; the provider would complain
  }

  private opened(socket: YjsSocket): CountedConnection {
    const sent = new SentChanges(this.changes);
    this.newest = { socket, sent };
    return {
      sent: (type) => sent.send(type),
      durable: (count) => {
        if (sent.acknowledge(count)) this.listeners.tell('durable', { pending: this.pending });
      },
      closed: (code, reason) => {
        if (code >= 4400 && code < 4500)
          this.changes.fail(new RejoinError(codeOf(code), reasonOf(code, reason)));
      },
    };
  }

  private readonly changed = (_update: Uint8Array, origin: unknown): void => {
    const isDurable = this.isFromServer && origin === this.provider;
    this.sentBefore = isDurable ? null : (this.newest?.sent.sent ?? 0);
    if (!isDurable) this.changes.made++;
  };

  /**
   * A provider doesn't send what it has from another tab. That tab does, if it is still there and connected; the server
   * stores it once.
   */
  private readonly told = (update: Uint8Array): void => {
    const { newest, sentBefore } = this;
    const isOpen = newest?.sent.isSynced === true && newest.socket.readyState === openState;
    if (isOpen && newest.sent.sent === sentBefore) newest.socket.send(writeUpdate(update));
  };
}

const openState = 1;

/** As `new WebsocketProvider` wants it: without the project. */
function yjsUrl(url: string | URL): string {
  const { origin, pathname } = new URL(streamUrl(url));
  return `${origin}${pathname.replace(/ws$/, 'yjs')}`;
}

function isEmpty(doc: Doc): boolean {
  return doc.store.clients.size === 0 && !hasPending(doc);
}

function hasPending({ store }: Doc): boolean {
  return store.pendingStructs !== null || store.pendingDs !== null;
}

/** YJS-9 */
function codeOf(closeCode: number): ErrorCode {
  if (closeCode === 4410) return 'deleted';
  return closeCode === 4403 ? 'not-allowed' : 'bad-request';
}

function reasonOf(code: number, reason: string): string {
  return `The server closed the connection for good: ${reason === '' ? String(code) : reason}`;
}

function destroyed(): RejoinError {
  return new RejoinError('unavailable', 'The provider was ended');
}
