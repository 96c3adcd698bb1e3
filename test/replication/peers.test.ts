// The links of a server over real sockets, with links that do nothing but say who they are: what becomes of sockets, tries, twins and
// spare links.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocketServer } from 'ws';
import { realEnvironment } from '../../src/model/environment.ts';
import type { LinkOptions, LinkState } from '../../src/replication/link-transport.ts';
import type { PeerEvent } from '../../src/replication/peer-events.ts';
import type { RunningLink } from '../../src/replication/peer-link.ts';
import { connectionProblem } from '../../src/replication/peer-problems.ts';
import { authorizationOf } from '../../src/replication/peer-token.ts';
import { parsePeerUrl } from '../../src/replication/peer-url.ts';
import { Peers } from '../../src/replication/peers.ts';
import { ManualTimers } from '../support/manual-timers.ts';
import { until } from '../support/until.ts';

/** A link whose only message says which server and which instance it is. */
class IntroducingLink implements RunningLink {
  changes = 0;
  isAdmitted = false;
  private hasEnded = false;

  constructor(
    readonly options: Omit<LinkOptions, 'replicas'>,
    serverId: number,
  ) {
    options.transport.send(Uint8Array.of(serverId, ...options.instance));
  }

  get state(): LinkState {
    const nothing = {
      pausedProjects: 0,
      waitingProjects: 0,
      bytesReceived: 0,
      bytesSent: 0,
      aheadChanges: 0,
    };
    const { changes } = this;
    return {
      ...nothing,
      peer: null,
      isInStep: true,
      lagChanges: 3,
      changesReceived: changes,
      changesSent: 2 * changes,
      lastError: null,
    };
  }

  receive([serverId, ...instance]: Uint8Array): void {
    if (serverId === undefined) {
      this.options.onWelcome?.();
      return;
    }
    if (Buffer.compare(Uint8Array.from(instance), this.options.instance) === 0) {
      const message = 'This server is connected to itself';
      this.options.transport.close(1008, message);
      this.finish({ type: 'refused', by: 'us', reason: 'self', message });
      return;
    }
    void this.options
      .admit?.({ serverId, instance: Uint8Array.from(instance), capabilities: [] })
      .then((refusal) => {
        this.isAdmitted = refusal === null;
        if (!refusal) {
          this.options.transport.send(Uint8Array.of());
          return;
        }
        this.options.transport.close(1008, refusal.message);
        this.finish({ type: 'refused', by: 'us', ...refusal });
      });
  }

  end(): void {
    this.finish({ type: 'closed' });
  }

  stop(): void {
    this.options.transport.close(1012, 'stops');
    this.end();
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  finish(end: Parameters<LinkOptions['onEnd']>[0]): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.options.onEnd(end);
  }
}

/** A server that has nothing but links. */
class PeerServer {
  readonly events: PeerEvent[] = [];
  readonly timers = new ManualTimers();
  readonly links: IntroducingLink[] = [];
  private made: Peers | null = null;
  /** What it answers in place of a socket; null accepts. */
  answer: { readonly status: number; readonly text: string; readonly location?: string } | null = null;
  readonly authorizations: (string | undefined)[] = [];
  private readonly http: Server;
  private readonly sockets = new WebSocketServer({ noServer: true });

  constructor(private readonly serverId: number) {
    this.http = createServer();
    this.http.on('upgrade', (request, socket, head) => {
      this.authorizations.push(request.headers.authorization);
      const { answer } = this;
      if (answer) {
        const location = answer.location === undefined ? '' : `Location: ${answer.location}\r\n`;
        socket.end(`HTTP/1.1 ${answer.status} No\r\n${location}Connection: close\r\n\r\n${answer.text}`);
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (client) =>
        this.peers.accept({ socket: client, below: request.socket }, 'the test'),
      );
    });
  }

  get peers(): Peers {
    return (this.made ??= this.makePeers([], null));
  }

  /** Connects to these. */
  connect(urls: readonly string[], token: string | null = null): void {
    this.knows(urls, token);
    this.peers.start();
  }

  /** These are its peers, once it starts. */
  knows(urls: readonly string[], token: string | null = null): void {
    this.made = this.makePeers(urls, token);
  }

  private makePeers(urls: readonly string[], token: string | null): Peers {
    return new Peers({
      serverId: () => this.serverId,
      environment: realEnvironment,
      timers: this.timers,
      observe: (event) => this.events.push(event),
      urls: urls.map(parsePeerUrl),
      token,
      makeLink: (options) => {
        const link = new IntroducingLink(options, this.serverId);
        this.links.push(link);
        return link;
      },
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** Lets the pause before the next try end. */
  retry(): number {
    return this.timers.run(isRetry);
  }

  get pauses(): readonly number[] {
    return this.timers.delays.filter(isRetry);
  }

  told(type: PeerEvent['type']): readonly string[] {
    return this.events.filter((event) => event.type === type).map(({ detail }) => detail);
  }

  async close(): Promise<void> {
    const closed = this.peers.close();
    this.timers.run((delayMs) => delayMs === 2_000); // who doesn't answer is cut
    await closed;
    this.sockets.close();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

/** Of the timers of peers: pings, closes and probes have fixed ones. */
function isRetry(delayMs: number): boolean {
  return ![20_000, 2_000, 5_000].includes(delayMs);
}

const peers = suite<{ servers: PeerServer[] }>('links of a server');

peers.before.each((context) => {
  context.servers = [];
});
peers.after.each(async ({ servers }) => {
  for (const server of servers) await server.close();
});

function started(servers: PeerServer[], serverId: number): PeerServer {
  const server = new PeerServer(serverId);
  servers.push(server);
  return server;
}

peers(
  'REP-12 a link is opened, its state is told, and it is opened again when it was cut',
  async ({ servers }) => {
    const office = started(servers, 1);
    const url = await office.listen();
    const set = started(servers, 2);
    set.connect([url], 'token');
    assert.equal(set.peers.states, [{ name: url, isConnected: false, link: null, lastError: null }]);
    await until(
      'both are linked',
      () => set.told('peer-connected').length === 1 && office.told('peer-connected').length === 1,
    );
    assert.equal(office.authorizations, [authorizationOf('token')]);
    assert.equal(set.told('peer-connected'), ['server 1']);
    assert.equal(
      set.peers.states.map(({ isConnected, link }) => [isConnected, link?.lagChanges]),
      [[true, 3]],
    );
    assert.equal([set.peers.acceptedCount, office.peers.acceptedCount], [0, 1]);

    office.links[0]?.options.transport.close(1011, 'a reason');
    await until(
      'the end was told',
      () => set.told('peer-lost').length === 1 && office.peers.acceptedCount === 0,
    );
    assert.equal(set.told('peer-lost'), [`the link to ${url} was cut (a reason)`]);
    const [state] = set.peers.states;
    assert.equal([state?.isConnected, state?.lastError], [false, `the link to ${url} was cut (a reason)`]);
    assert.is(set.retry(), 1);
    await until('they are linked again', () => set.peers.states[0]?.isConnected === true);
  },
);

peers('https to a server without TLS is told as that', async ({ servers }) => {
  const office = started(servers, 1);
  const url = (await office.listen()).replace('http:', 'https:');
  const set = started(servers, 2);
  set.connect([url]);
  await until('it was told', () => set.told('peer-lost').length === 1);
  assert.equal(set.told('peer-lost'), [
    `${url} does not speak TLS there: use http in place of https, or the port that has TLS`,
  ]);
});

peers('what is told of a link is one line, whatever the other side says', async ({ servers }) => {
  const office = started(servers, 1);
  const url = await office.listen();
  const set = started(servers, 2);
  set.connect([url]);
  await until('they are linked', () => set.told('peer-connected').length === 1);
  office.links[0]?.options.transport.close(1011, 'a reason\nin two lines\n');
  await until('the end was told', () => set.told('peer-lost').length === 1);
  assert.equal(set.told('peer-lost'), [`the link to ${url} was cut (a reason in two lines)`]);
  const broken = connectionProblem(parsePeerUrl(url), new Error('write EPROTO:\n'));
  assert.is(broken, `no connection to ${url} (write EPROTO:)`);
});

peers('REP-12 changes are counted over all links, those that have ended too', async ({ servers }) => {
  const office = started(servers, 1);
  const set = started(servers, 2);
  set.connect([await office.listen()]);
  for (const changes of [5, 7]) {
    await until('they are linked', () => set.links.at(-1)?.isAdmitted === true);
    set.links.at(-1)!.changes = changes;
    if (changes === 7) break;
    set.links[0]?.options.transport.close(1000, 'over');
    await until('it has ended', () => set.pauses.length === 1);
    set.retry();
    await until('there is another', () => set.links.length === 2);
  }
  assert.equal([set.peers.changesReceived, set.peers.changesSent], [12, 24]);
});

peers('REP-12 a peer that is not there is tried for ever, and told of once', async ({ servers }) => {
  const gone = started(servers, 1);
  const url = await gone.listen();
  await gone.close();
  servers.pop();
  const set = started(servers, 2);
  set.connect([url]);
  const bounds = [2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
  for (const boundMs of bounds) {
    await until('it waits for the next try', () => set.pauses.length === 1);
    const [pauseMs = 0] = set.pauses;
    assert.ok(pauseMs >= 1_000 && pauseMs < boundMs, `${pauseMs} ms`);
    set.retry();
  }
  assert.is(set.told('peer-lost').length, 1);
  assert.match(
    set.told('peer-lost')[0] ?? '',
    new RegExp(`^no connection to ${url} \\(connect ECONNREFUSED`),
  );
});

peers(
  'REP-12 an answer that opens no socket is told in words that name the address and what to do',
  async (context) => {
    const { servers } = context;
    const office = started(servers, 1);
    const url = await office.listen();
    const set = started(servers, 2);
    const name = `${url}/office`;
    set.connect([name]);
    const answers: readonly [number, string, string | undefined, string][] = [
      [
        401,
        'wrong token',
        undefined,
        `${name} does not accept the peer token of this server (401, "wrong token"): start both with the same --peer-token`,
      ],
      [
        403,
        'no peers',
        undefined,
        `${name} does not accept peers from here (403, "no peers"): start it with --peer-token`,
      ],
      [
        404,
        '<html>no</html>',
        undefined,
        `has nothing at ${name.replace('http', 'ws')}/replicate (404): check the address`,
      ],
      [
        426,
        '',
        undefined,
        `${name} answers without opening a WebSocket (426): a proxy before it must pass on`,
      ],
      [
        308,
        '',
        'https://new.example',
        `${name} sends peers elsewhere (308): use the address that it names, https://new.example`,
      ],
      [
        503,
        'The server is shutting down\nmore',
        undefined,
        `${name} can't take peers at the moment (503, "The server is shutting down")`,
      ],
      [
        200,
        'x'.repeat(5_000),
        undefined,
        `${name} answers without opening a WebSocket (200, "${'x'.repeat(300)}…"): check that`,
      ],
    ];
    for (const [index, [status, text, location, sentence]] of answers.entries()) {
      office.answer = { status, text, ...(location !== undefined && { location }) };
      if (index > 0) set.retry();
      await until('it was told', () => set.told('peer-lost').length > index && set.pauses.length === 1);
      const told = set.told('peer-lost')[index] ?? '';
      assert.ok(told.includes(sentence), told);
      assert.is(set.peers.states[0]?.lastError, told);
    }
    office.answer = null;
    set.retry();
    await until('the link is there', () => set.peers.states[0]?.isConnected === true);
  },
);

peers(
  'REP-9 of two servers with one server id the second is refused while the first is there',
  async ({ servers }) => {
    const office = started(servers, 1);
    const url = await office.listen();
    const first = started(servers, 7);
    first.connect([url]);
    await until('the first is linked', () => office.links[0]?.isAdmitted === true);
    const second = started(servers, 7);
    second.connect([url]);
    await until('the second was refused', () => office.told('peer-refused').length === 1);
    assert.match(
      office.told('peer-refused')[0] ?? '',
      /Another server with the server id 7 is linked here already/,
    );
    assert.is(office.links[0]?.isAdmitted, true);
    assert.is(office.peers.acceptedCount, 1);
    await until('the second waits', () => second.pauses.length === 1);
    second.retry();
    await until('it has tried again', () => office.links.length === 3 && second.pauses.length === 1);
    await until('it was refused again', () => office.peers.acceptedCount === 1);
    assert.is(office.told('peer-refused').length, 1, 'it is told once');
  },
);

peers('REP-9 a server that is its own peer is told so once, with the --peer that it is', async (context) => {
  const { servers } = context;
  const office = started(servers, 1);
  const url = await office.listen();
  office.connect([url]);
  for (const tries of [1, 2, 3]) {
    const ended = (): boolean => office.pauses.length === 1 && office.peers.acceptedCount === 0;
    await until('it was refused', () => office.links.length === 2 * tries && ended());
    if (tries < 3) office.retry();
  }
  const told = office.events.map(({ type, peer, detail }) => [type, peer, detail]);
  assert.equal(told, [
    ['peer-refused', url, `this server is connected to itself by --peer ${url}: remove that`],
  ]);
});

peers(
  'REP-9 a server that has started anew is no twin of the one whose socket nobody has closed',
  async (context) => {
    const { servers } = context;
    const office = started(servers, 1);
    const url = await office.listen();
    const before = started(servers, 7);
    before.connect([url]);
    await until('it is linked', () => office.links[0]?.isAdmitted === true);
    pauseSocket(before);
    const after = started(servers, 7);
    after.connect([url]);
    await until('it was asked whether it is there', () => office.timers.delays.includes(5_000));
    office.timers.run((delayMs) => delayMs === 5_000);
    await until('the new one is linked', () => office.links[1]?.isAdmitted === true);
    await until('the old one is gone', () => office.peers.acceptedCount === 1);
    assert.equal(office.told('peer-refused'), []);
  },
);

/** Nothing is heard any more by the server's links, as on a line that is dead. */
function pauseSocket(server: PeerServer): void {
  const transport: unknown = server.links[0]?.options.transport;
  if (typeof transport !== 'object' || transport === null || !('socket' in transport))
    throw new Error('no socket');
  const { socket } = transport;
  if (typeof socket !== 'object' || socket === null || !('pause' in socket)) throw new Error('no socket');
  (socket as { pause(): void }).pause();
}

peers(
  'two servers that connect to each other keep one link, and both call themselves connected',
  async (context) => {
    const { servers } = context;
    const [lower, higher] = [started(servers, 1), started(servers, 2)];
    const [lowerUrl, higherUrl] = [await lower.listen(), await higher.listen()];
    lower.knows([higherUrl]);
    higher.connect([lowerUrl]); // the link that will be spare comes first
    await until('there is a link', () => higher.peers.states[0]?.isConnected === true);
    lower.peers.start();
    await until('the spare link is gone', () => higher.told('peer-lost').length === 1);
    assert.equal(higher.told('peer-lost'), [`the link to ${lowerUrl} was cut (there is another link)`]);
    higher.retry();
    await until(
      'it is not needed',
      () => higher.told('peer-standby').length === 1 && higher.pauses.length === 1,
    );
    assert.equal(higher.pauses, [30_000]);
    for (const server of [lower, higher]) assert.is(server.peers.states[0]?.isConnected, true);
    assert.equal([lower.peers.acceptedCount, higher.peers.acceptedCount], [0, 1]);
  },
);

peers('an accepting server says of one that stops that it stops, not of itself', async ({ servers }) => {
  const office = started(servers, 1);
  const set = started(servers, 2);
  set.connect([await office.listen()]);
  await until('they are linked', () => office.told('peer-connected').length === 1);
  office.links[0]?.finish({ type: 'refused', by: 'peer', reason: 'stopping', message: 'This server stops' });
  await until('the end was told', () => office.told('peer-lost').length === 1);
  assert.equal(office.told('peer-lost'), ['its link has ended (it stops)']);
});

peers('links end before the server does, and nothing is opened or accepted any more', async ({ servers }) => {
  const office = started(servers, 1);
  const url = await office.listen();
  const set = started(servers, 2);
  set.connect([url]);
  await until(
    'they are linked',
    () => set.told('peer-connected').length === 1 && office.told('peer-connected').length === 1,
  );
  await set.peers.close();
  assert.equal(set.timers.delays, [], 'no timer is left');
  assert.is(set.peers.states[0]?.isConnected, false);
  assert.throws(() => set.peers.checkRoom(), /shutting down/);
  await until('the other side has heard of it', () => office.peers.acceptedCount === 0);
  assert.equal(office.told('peer-lost'), ['its link has ended (stops)']);
});

peers.run();
