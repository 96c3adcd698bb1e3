// The entry of the command line: which commands there are, and what an error becomes on standard error and as an exit
// code. bin/rejoin.js calls it.

import { Command, CommanderError } from 'commander';
import { acceptLossCommand } from './cli/accept-loss.ts';
import { backupCommand } from './cli/backup.ts';
import { deleteCommand } from './cli/delete.ts';
import { exportCommand } from './cli/export.ts';
import { importCommand } from './cli/import.ts';
import { packageVersion } from './package-version.ts';
import { purgeCommand } from './cli/purge.ts';
import { restoreCommand } from './cli/restore.ts';
import { serveCommand } from './cli/serve.ts';
import { tailCommand } from './cli/tail.ts';
import { uploadCommand } from './cli/upload.ts';
import { verifyCommand } from './cli/verify.ts';
import { RejoinError, messageOf } from './errors.ts';

/** Runs `rejoin` with the arguments of the process, and ends it with 0, 1 (it failed) or 2 (used wrongly). */
export async function main(): Promise<void> {
  try {
    const command = program();
    checkCommand(command, process.argv[2]);
    await command.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

function program(): Command {
  const command = new Command('rejoin')
    .description('A local-first sync server that offline-capable clients rejoin after any time apart.')
    .version(packageVersion(), '-v, --version')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text.replace(/^error: /, 'rejoin: ')) });
  command.addCommand(serveCommand(report), { isDefault: true });
  command.addCommand(importCommand());
  command.addCommand(exportCommand());
  command.addCommand(uploadCommand());
  command.addCommand(tailCommand());
  command.addCommand(deleteCommand());
  command.addCommand(purgeCommand());
  command.addCommand(backupCommand());
  command.addCommand(restoreCommand());
  command.addCommand(verifyCommand());
  command.addCommand(acceptLossCommand());
  for (const each of command.commands) {
    each.copyInheritedSettings(command).exitOverride().allowExcessArguments(false);
  }
  return command;
}

/** Commander takes a command that there isn't for an argument of `serve`, and would say that. @throws RejoinError `usage`. */
function checkCommand({ commands }: Command, name: string | undefined): void {
  if (name === undefined || name.startsWith('-')) return;
  if (name === 'help' || commands.some((each) => each.name() === name)) return;
  throw new RejoinError('usage', `There is no command ${JSON.stringify(name)}: rejoin --help lists them`);
}

/** One sentence on standard error. @returns the exit code. */
function report(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof RejoinError) {
    process.stderr.write(`rejoin: ${error.message}\n`);
    return error.code === 'usage' ? 2 : 1;
  }
  process.stderr.write(`rejoin: an error that should not happen: ${messageOf(error)}\n`);
  if (error instanceof Error && error.stack !== undefined) process.stderr.write(error.stack + '\n');
  return 1;
}
