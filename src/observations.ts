// What happens in the core and at the adapters, as metrics and as log lines that say what happened, what it means and
// what to do.

import type { Logger } from 'pino';
import type { AdapterLog, Wire } from './adapters/log.ts';
import type { ObservedEvent, Observer } from './core/observer.ts';
import { messageOf, type RejoinError } from './errors.ts';
import type { Environment } from './model/environment.ts';
import type { Metrics } from './metrics.ts';
import type { PeerEvent } from './replication/peer-events.ts';
import { Repeats } from './repeats.ts';

type EventType = ObservedEvent['type'] | PeerEvent['type'];
type Level = 'error' | 'warn' | 'info' | 'debug';

/** How each event is told: at which level, and what to say around its detail. */
const lines: Readonly<Record<EventType, readonly [Level, what: string, advice: string]>> = {
  damage: [
    'error',
    'Stored bytes of a project are damaged',
    'What is whole is still served, and nothing is written where that is not sure. Linked servers give back what they have of it; else a backup may have it. Check the disk.',
  ],
  'changes-repaired': [
    'warn',
    'A linked server has given back what was lost here',
    'Nothing is lost of it; but check the disk.',
  ],
  'loss-accepted': [
    'warn',
    'An operator has given up changes that were lost',
    'The project is served without them. If a server that has them is linked later, they come back.',
  ],
  'life-renewed': [
    'error',
    'The server has taken a new server id',
    'No number is ever given twice: clients and peers see a new writer, and UDT clients are sent the whole state once. Check the disk.',
  ],
  'store-failed': [
    'error',
    'The store does not take writes',
    'Nothing is acknowledged until it does; reading goes on. Look at the disk: is it full, or failing? The server tries again by itself.',
  ],
  'store-recovered': [
    'warn',
    'The store takes writes again',
    'What was on its way when it failed was reported to its writer as unknown. Nothing needs to be done.',
  ],
  'change-dropped': [
    'error',
    'A change failed halfway',
    'Nothing of it was stored, its client was told, and the project is read again from the log. This is an error of rejoin: please report it with this line.',
  ],
  'upkeep-failed': [
    'warn',
    'A snapshot, compaction or removal of old versions failed',
    'Nothing is lost, and it is tried again; until then the project takes more room and longer to open. If it goes on, look at the disk.',
  ],
  'object-refused': [
    'warn',
    'A Yjs client set an object that breaks the rules',
    'It stays in the document but is not streamed. Correct the client that made it.',
  ],
  'client-ids-replaced': [
    'warn',
    "Somebody else writes under this server's Yjs clientIDs",
    'It took new ones and goes on. Make sure that no second server runs on a copy of this data folder.',
  ],
  'object-differs': [
    'warn',
    'Two servers have stored different objects under one version uuid',
    'Both are streamed.',
  ],
  'object-overwritten': ['debug', 'A Yjs client set or removed an object again', 'The first one stays.'],
  'update-without-base': [
    'debug',
    'A Yjs update builds on something that is missing here',
    'Its client was asked for the rest.',
  ],
  'peer-connected': [
    'info',
    'A link to another server is open',
    'Each now sends what the other lacks, then what comes.',
  ],
  'peer-lost': [
    'warn',
    'There is no link to another server',
    'The side that connects tries again until there is one, and nothing is lost meanwhile: both sides go on by themselves.',
  ],
  'peer-refused': [
    'error',
    'Two servers can not replicate as they are',
    'It is tried again, but somebody has to see to what the sentence says.',
  ],
  'peer-standby': ['debug', 'A link to another server is not needed', 'The one that there is goes on.'],
  'peer-project-failed': [
    'warn',
    'A project is not replicated with another server for now',
    'Other projects are, and nothing of this one is lost. If it goes on, look at the log of the other server too.',
  ],
  'value-not-json': ['debug', 'A value in "udt" is none that JSON has', 'It reads as absent or null.'],
};

export const eventTypes = Object.keys(lines) as readonly EventType[];

export interface ObservationsOptions {
  readonly log: Logger | undefined;
  readonly metrics: Metrics;
  readonly environment: Environment;
}

export class Observations implements Observer, AdapterLog {
  private readonly repeats: Repeats;

  constructor(private readonly options: ObservationsOptions) {
    this.repeats = new Repeats(options.environment);
  }

  observe(event: ObservedEvent | PeerEvent): void {
    const { type, detail, ...fields } = event;
    this.options.metrics.observed(type);
    const [level, what, advice] = lines[type];
    const peer = 'peer' in event ? event.peer : '';
    const project = 'project' in event ? event.project : '';
    this.tell(level, `${type} ${peer} ${project}`, { type, ...fields }, `${what}: ${detail}. ${advice}`);
  }

  wrote(changes: number): void {
    this.options.metrics.wrote(changes);
  }

  refused(wire: Wire, { code, message }: RejoinError): void {
    this.options.metrics.refused(wire, code);
    this.options.log?.debug({ type: 'refused', wire, code }, message);
  }

  defect(wire: Wire, error: unknown): void {
    this.options.metrics.defect(wire);
    const message = `An error of rejoin: ${messageOf(error)}. Its client was told; the server goes on. Please report it with this line.`;
    this.tell('error', `defect ${wire} ${messageOf(error)}`, { type: 'defect', wire, err: error }, message);
  }

  /** @param name lines of one name that follow each other closely are repeats, which are told at `debug` only. */
  private tell(level: Level, name: string, fields: object, message: string): void {
    const { log } = this.options;
    if (!log?.isLevelEnabled(level)) return;
    const leftOut = level === 'debug' ? 0 : this.repeats.admit(name);
    if (leftOut === null) log.debug(fields, message);
    else log[level](leftOut > 0 ? { ...fields, leftOut } : fields, message);
  }
}
