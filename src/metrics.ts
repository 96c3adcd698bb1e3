// What the server counts and measures, for GET /metrics. Every server has a registry of its own, and no label has
// values without bound: never a project's id. docs/operations.md explains each; a test holds it to that.

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Wire } from './adapters/log.ts';
import type { ObservedEvent } from './core/observer.ts';
import type { ErrorCode } from './errors.ts';
import type { PeerEvent } from './replication/peer-events.ts';

export interface MetricsOptions {
  /** Measure the process as well: its event loop, heap, CPU. For whoever has the process to itself. */
  readonly measuresProcess: boolean;
  readonly openProjects: () => number;
  readonly isWritable: () => boolean;
  readonly bytesOnDisk: () => Promise<number>;
  readonly bytesFree: () => Promise<number>;
  readonly peers: () => PeerFigures;
}

/** What there is to say of links to other servers (REP-12). */
export interface PeerFigures {
  /** One for each `--peer`: how many there are is up to the operator. `link` is null while there is none. */
  readonly states: readonly {
    readonly name: string;
    readonly link: { readonly lagChanges: number } | null;
  }[];
  readonly acceptedCount: number;
  /** Since the start. */
  readonly changesReceived: number;
  readonly changesSent: number;
}

type EventType = ObservedEvent['type'] | PeerEvent['type'];

/** From a fast SSD's fsync to a disk that is in trouble. */
const durabilitySeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Methods that some route has; the rest is counted together. */
const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'];

export class Metrics {
  private readonly registry = new Registry();

  private readonly durability = new Histogram({
    name: 'rejoin_durability_seconds',
    help: 'Time from handing a commit to the store until it is on disk.',
    buckets: durabilitySeconds,
    registers: [this.registry],
  });
  private readonly commits = new Counter({
    name: 'rejoin_commits_total',
    help: 'Commits handed to the store, by how they ended; those that wait together share one fsync.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  private readonly changes = new Counter({
    name: 'rejoin_changes_total',
    help: 'Changes that became durable.',
    registers: [this.registry],
  });
  private readonly connections = new Gauge({
    name: 'rejoin_connections',
    help: 'Open WebSockets, by wire.',
    labelNames: ['wire'],
    registers: [this.registry],
  });
  private readonly refusals = new Counter({
    name: 'rejoin_refused_total',
    help: 'Messages and requests that were refused, by wire and error code.',
    labelNames: ['wire', 'code'],
    registers: [this.registry],
  });
  private readonly defects = new Counter({
    name: 'rejoin_defects_total',
    help: 'Errors that should not happen, by wire.',
    labelNames: ['wire'],
    registers: [this.registry],
  });
  private readonly events = new Counter({
    name: 'rejoin_events_total',
    help: 'What happened in the core that an operator should know of, by type.',
    labelNames: ['type'],
    registers: [this.registry],
  });
  private readonly requests = new Counter({
    name: 'rejoin_http_requests_total',
    help: 'Answered HTTP requests, by kind of route, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers: [this.registry],
  });

  /** @param eventTypes those that start at 0. */
  constructor(options: MetricsOptions, eventTypes: readonly EventType[]) {
    this.gauge('rejoin_open_projects', 'Projects that are open.', options.openProjects);
    this.gauge('rejoin_store_writable', 'Whether the store takes writes: 1 or 0.', () =>
      options.isWritable() ? 1 : 0,
    );
    this.gauge('rejoin_disk_bytes', 'Bytes of the data folder on disk.', options.bytesOnDisk);
    this.gauge('rejoin_disk_free_bytes', 'Bytes left on the disk of the data folder.', options.bytesFree);
    this.peerMetrics(options.peers);
    if (options.measuresProcess) collectDefaultMetrics({ register: this.registry });

    for (const type of eventTypes) this.events.inc({ type }, 0);
    for (const wire of ['stream', 'udt', 'yjs', 'rest', 'replicate', 'http'] satisfies Wire[])
      this.defects.inc({ wire }, 0);
    for (const wire of ['stream', 'yjs', 'replicate'] satisfies Wire[]) this.connections.set({ wire }, 0);
    for (const outcome of ['durable', 'failed']) this.commits.inc({ outcome }, 0);
  }

  /** The format of `print`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Everything, in Prometheus' text format. */
  print(): Promise<string> {
    return this.registry.metrics();
  }

  /** A commit goes to the store; call the result when that has ended. */
  startCommit(): (isDurable: boolean) => void {
    const end = this.durability.startTimer();
    return (isDurable) => {
      if (isDurable) end();
      this.commits.inc({ outcome: isDurable ? 'durable' : 'failed' });
    };
  }

  wrote(changes: number): void {
    this.changes.inc(changes);
  }

  /** A WebSocket opened; call the result when it is closed. */
  connected(wire: Wire): () => void {
    this.connections.inc({ wire });
    return () => this.connections.dec({ wire });
  }

  refused(wire: Wire, code: ErrorCode): void {
    this.refusals.inc({ wire, code });
  }

  defect(wire: Wire): void {
    this.defects.inc({ wire });
  }

  observed(type: EventType): void {
    this.events.inc({ type });
  }

  /** @param route a kind of route, of which there are few. */
  answered(route: string, method: string, status: number): void {
    this.requests.inc({ route, method: methods.includes(method) ? method : 'other', status });
  }

  private peerMetrics(peers: () => PeerFigures): void {
    const registers = [this.registry];
    const labelNames = ['peer'];
    this.gauge('rejoin_peer_links', 'Links that other servers have opened.', () => peers().acceptedCount);
    const connected: Gauge = new Gauge({
      name: 'rejoin_peer_connected',
      help: 'Whether there is a link to a peer: 1 or 0.',
      labelNames,
      registers,
      collect: () => {
        for (const { name, link } of peers().states) connected.set({ peer: name }, link ? 1 : 0);
      },
    });
    const lag: Gauge = new Gauge({
      name: 'rejoin_peer_lag_changes',
      help: 'Changes that a peer is known to have and that are not durable here yet.',
      labelNames,
      registers,
      collect: () => {
        for (const { name, link } of peers().states)
          lag.set({ peer: name }, link ? link.lagChanges : Number.NaN);
      },
    });
    this.total(
      'rejoin_peer_changes_received_total',
      'Changes that came over links and became durable.',
      () => peers().changesReceived,
    );
    this.total(
      'rejoin_peer_changes_sent_total',
      'Changes that were sent over links.',
      () => peers().changesSent,
    );
  }

  /** A counter that is read at each scrape. */
  private total(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  /** A gauge that is read at each scrape; NaN while it can't be. */
  private gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: async () =>
        gauge.set(
          await Promise.resolve()
            .then(read)
            .catch(() => Number.NaN),
        ),
    });
  }
}
