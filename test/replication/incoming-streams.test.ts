// What a stream brings is given to the core: frames follow each other before they are durable, a few at once, and whatever else
// concerns the project comes behind them.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import { IncomingStreams } from '../../src/replication/incoming-streams.ts';
import type { LinkEvent } from '../../src/replication/link-transport.ts';
import type { Accepted, Replicas, Succession } from '../../src/replication/replicas-port.ts';
import type { Resume, Want } from '../../src/wire/replication/messages.ts';
import { someTurns } from '../support/held-store.ts';
import { ManualTimers } from '../support/manual-timers.ts';

const incoming = suite('incoming streams');

incoming(
  'REP-3 frames follow each other before they are durable, and are dealt with when they are',
  async () => {
    const { streams, given, receive } = await asked();
    const first = receive();
    await someTurns();
    const second = receive();
    await someTurns();
    assert.is(given.length, 1, 'the second waits until the first is taken');
    assert.is(given[0]!.behind, null);
    given[0]!.onTaken(7);
    await first.turnOver;
    await someTurns();
    assert.is(given.length, 2);
    assert.is(given[1]!.behind, 7);
    assert.not(first.isDealtWith());
    given[1]!.onTaken(7);
    given[0]!.settle({ type: 'accepted', changes: 3 });
    given[1]!.settle({ type: 'accepted', changes: 2 });
    await someTurns();
    assert.ok(first.isDealtWith() && second.isDealtWith());
    assert.is(streams.changesReceived, 5);
    void receive();
    await someTurns();
    assert.is(given[2]!.behind, null, 'all before it is durable');
  },
);

incoming('REP-3 a slow disk lets only a few frames be under way', async () => {
  const { given, receive } = await asked();
  for (let frames = 0; frames < 9; frames++) {
    receive();
    await someTurns();
    given[frames]?.onTaken(1);
    await someTurns();
  }
  assert.is(given.length, 4);
  given[0]!.settle({ type: 'accepted', changes: 1 });
  await someTurns();
  assert.is(given.length, 5);
});

incoming('REP-3 behind a frame that is refused nothing of its stream is taken', async () => {
  const { events, given, receive } = await asked();
  receive();
  receive();
  await someTurns();
  given[0]!.settle({ type: 'gap', detail: 'something is missing' });
  await someTurns();
  assert.is(given.length, 1);
  assert.equal(
    events.map(({ type }) => type),
    ['project-paused'],
  );
});

incoming(
  'REP-3 a frame that was lost with a failed write, and those behind it, pause their stream once',
  async () => {
    const { events, given, receive, streams } = await asked();
    for (let frames = 0; frames < 3; frames++) {
      receive();
      await someTurns();
      given[frames]!.onTaken(1);
    }
    given[0]!.fail(new Error('the disk failed'));
    for (const frame of given.slice(1)) frame.settle({ type: 'gap', detail: 'What it follows was lost' });
    await someTurns();
    assert.is(events.length, 1);
    assert.match(events[0]!.detail, 'the disk failed');
    assert.is(streams.pausedProjects, 1);
  },
);

incoming('REP-2 the end of a stream is dealt with behind what it brought', async () => {
  const { events, given, receive, streams } = await asked();
  receive();
  await someTurns();
  given[0]!.onTaken(1);
  await someTurns();
  const finished = streams.finish({ type: 'ended', project: 'p', stream: 1, reason: 'no more' });
  await someTurns();
  assert.equal(events, []);
  given[0]!.settle({ type: 'accepted', changes: 1 });
  await finished;
  assert.is(events.length, 1);
});

incoming(
  'REP-2 a stream that was given up is asked for anew, though what was announced before is here by now',
  async () => {
    const { streams, core, timers, wants, receive, given } = await asked();
    core.meet = () => Promise.reject(new Error('the disk failed'));
    await streams.meet('p', standing);
    assert.is(streams.pausedProjects, 1);
    await receive().turnOver;
    assert.is(given.length, 0, 'the peer takes it to be here');
    core.meet = () => Promise.resolve({ lacks: false, has: false, vector: new Map([[1, 9]]) });
    await streams.meet('p', standing);
    assert.is(streams.pausedProjects, 1, 'the pause goes on');
    assert.is(timers.run(), 1);
    await someTurns();
    assert.equal(
      wants.map(({ stream }) => stream),
      [1, 2],
    );
    await streams.finish({ type: 'ended', project: 'p', stream: 2, reason: '' });
    assert.is(streams.pausedProjects, 0);
    assert.is(timers.run(), 0);
  },
);

incoming(
  'REP-2 what could not be compared is asked for anew too, if the peer goes on with a stream',
  async () => {
    const { streams, core, timers, wants } = await asked();
    core.meet = () => Promise.reject(new Error('the disk failed'));
    await streams.meet('p', standing);
    core.meet = () => Promise.resolve({ lacks: false, has: false, vector: new Map([[1, 9]]) });
    assert.is(timers.run(), 1);
    await someTurns();
    assert.equal(
      wants.map(({ stream }) => stream),
      [1, 2],
    );
  },
);

incoming('REP-2 a pause ends with what it was for, if the peer has ended the stream', async () => {
  const { streams, core, timers, wants } = await asked();
  core.meet = () => Promise.reject(new Error('the disk failed'));
  await streams.meet('p', standing);
  await streams.finish({ type: 'ended', project: 'p', stream: 1, reason: '' });
  core.meet = () => Promise.resolve({ lacks: false, has: false, vector: new Map([[1, 9]]) });
  await streams.meet('p', standing);
  assert.is(streams.pausedProjects, 0);
  assert.is(timers.run(), 0);
  assert.is(wants.length, 1);
});

interface GivenFrame extends Succession {
  settle(accepted: Accepted): void;
  fail(error: Error): void;
}

/** Streams that have asked for a project, of a core in which nothing happens by itself. */
async function asked() {
  const events: LinkEvent[] = [];
  const given: GivenFrame[] = [];
  const wants: (Want | Resume)[] = [];
  const timers = new ManualTimers();
  const core = coreOf(given);
  const streams = new IncomingStreams({
    replicas: core,
    timers,
    environment: realEnvironment,
    canResume: () => false,
    send: (want) => wants.push(want),
    onKnown: () => undefined,
    onCompared: () => undefined,
    isTold: () => true,
    tell: () => Promise.resolve(true),
    inTurn: (_, work) => void work(),
    observe: (event) => events.push(event),
    run: (work) => void work(),
    onOverflow: () => undefined,
  });
  await streams.meet('p', standing);
  assert.is(wants.length, 1);
  let turn = Promise.resolve();
  const receive = (): { turnOver: Promise<void>; isDealtWith: () => boolean } => {
    let isDealtWith = false;
    const groups = { type: 'groups', project: 'p', stream: 1, records: [], isUnfinished: false } as const;
    turn = turn.then(() => streams.receive(groups, () => (isDealtWith = true)));
    return { turnOver: turn, isDealtWith: () => isDealtWith };
  };
  return { streams, events, given, receive, core, timers, wants };
}

const standing = {
  lifecycle: 0,
  deletedMs: 0,
  heads: [{ serverId: 1, seqno: 9, checksum: new Uint8Array(8) }],
};

function coreOf(given: GivenFrame[]): Replicas {
  const unused = (): never => {
    throw new Error('a stream needs nothing else of the core');
  };
  return {
    serverId: 2,
    catalogue: unused,
    isReplicated: () => true,
    digest: unused,
    standing: () => Promise.resolve(standing),
    open: unused,
    receiveSnapshot: unused,
    resumeSnapshot: unused,
    listen: unused,
    listenLives: unused,
    listenLost: unused,
    borrowLost: unused,
    lost: unused,
    repair: unused,
    finishRepair: unused,
    read: unused,
    renewLife: unused,
    meet: () => Promise.resolve({ lacks: true, has: false, vector: new Map() }),
    accept: (_project, _groups, succession) =>
      new Promise((settle, fail) => {
        if (succession) given.push({ ...succession, settle, fail });
      }),
  };
}

incoming.run();
