// Reads everything from running servers over their wires and holds it against each other and the ledger. Nobody writes any more, and
// their version vectors are equal.

import stringify from 'json-stable-stringify';
import * as Y from 'yjs';
import { messageOf } from '../../../src/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../src/model/json.ts';
import { pathOf, rest } from '../../support/rest-client.ts';
import { sameDocument } from '../../support/same-document.ts';
import { plainHash, UdtClient } from '../../support/udt-client.ts';
import { textOf as textIn } from '../../support/stream-client.ts';
import { connectProvider } from '../../support/yjs-client.ts';
import { fetchAll } from '../kill9/stream-socket.ts';
import type { FleetServer } from './fleet.ts';
import { marksIn, type Ledger } from './ledger.ts';

/** Null if all servers have the same numbers of a project; else what differs. */
export async function differentVectors(
  servers: readonly FleetServer[],
  projects: readonly string[],
): Promise<string | null> {
  for (const project of projects) {
    const vectors: string[] = [];
    for (const { id, url } of servers) {
      const { status, body } = await rest(url, pathOf(project));
      if (status !== 200) return `server ${id} to serve ${project}: ${status}`;
      vectors.push(stringify([...(body['vector'] as Json[])].sort()) ?? '');
    }
    if (new Set(vectors).size > 1) return `equal vectors of ${project}: ${vectors.join(' ')}`;
  }
  return null;
}

/** Project → its document, as the first server serves it and all others should. */
export async function checkDocuments(
  servers: readonly FleetServer[],
  projects: readonly string[],
  ledger: Ledger,
): Promise<Map<string, Y.Doc>> {
  const documents = new Map<string, Y.Doc>();
  for (const project of projects)
    for (const { id, socketUrl } of servers) {
      const { provider, doc } = await connectProvider(socketUrl, project);
      provider.destroy();
      checkVisible(`the document of ${project} on server ${id}`, project, textOf(doc), ledger);
      const before = documents.get(project);
      if (before) {
        checkSame(`${project} on server ${id}`, doc, before, ledger);
        doc.destroy();
      } else {
        documents.set(project, doc);
      }
    }
  return documents;
}

/** Of any client that should have the same document. */
export function checkSame(about: string, doc: Y.Doc, expected: Y.Doc, ledger: Ledger): void {
  try {
    sameDocument(doc, expected);
  } catch (error) {
    ledger.fail(`${about} differs: ${messageOf(error)}`);
  }
}

function textOf(doc: Y.Doc): string {
  const roots = ['app', 'notes', 'udt', 'entries'].map((root) => doc.getMap(root).toJSON() as unknown);
  doc.getText('text');
  return JSON.stringify(roots);
}

function checkVisible(about: string, project: string, text: string, ledger: Ledger, isObjects = false): void {
  const marks = new Set(marksIn(text));
  for (const [mark, acknowledged] of ledger.acknowledged)
    if (acknowledged.project === project && (acknowledged.isObject || !isObjects) && !marks.has(mark))
      ledger.fail(`${mark} was acknowledged on ${acknowledged.wire} and is not in ${about}`);
}

/** Each uuid once per stream. @returns the uuids of a project, which all streams have. */
export async function checkStreams(
  servers: readonly FleetServer[],
  project: string,
  ledger: Ledger,
): Promise<Set<string>> {
  let uuids: Set<string> | null = null;
  const contents = new Map<string, string>();
  for (const { id, socketUrl } of servers) {
    const about = `the stream of ${project} on server ${id}`;
    const objects = await fetchAll(socketUrl, project);
    const here = new Set(objects.map(({ versionUuid }) => versionUuid));
    if (here.size !== objects.length) ledger.fail(`${about} has a uuid twice`);
    if (uuids && stringify([...uuids].sort()) !== stringify([...here].sort()))
      ledger.fail(`${about} has ${here.size} objects, another has ${uuids.size}`);
    uuids ??= here;
    checkVisible(about, project, objects.map(({ text }) => text).join('\n'), ledger, true);
    for (const { serverId, seqno, text } of objects) {
      const name = `${serverId} ${seqno}`;
      if ((contents.get(name) ?? text) !== text) ledger.fail(`${about}: [${name}] has two contents: ${text}`);
      contents.set(name, text);
    }
  }
  return uuids ?? new Set();
}

/** One state and one hash on all servers, and the hash is that of the state (UDT-2). */
export async function checkSession(
  servers: readonly FleetServer[],
  session: string,
  ledger: Ledger,
): Promise<JsonObject | null> {
  const texts = new Set<string>();
  let state: JsonObject | null = null;
  for (const { id, url } of servers) {
    const client = new UdtClient(url, session);
    const { udt_json: udt, version } = await client.get();
    const { hashOfLatestState: hash } = await client.diffs(version);
    if (hash !== plainHash(udt)) ledger.fail(`the session has another hash on server ${id} than its state`);
    texts.add(stringify(udt) ?? '');
    state = udt;
  }
  if (texts.size > 1) ledger.fail(`the session differs: ${[...texts].join('\n')}`);
  return state;
}

/** The same rows with the same heads on all servers. @returns how many heads are in conflict. */
export async function checkRows(
  servers: readonly FleetServer[],
  project: string,
  ledger: Ledger,
): Promise<number> {
  const texts = new Set<string>();
  let conflicts = 0;
  for (const { url } of servers) {
    const { body } = await rest(url, pathOf(project, '/entries'));
    const rows = (body['entries'] as Json[]).filter(isJsonObject);
    conflicts = rows.reduce((sum, row) => sum + (row['conflicts'] as Json[]).length, 0);
    const heads = rows.map((row) => ({
      ...row,
      conflicts: [...(row['conflicts'] as JsonObject[])].sort(byVersion),
    }));
    texts.add(stringify(heads.sort(byVersion)) ?? '');
  }
  if (texts.size > 1) ledger.fail(`the rows of ${project} differ: ${[...texts].join('\n').slice(0, 2000)}`);
  return conflicts;
}

function byVersion(a: JsonObject, b: JsonObject): number {
  return textIn(a, 'version_uuid') < textIn(b, 'version_uuid') ? -1 : 1;
}
