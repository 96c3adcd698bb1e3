// What must hold when all is healed and nobody writes any more: servers and clients are equal, over the wires and in the folders, with
// nothing missing of what was acknowledged.

import { runRejoin } from '../../support/run-rejoin.ts';
import { checkFolders } from './check-folders.ts';
import {
  checkDocuments,
  checkRows,
  checkSame,
  checkSession,
  checkStreams,
  differentVectors,
} from './check-wires.ts';
import { filmId, type Crew } from './crew.ts';
import { eventually, type Fleet, type FleetServer } from './fleet.ts';
import { readFolder, type FolderLog } from './folder-log.ts';
import type { Ledger } from './ledger.ts';
import { YjsPerson } from './yjs-person.ts';

export interface Found {
  /** How many records each server has. */
  readonly records: number;
  /** Versions of the shared entry that are shown beside the latest. */
  readonly conflicts: number;
  /** Of each server. */
  readonly logs: readonly FolderLog[];
}

/** The clients have stopped writing; they leave, and the servers are stopped. */
export async function checkAll(fleet: Fleet, crew: Crew, ledger: Ledger): Promise<Found> {
  const { servers } = fleet;
  const { projects, session } = crew;
  const unsettled = await eventually(
    async () => (await crew.waitsFor()) ?? (await differentVectors(servers, projects)),
  );
  if (unsettled) {
    ledger.fail(`${unsettled}\n${await linksOf(servers)}`);
    return { records: 0, conflicts: 0, logs: [] };
  }
  await checkSession(servers, session, ledger);
  const conflicts = await checkRows(servers, filmId, ledger);
  const documents = await checkDocuments(servers, projects, ledger);
  for (const project of projects) {
    const uuids = await checkStreams(servers, project, ledger);
    const missed = await eventually(() => Promise.resolve(missedBy(crew, project, uuids)));
    if (missed) ledger.fail(missed);
  }
  // What one's server has by now reaches a client in its own time.
  const unequal = await eventually(() => crew.waitsFor());
  if (unequal) ledger.fail(unequal);
  for (const person of crew.people)
    if (person instanceof YjsPerson)
      checkSame(`the document of ${person.name}`, person.doc, documents.get(person.project)!, ledger);

  await crew.leave();
  for (const problem of await fleet.stop()) ledger.fail(problem);
  const folders = [];
  for (const { id, data } of servers) folders.push({ name: `server ${id}`, log: await readFolder(data) });
  const records = checkFolders(folders, ledger, documents);
  for (const document of documents.values()) document.destroy();
  await Promise.all(servers.map((server) => verify(server, ledger)));
  return { records, conflicts, logs: folders.map(({ log }) => log) };
}

/** A reader that was not shown a version, in words; null if there is none. */
function missedBy({ followers }: Crew, project: string, uuids: ReadonlySet<string>): string | null {
  for (const follower of followers) {
    if (follower.project !== project) continue;
    const missing = [...uuids].filter((uuid) => !follower.uuids.has(uuid));
    if (missing.length > 0)
      return `${follower.name} to be shown ${missing.length} versions of ${project}: ${missing[0]}`;
  }
  return null;
}

/** Nobody has the folder open. */
async function verify({ id, data }: FleetServer, ledger: Ledger): Promise<void> {
  const { code, stdout, stderr } = await runRejoin(['verify', '--data', data], { cwd: data });
  if (code !== 0) ledger.fail(`verify of server ${id} ended with ${code}: ${stdout}${stderr}`);
}

/** How the servers say their links are, for whoever looks for the reason. */
async function linksOf(servers: readonly FleetServer[]): Promise<string> {
  const lines: string[] = [];
  for (const { id, url, output } of servers) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const told = [...metrics.split('\n'), ...output.split('\n').slice(-30)];
    const ofPeers = told.filter((line) => /^rejoin_peer_|"type":"peer-/.test(line));
    lines.push(...ofPeers.map((line) => `server ${id}: ${line}`));
  }
  return lines.join('\n');
}
