// Log lines that an operator can act on, and not more of them than can be read.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pino } from 'pino';
import type { ObservedEvent } from '../src/core/observer.ts';
import { RejoinError } from '../src/errors.ts';
import { Metrics } from '../src/metrics.ts';
import { realEnvironment } from '../src/model/environment.ts';
import { Observations, eventTypes } from '../src/observations.ts';
import type { PeerEvent } from '../src/replication/peer-events.ts';
import { noPeers } from './support/no-peers.ts';

interface Line {
  readonly level: number;
  readonly type: string;
  readonly project?: string;
  readonly peer?: string;
  readonly leftOut?: number;
  readonly msg: string;
}

interface Context {
  nowMs: number;
  lines: Line[];
  observations: Observations;
  metrics: Metrics;
}

const test = suite<Context>('observations');

test.before.each((context) => open(context, 'info'));

function open(context: Context, level: string): void {
  context.nowMs = 1_000_000;
  context.lines = [];
  const log = pino({ level }, { write: (line) => void context.lines.push(JSON.parse(line) as Line) });
  const environment = { ...realEnvironment, now: () => context.nowMs };
  const never = (): Promise<number> => Promise.reject(new Error('no disk'));
  context.metrics = new Metrics(
    {
      measuresProcess: false,
      openProjects: () => 0,
      isWritable: () => true,
      bytesOnDisk: never,
      bytesFree: never,
      peers: () => noPeers,
    },
    eventTypes,
  );
  context.observations = new Observations({ log, metrics: context.metrics, environment });
}

const refusedIn = (project: string): ObservedEvent => ({
  type: 'object-refused',
  project,
  detail: 'its clip_id is a list',
});

test('every warning and error says what happened, what it means and what to do', ({
  observations,
  lines,
}) => {
  for (const type of eventTypes) observations.observe(eventOf(type));
  observations.defect('udt', new Error('a bug'));
  assert.ok(lines.length >= 7);
  for (const { level, msg, type } of lines) {
    assert.ok(level >= (type === 'peer-connected' ? 30 : 40), type);
    assert.match(msg, type === 'defect' ? 'a bug' : 'the detail');
    assert.ok(msg.split(/\. (?=[A-Z])/).length >= 2 && msg.endsWith('.'), msg);
  }
});

test('a line about one project is written once in ten seconds, and the next says how many were left out', (context) => {
  const { observations, lines } = context;
  for (let i = 0; i < 5; i++) observations.observe(refusedIn('a'));
  observations.observe(refusedIn('b'));
  context.nowMs += 9_999;
  observations.observe(refusedIn('a'));
  assert.equal(
    lines.map(({ project, leftOut }) => [project, leftOut]),
    [
      ['a', undefined],
      ['b', undefined],
    ],
  );
  context.nowMs += 1;
  observations.observe(refusedIn('a'));
  observations.observe(refusedIn('b'));
  assert.equal(
    lines.slice(2).map(({ project, leftOut }) => [project, leftOut]),
    [
      ['a', 5],
      ['b', undefined],
    ],
  );
});

test('a million projects that have trouble are remembered in bounded memory', (context) => {
  const { observations, lines } = context;
  for (let i = 0; i < 3_000; i++) observations.observe(refusedIn(`p${i}`));
  assert.is(lines.length, 3_000);
  observations.observe(refusedIn('p2999'));
  assert.is(lines.length, 3_000);
  observations.observe(refusedIn('p0')); // forgotten
  assert.is(lines.length, 3_001);
});

test('at the debug level nothing is left out', (context) => {
  open(context, 'debug');
  for (let i = 0; i < 3; i++) context.observations.observe(refusedIn('a'));
  assert.equal(
    context.lines.map(({ level }) => level),
    [40, 20, 20],
  );
});

test('what clients do wrong is told at the debug level only, and counted', async (context) => {
  const refusal = new RejoinError('conflict', 'there is no such sample');
  context.observations.refused('udt', refusal);
  assert.equal(context.lines, []);
  assert.match(await context.metrics.print(), /^rejoin_refused_total\{wire="udt",code="conflict"\} 1$/m);
});

test('a gauge that cannot be read does not hide the others', async ({ metrics }) => {
  assert.match(await metrics.print(), /^rejoin_disk_bytes Nan$/im);
});

function eventOf(type: (typeof eventTypes)[number]): Parameters<Observations['observe']>[0] {
  const detail = 'the detail';
  if (type === 'peer-project-failed') return { type, peer: 'https://office.example', project: 'p', detail };
  if (isOfPeer(type)) return { type, peer: 'https://office.example', detail };
  if (type === 'store-failed' || type === 'store-recovered') return { type, detail };
  return { type, project: 'p', detail };
}

type PeerType = Exclude<PeerEvent['type'], 'peer-project-failed'>;

function isOfPeer(type: string): type is PeerType {
  return ['peer-connected', 'peer-lost', 'peer-refused', 'peer-standby'].includes(type);
}

test('REP-12 the line about a lost link is right on both sides: only one of them connects', (context) => {
  const { observations, lines } = context;
  observations.observe({ type: 'peer-lost', peer: 'server 2 at 10.0.0.2', detail: 'its link has ended' });
  assert.match(lines[0]?.msg ?? '', /The side that connects tries again until there is one/);
});

test('REP-12 a line about one peer is written once in ten seconds', ({ observations, lines }) => {
  const lost = (peer: string): PeerEvent => ({ type: 'peer-lost', peer, detail: 'no connection' });
  for (const peer of ['a', 'a', 'b']) observations.observe(lost(peer));
  assert.equal(
    lines.map(({ peer, level }) => [peer, level]),
    [
      ['a', 40],
      ['b', 40],
    ],
  );
});

test.run();
