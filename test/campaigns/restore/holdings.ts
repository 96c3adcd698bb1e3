// Who still has what when a folder is lost: the backup, the other server, Yjs clients in their documents, clients of the library in
// their queues. What none of them has may be gone; all else must come back.

import * as Y from 'yjs';
import { connectProvider } from '../../support/yjs-client.ts';
import type { Address } from '../kill9/writer.ts';
import type { Crew } from '../servers/crew.ts';
import { marksOf, type FolderLog } from '../servers/folder-log.ts';
import { marksIn, type Ledger } from '../servers/ledger.ts';
import { LibraryPerson } from '../servers/library-person.ts';
import type { Person } from '../servers/person.ts';
import { YjsPerson } from '../servers/yjs-person.ts';

export interface Holdings {
  /** Marks that somebody has → who. */
  readonly held: ReadonlyMap<string, string>;
  /** Name of a writer → how many writes it had begun. What comes later isn't lost with the folder. */
  readonly begun: ReadonlyMap<string, number>;
}

/**
 * At the moment when a server is down, and its clients can't reach it.
 * @param lost that server
 * @param other the server that is left; null if there is none
 */
export async function holdingsOf(
  crew: Crew,
  backup: FolderLog,
  { lost, other }: { readonly lost: Address; readonly other: Address | null },
): Promise<Holdings> {
  const begun = new Map(crew.people.map(({ name, begun: count }) => [name, count]));
  const held = new Map<string, string>();
  for (const project of backup.values()) for (const mark of marksOf(project)) held.set(mark, 'the backup');
  for (const person of crew.people)
    for (const mark of marksIn(await textHeldBy(person, lost))) held.set(mark, person.name);
  if (other) for (const mark of await marksOn(other, crew.projects)) held.set(mark, 'the other server');
  return { held, begun };
}

/** What one who comes now is served. */
export async function marksOn({ socketUrl }: Address, projects: readonly string[]): Promise<Set<string>> {
  const marks = new Set<string>();
  for (const project of projects) {
    const { provider, doc } = await connectProvider(socketUrl, project);
    provider.destroy();
    for (const mark of marksIn(textOf(doc))) marks.add(mark);
    doc.destroy();
  }
  return marks;
}

/** The acknowledged writes that must be there: those that somebody held, and those that were begun afterwards. */
export function requiredOf({ acknowledged }: Ledger, { held, begun }: Holdings): string[] {
  return [...acknowledged.keys()].filter((mark) => {
    const [, name = '', count = ''] = /^!([a-z]+\d+)x(\d+)!$/.exec(mark) ?? [];
    return held.has(mark) || Number(count) > (begun.get(name) ?? 0);
  });
}

async function textHeldBy(person: Person, lost: Address): Promise<string> {
  if (person instanceof YjsPerson) return textOf(person.doc);
  if (!(person instanceof LibraryPerson)) return '';
  return person.home === lost ? person.queueLeft() : person.queuedText();
}

function textOf(doc: Y.Doc): string {
  return JSON.stringify(['notes', 'udt', 'entries'].map((root) => doc.getMap(root).toJSON() as unknown));
}
