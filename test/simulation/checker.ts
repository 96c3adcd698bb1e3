// What must hold when a run of the simulation has come to its end, everything is healed and nothing is on its way: nothing that was
// promised is lost, and all servers and clients have the same. It knows the logs from the ledger, not from the servers.

import stringify from 'json-stable-stringify';
import * as Y from 'yjs';
import type { UdtDialect } from '../../src/core/udt-reads.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { ProjectOnDisk } from './disk-log.ts';
import type { SimServer } from './sim-server.ts';
import { madeId } from './session-maker.ts';
import { UdtSimClient, hashOf, readSession, sessionId } from './udt-sim-client.ts';
import type { World } from './world.ts';

export const projectIds = [sessionId, 'report', madeId, 'gone'] as const;

const lookEveryMs = 250;
/** Only a failure takes as long. Simulated time. */
const withinMs = 90_000;

export async function check(world: World): Promise<void> {
  await settle(world);
  await waitForTurns(world);
  await settle(world);
  if (world.hasFailed) return;
  checkPromises(world);
  await checkContents(world);
}

async function checkContents(world: World): Promise<void> {
  // Once something is wrong, servers aren't asked any more.
  if (world.hasFailed) return;
  for (const project of projectIds) {
    if (isDeleted(world, project) || isOnlyParts(world, project)) continue;
    checkStreams(world, project);
    if (project !== 'gone') await checkDocuments(world, project);
  }
  await checkSessions(world);
}

/** Waits until all servers have the same changes and all clients have what they asked for. */
async function settle(world: World): Promise<void> {
  const untilMs = world.clock.nowMs + withinMs;
  let batches = 0;
  for (let quiet = 0; quiet < 4 && !world.hasFailed;) {
    if (world.clock.nowMs > untilMs) {
      world.ledger.fail(`it comes to no end: ${unsettled(world) ?? 'something is written all the time'}`);
      return;
    }
    for (const client of world.udtClients) client.poll();
    await world.pass(lookEveryMs);
    const isQuiet = unsettled(world) === null && batches === world.ledger.batches;
    ({ batches } = world.ledger);
    quiet = isQuiet ? quiet + 1 : 0;
  }
}

/** What comes with a snapshot is in the log before it is all taken, and its clients are told behind that. */
async function waitForTurns(world: World): Promise<void> {
  for (const server of world.servers)
    for (const project of projectIds)
      if (!world.hasFailed && !isDeleted(world, project) && !isOnlyParts(world, project))
        await within(world, server, (run) =>
          run.projects.use(project, (open) => open.encode((doc) => doc.guid)),
        );
}

/** What is still to come; null if nothing is. */
function unsettled(world: World): string | null {
  const { servers, clients, ledger } = world;
  for (const { run, index } of servers) if (!run) return `server ${index} is down`;
  const isLost = isSessionLost(world);
  const waiting = clients.filter((client) => !client.isQuiet && !(isLost && client instanceof UdtSimClient));
  if (waiting.length > 0) return `${waiting.map(({ name }) => name).join(', ')} wait for something`;
  const [first, ...others] = ledger.disks;
  for (const project of projectIds) {
    if (isOnlyParts(world, project)) continue;
    const here = first!.project(project);
    for (const [index, disk] of others.entries()) {
      const there = disk.project(project);
      const about = `server ${index + 1} and server 0 differ in ${project}`;
      if (there.lifecycle !== here.lifecycle)
        return `${about}: their lifecycles are ${there.lifecycle} and ${here.lifecycle}`;
      if (here.lifecycle % 2 === 1) continue;
      const difference = differenceOf(here, there);
      if (difference) return `${about}: ${difference}`;
    }
  }
  const broken = servers.find(({ run }) => run !== null && run.projects.writingProblem !== null);
  if (broken) return `server ${broken.index} takes no writes`;
  const busy = servers.find(({ run }) => run?.store.isBusy);
  return busy ? `server ${busy.index} is writing` : null;
}

/**
 * What makes the project a session is gone with the disk of the only server that had it. Yjs clients may have brought back all that
 * was in it, and nobody makes it a session again.
 */
function isSessionLost({ ledger, udtClients }: World): boolean {
  return udtClients[0]?.sessionMark !== null && !ledger.isSessionAnywhere(sessionId);
}

/** Its end is gone with the disk of the only server that had it: what others have of its parts is nothing, and goes when they start. */
function isOnlyParts({ ledger }: World, project: string): boolean {
  return project === madeId && !ledger.isSessionAnywhere(madeId);
}

function differenceOf(here: ProjectOnDisk, there: ProjectOnDisk): string | null {
  const onlyHere = here.missingIn(there);
  const onlyThere = there.missingIn(here);
  if (onlyHere.length + onlyThere.length === 0) return null;
  const some = (names: readonly string[]): string => `${names.length} (${names.slice(0, 3).join(', ')})`;
  return `only server 0 has ${some(onlyHere)}, only the other ${some(onlyThere)}`;
}

function isDeleted({ ledger }: World, project: string): boolean {
  return ledger.disks[0]!.project(project).lifecycle % 2 === 1;
}

/** No acknowledged write is lost (REP-5); what was deleted stays so (REP-14). */
function checkPromises(world: World): void {
  const { ledger } = world;
  for (const [mark, { project, detail }] of ledger.promised) {
    if (isDeleted(world, project)) continue;
    for (const [server, disk] of ledger.disks.entries())
      if (!ledger.isOn(disk, mark, project)) ledger.fail(`${mark} is lost on server ${server}: ${detail}`);
  }
  for (const [project, lifecycle] of ledger.lifecycles)
    for (const [server, disk] of ledger.disks.entries())
      if (disk.project(project).lifecycle < lifecycle)
        ledger.fail(`server ${server} has forgotten that ${project} was deleted`);
}

/** No stream client has missed an object (REP-6). */
function checkStreams({ ledger, streamClients }: World, project: string): void {
  const shown = streamClients.map((client) => ({ client, uuids: client.uuidsOf(project) }));
  for (const name of ledger.disks[0]!.project(project).list()) {
    const object = ledger.changes.get(name)?.object ?? null;
    if (object === null) continue;
    const { version_uuid: uuid } = JSON.parse(object) as { version_uuid: string };
    for (const { client, uuids } of shown)
      if (!uuids.has(uuid))
        ledger.fail(`${client.name} was never shown ${uuid} of ${project}, which is ${name}`);
  }
}

interface SeenDocument {
  readonly stateVector: string;
  readonly deleted: string;
  readonly json: string;
  readonly doc: Y.Doc;
}

/** All servers and Yjs clients have one document, and it is the one that each log makes (REP-5, REP-7). */
async function checkDocuments(world: World, project: string): Promise<void> {
  const { servers, ledger } = world;
  const documents: { who: string; document: SeenDocument }[] = [];
  for (const server of servers) {
    const update = await within(world, server, (run) =>
      run.projects.use(project, (open) => open.encode((doc) => Y.encodeStateAsUpdate(doc))),
    );
    const doc = new Y.Doc();
    if (update) Y.applyUpdate(doc, update);
    documents.push({ who: `server ${server.index}`, document: seen(doc) });
    documents.push({ who: `the log of server ${server.index}`, document: replay(world, server, project) });
  }
  for (const client of world.yjsClients)
    if (client.project === project) documents.push({ who: client.name, document: seen(client.doc) });
  const [first, ...others] = documents;
  for (const { who, document } of others)
    for (const part of ['stateVector', 'deleted', 'json'] as const)
      if (document[part] !== first!.document[part])
        ledger.fail(
          `${who} and ${first!.who} differ in ${project}, ${part}:\n${document[part]}\n${first!.document[part]}`,
        );
  for (const [mark, promised] of ledger.promised)
    if (promised.project === project && isOfYjs(world, mark) && !first!.document.doc.getMap('app').has(mark))
      ledger.fail(`${mark} is in the log of ${project} and not in the document: ${promised.detail}`);
}

function isOfYjs({ yjsClients }: World, mark: string): boolean {
  return yjsClients.some(({ name }) => mark.startsWith(`~${name}x`));
}

/** Applies what is in a log in its order: each update must find all that it builds on (REP-3, YJS-8). */
function replay({ ledger }: World, server: SimServer, project: string): SeenDocument {
  const doc = new Y.Doc();
  for (const name of ledger.disks[server.index]!.project(project).list()) {
    const update = ledger.changes.get(name)?.update ?? null;
    if (!update) continue;
    Y.applyUpdate(doc, update);
    if (doc.store.pendingStructs ?? doc.store.pendingDs) {
      ledger.fail(`server ${server.index} has ${name} in its log before what it builds on`);
      break;
    }
  }
  return seen(doc);
}

function seen(doc: Y.Doc): SeenDocument {
  const clocks = [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b);
  const deleted = [...Y.createDeleteSetFromStructStore(doc.store).clients]
    .map(([client, items]) => [client, items.map(({ clock, len }) => [clock, len])] as const)
    .sort(([a], [b]) => a - b);
  const json = {
    app: doc.getMap('app').toJSON() as unknown,
    entries: doc.getMap('entries').toJSON() as unknown,
    text: doc.getText('text').toDelta() as unknown,
    udt: doc.getMap('udt').toJSON() as unknown,
  };
  return {
    stateVector: JSON.stringify(clocks),
    deleted: JSON.stringify(deleted),
    json: stringify(json) ?? '',
    doc,
  };
}

/** The session is the same everywhere, with its hashes (UDT-2), and every mark that was promised is in it. */
async function checkSessions(world: World): Promise<void> {
  const { ledger, udtClients, maker } = world;
  if (ledger.isSessionAnywhere(madeId)) {
    const made = await checkViews(world, madeId, 'v1');
    await checkViews(world, madeId, 'v2');
    const problem = made ? maker.problemOf(made) : 'no server shows it';
    if (problem !== null) ledger.fail(`the session that was made in slices: ${problem}`);
  }
  if (isSessionLost(world)) return;
  const view = await checkViews(world, sessionId, 'v1');
  await checkViews(world, sessionId, 'v2');
  if (!view) return;
  const marks = (view['marks'] ?? {}) as JsonObject;
  for (const [mark, { detail }] of ledger.promised)
    if (udtClients.some(({ name }) => mark.startsWith(`~${name}x`)) && !(mark in marks))
      ledger.fail(`${mark} is in the log and not in the session: ${detail}`);
}

/** @returns what clients of that generation have of the session; null if there is none. */
async function checkViews(world: World, id: string, dialect: UdtDialect): Promise<JsonObject | null> {
  const { servers, ledger, udtClients } = world;
  const views: JsonObject[] = [];
  for (const server of servers) {
    const read = await within(world, server, (run) =>
      run.projects.find(id, async (project) =>
        project?.info?.session ? readSession(project, dialect) : null,
      ),
    );
    if (!read) continue;
    if (hashOf(read.view) !== (dialect === 'v1' ? read.hash : read.summaryHash))
      ledger.fail(`server ${server.index} has another hash of ${dialect} than its session`);
    views.push(structuredClone(read.view));
  }
  const [first] = views;
  if (!first) return null;
  if (views.length < servers.length) ledger.fail(`not all servers have the session ${id}`);
  const followers = id === sessionId ? udtClients : [];
  const states = followers.filter((client) => client.dialect === dialect).map(({ state }) => state);
  const texts = [...views, ...states].map((view) => stringify(withoutVersions(view)));
  for (const [index, text] of texts.entries())
    if (text !== texts[0])
      ledger.fail(`sessions differ (${id}, ${dialect}, ${index}):\n${text ?? ''}\n${texts[0] ?? ''}`);
  return first;
}

/** A sample's `version` counts the changes that one server saw: others may have seen more of them at once. */
function withoutVersions(view: JsonObject): JsonObject {
  const { summary } = view as { readonly summary?: { readonly samples: readonly JsonObject[] } };
  if (!summary) return view;
  return { ...view, summary: { samples: summary.samples.map((sample) => ({ ...sample, version: 0 })) } };
}

/** Asks a server, whose disk and timers need the simulated clock to go on. */
async function within<T>(
  world: World,
  server: SimServer,
  ask: (run: NonNullable<SimServer['run']>) => Promise<T>,
): Promise<T | null> {
  const { run } = server;
  if (!run) return null;
  let answer: { readonly value: T } | null = null;
  const failed = (error: unknown): void => world.ledger.fail(`server ${server.index}: ${String(error)}`);
  ask(run).then((value) => (answer = { value }), failed);
  for (let tries = 0; tries < 100 && !world.hasFailed; tries++) {
    await world.pass(10);
    const given = answer as { readonly value: T } | null;
    if (given) return given.value;
  }
  if (!world.hasFailed) failed('it does not answer');
  return null;
}
