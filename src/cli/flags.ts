// Flags that several commands have, and what all of them do with variables of the environment.

import { Option, type Command } from 'commander';
import { RejoinError } from '../errors.ts';
import { shellWord } from '../model/shell-word.ts';
import { folderName, httpUrl } from './flag-values.ts';

const dataDefault = './data';

export function dataOption(): Option {
  return new Option('--data <folder>', 'folder of the database')
    .default(dataDefault)
    .env('REJOIN_DATA')
    .argParser(folderName);
}

/** What a command that is shown to be copied needs to work on the same folder. */
export function dataFlag(data: string): string {
  return data === (process.env['REJOIN_DATA'] ?? dataDefault) ? '' : ` --data ${shellWord(data)}`;
}

export function publicUrlOption(description: string): Option {
  return new Option('--public-url <url>', description).env('REJOIN_PUBLIC_URL').argParser(httpUrl);
}

/** The way to projects while a server has the data folder. */
export function urlOption(): Option {
  return new Option('--url <url>', 'go through the server that runs there, in place of --data')
    .env('REJOIN_URL')
    .argParser(httpUrl);
}

export function formatOption(description: string): Option {
  return new Option('--format <format>', description).choices(['json', 'csv']);
}

export function quietOption(description: string): Option {
  return new Option('--quiet', description).default(false);
}

/** Tells the operator something on standard error. */
export function warn(sentence: string): void {
  process.stderr.write(`rejoin: ${sentence}\n`);
}

/** Commander takes a boolean flag for set when its variable is, whatever it says: `REJOIN_INSECURE=false` too. */
export function readBooleanVariables(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName();
    if (option.envVar === undefined || !option.isBoolean()) continue;
    if (command.getOptionValueSource(name) !== 'env') continue;
    const value = booleanVariable(option.envVar, process.env[option.envVar] ?? '');
    command.setOptionValueWithSource(name, value, 'env');
  }
}

/** The variable of a list that is set but empty means none, as `false` does: whoever writes a unit or a compose file can't unset it. */
export function forgetEmptyLists(options: readonly Option[]): void {
  for (const { envVar, defaultValue } of options)
    if (envVar !== undefined && Array.isArray(defaultValue) && process.env[envVar]?.trim() === '')
      Reflect.deleteProperty(process.env, envVar);
}

function booleanVariable(name: string, text: string): boolean {
  if (['true', '1', 'yes'].includes(text)) return true;
  if (['false', '0', 'no', ''].includes(text)) return false;
  throw new RejoinError('usage', `${name}=${text} should be true, 1 or yes, or else false, 0, no or empty`);
}
