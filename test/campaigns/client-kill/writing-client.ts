// The process that the client-kill campaign kills: a client over a file storage that writes as fast as it may, and says
// of each write on standard output when its promise has resolved. Arguments: one JSON object, `WriterOptions`.

import { WebSocket } from 'ws';
import { realClientEnvironment } from '../../../src/client/client-environment.ts';
import { connect } from '../../../src/client/client.ts';
import type { ClientProject } from '../../../src/client/client-project.ts';
import { openFileStorage } from '../../../src/client/node/file-storage.ts';
import type { SocketConstructor } from '../../../src/client/socket.ts';
import { Chance } from '../kill9/chance.ts';

export interface WriterOptions {
  readonly url: string;
  readonly folder: string;
  readonly projects: readonly [string, ...string[]];
  readonly seed: number;
  readonly death: Death;
}

/** When the process ends: from outside, or at a moment that only it knows. */
export type Death =
  | { readonly type: 'from-outside' }
  /** With this upload on its way. */
  | { readonly type: 'after-send'; readonly upload: number }
  /** When this answer is there and nothing was made of it. */
  | { readonly type: 'before-answer'; readonly upload: number };

const atOnceMax = 5;

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as WriterOptions; // the campaign wrote it
  const chance = new Chance(options.seed);
  const client = connect(options.url, {
    storage: await openFileStorage(options.folder),
    WebSocket: mortalSocket(options.death),
    environment: { ...realClientEnvironment, random: () => 0.02 },
  });
  const projects = options.projects.map((id) => client.project(id));
  await Promise.all(projects.map((project) => project.ready));
  say('ready');
  for (;;) {
    const project = chance.pick(projects as [ClientProject, ...ClientProject[]]);
    const writes = Array.from({ length: chance.integer(1, atOnceMax) }, () => write(project, chance));
    await Promise.all(writes);
  }
}

async function write(project: ClientProject, chance: Chance): Promise<void> {
  const { version } = await anyWrite(project, chance);
  say(JSON.stringify({ project: project.id, version }));
}

function anyWrite(project: ClientProject, chance: Chance): Promise<{ version: string }> {
  const report = `report ${chance.integer(1, 3)}`;
  const rows = project.rows(report).slice(-20);
  const [first, ...others] = rows;
  if (!first || chance.oneIn(2))
    return project.add(report, { clip_id: `clip ${chance.integer(1, 999)}`, content: { take: '1' } });
  const { entry_uuid: entry } = chance.pick([first, ...others]);
  if (chance.oneIn(10)) return project.delete(report, entry, 'not needed');
  return project.edit(report, entry, { content: { note: chance.uuid() } }, 'seen again');
}

/** Standard output is a pipe: what is written is there when this returns. */
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function mortalSocket(death: Death): SocketConstructor {
  let sent = 0;
  let answered = 0;
  return class extends WebSocket {
    override send(text: string): void {
      super.send(text);
      if (!text.startsWith('{"type":"upload"')) return;
      // The next turn of the loop, when the operating system has the frame.
      if (death.type === 'after-send' && ++sent === death.upload) setImmediate(die);
    }

    override emit(event: string | symbol, ...args: unknown[]): boolean {
      const isAnswer = event === 'message' && String(args[0]).includes('"type":"uploaded"');
      if (isAnswer && death.type === 'before-answer' && ++answered === death.upload) die();
      return super.emit(event, ...args);
    }
  };
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

await main();
