// Everybody who works on the projects of a round: on each server a writer on every wire, and readers.

import type { JsonObject } from '../../../src/model/json.ts';
import { call, createSession } from '../../support/udt-client.ts';
import { pathOf, rest, uploadTo } from '../../support/rest-client.ts';
import type { Chance } from '../kill9/chance.ts';
import { sharedBase } from './entries.ts';
import { eventually, type Fleet, type FleetServer } from './fleet.ts';
import { Follower } from './follower.ts';
import { markOf, type Ledger } from './ledger.ts';
import { LibraryPerson } from './library-person.ts';
import type { Person, PersonOptions } from './person.ts';
import { RestPerson } from './rest-person.ts';
import { StreamPerson } from './stream-person.ts';
import { UdtPerson } from './udt-person.ts';
import { YjsPerson } from './yjs-person.ts';

/** A project of objects and notes, and one that is deleted and brought back. */
export const filmId = 'film';
export const goneId = 'gone';

export class Crew {
  private constructor(
    readonly session: string,
    readonly people: readonly Person[],
    readonly followers: readonly Follower[],
  ) {}

  /** Makes the projects on the first server, and comes when all servers have them. */
  static async gather(
    fleet: Fleet,
    ledger: Ledger,
    chance: Chance,
    pauseMs: PersonOptions['pauseMs'],
  ): Promise<Crew> {
    const [first] = fleet.servers;
    const marks: JsonObject = Object.fromEntries(
      fleet.servers.flatMap(({ id }) => [`v1-${id}`, `v2-${id}`]).map((bucket) => [bucket, {}]),
    );
    const udt = { interface: { type: 'text_classification' }, samples: [{ document: 'a' }, {}], marks };
    const { short_id: session } = await createSession(first!.url, { udt });
    for (const [count, project] of [filmId, goneId].entries()) {
      const mark = markOf('base0', count);
      await uploadTo(first!.url, project, [{ type: 'newentry', archivetime: null, ...sharedBase(mark) }]);
      ledger.acknowledge(mark, { project, wire: 'rest', isObject: true });
    }
    const problem = await eventually(() => lacking(fleet, session));
    if (problem) throw new Error(problem);
    const people = fleet.servers.flatMap((home) =>
      peopleAt(home, session, { ledger, chance, pauseMs }, fleet.servers.length === 1),
    );
    const followers = fleet.servers.flatMap((home) =>
      [session, filmId, goneId].map((project) => new Follower(`follower ${home.id}`, project, home, ledger)),
    );
    return new Crew(session, people, followers);
  }

  get projects(): readonly string[] {
    return [this.session, filmId, goneId];
  }

  start(): void {
    for (const person of this.people) person.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.people.map((person) => person.stop()));
  }

  /** Whether readers may be told that changes are missing, which another server gives back. */
  expectDamage(maySeeDamage: boolean): void {
    for (const follower of this.followers) follower.maySeeDamage = maySeeDamage;
  }

  /** What somebody still waits for, or null. */
  async waitsFor(): Promise<string | null> {
    for (const person of this.people) {
      const reason = await person.waitsFor();
      if (reason !== null) return reason;
    }
    return null;
  }

  async leave(): Promise<void> {
    await this.stop();
    for (const follower of this.followers) follower.leave();
    await Promise.all(this.people.map((person) => person.leave()));
  }
}

function peopleAt(
  home: FleetServer,
  session: string,
  common: { readonly ledger: Ledger; readonly chance: Chance; readonly pauseMs: PersonOptions['pauseMs'] },
  isAlone: boolean,
): Person[] {
  const { id } = home;
  const options = (name: string): PersonOptions => ({
    ...common,
    chance: common.chance.fork(),
    name: `${name}${id}`,
    home,
  });
  const projects = [filmId, filmId, goneId, session] as const;
  const yjsProjects = isAlone ? [session, filmId] : [id === 2 ? filmId : session];
  return [
    new StreamPerson(options('ws'), projects, filmId),
    new RestPerson(options('rest'), projects, filmId),
    new LibraryPerson(options('lib'), filmId),
    ...yjsProjects.map((project, index) => new YjsPerson(options(`yjs${'abc'.charAt(index)}`), project)),
    new UdtPerson(options('va'), session, `v1-${id}`, 'v1'),
    new UdtPerson(options('vb'), session, `v2-${id}`, 'v2'),
  ];
}

async function lacking({ servers }: Fleet, session: string): Promise<string | null> {
  for (const { id, url } of servers) {
    if ((await call('GET', `${url}/api/session/${session}`)).status !== 200)
      return `the session on server ${id}`;
    for (const project of [filmId, goneId])
      if ((await rest(url, pathOf(project))).status !== 200) return `${project} on server ${id}`;
  }
  return null;
}
