// Where `import` and `export` find projects: in a data folder that no server runs on, or behind a server's REST API.

import type { Command } from 'commander';
import { RejoinError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';

export interface Sessions {
  /**
   * Makes a session of a UDT file. Resolves with its id when it is durable.
   * @param id the id that it shall have; without one it gets a new one.
   * @param onProgress is called with how many elements are stored, of how many; not behind a server, which doesn't say.
   * @throws RejoinError `conflict` if it exists, and whatever keeps it from being stored.
   */
  create(
    udt: JsonObject,
    id: string | undefined,
    onProgress: (done: number, total: number) => void,
  ): Promise<string>;
  /** The UDT file of a project. @throws RejoinError `not-found`, `deleted`. */
  read(id: string): Promise<JsonObject>;
  /** What a browser reaches the server at, without a slash at the end. */
  readonly baseUrl: string;
  /** One line about the place. */
  readonly place: string;
}

export interface PlaceFlags {
  readonly data: string;
  readonly url?: URL;
}

/**
 * The server that was asked for, or undefined for the data folder: a flag goes before a variable, and --url before
 * --data.
 * @throws RejoinError `usage` for both flags.
 */
export function serverAskedFor({ url }: PlaceFlags, command: Command): URL | undefined {
  if (!url || command.getOptionValueSource('data') !== 'cli') return url;
  if (command.getOptionValueSource('url') !== 'cli') return undefined;
  throw new RejoinError('usage', 'Give --data or --url, not both: the folder, or the server that runs on it');
}
