// What a client and its projects tell those who listen, and how listeners are kept.

import type { RejoinError } from '../errors.ts';
import type { RefusedObject } from './storage.ts';

export interface ClientStatus {
  /** Whether there is a connection to the server. */
  readonly connected: boolean;
  /** Whether every open project has all that the server had when it was asked, and is told of what follows. */
  readonly caughtUp: boolean;
  /** Not connected, and it isn't just starting: the last try failed or was cut off, or the platform has no network. */
  readonly offline: boolean;
  /** How many writes no server has acknowledged, in all projects. */
  readonly pending: number;
  /** Why there is no connection, as far as the platform tells; null while nothing is wrong. */
  readonly problem: string | null;
}

/** A write that the server will not take. It is kept until `discard`. */
export interface RefusedWrite extends RefusedObject {
  readonly project: string;
}

export interface ClientEvents {
  status: ClientStatus;
  refused: RefusedWrite;
  /** What went wrong and isn't the answer to a call. The client goes on by itself. */
  error: RejoinError;
}

/** What changed in the views of a project; each thing once. */
export interface ProjectChange {
  readonly entries: readonly { readonly report: string; readonly entry: string }[];
  readonly threads: readonly string[];
  readonly comments: readonly { readonly thread: string; readonly comment: string }[];
}

export interface ProjectEvents {
  change: ProjectChange;
}

/** The listeners of an object, per event. */
export class Listeners<Events> {
  private readonly lists = new Map<keyof Events, Set<(event: never) => void>>();

  /** @returns takes the listener off again. */
  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const list = this.lists.get(name) ?? new Set();
    this.lists.set(name, list);
    // A wrapper, so that a listener that was added twice is called twice and taken off once.
    const own = (event: Events[Name]): void => listener(event);
    list.add(own);
    return () => void list.delete(own);
  }

  /** Calls all of them. One that throws doesn't keep the others, or the client, from going on. */
  tell<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const list = this.lists.get(name) as Set<(event: Events[Name]) => void> | undefined;
    for (const listener of [...(list ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        throwApart(error);
      }
    }
  }
}

/** As the platform treats an event listener that throws: the error reaches its global handlers. */
function throwApart(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
