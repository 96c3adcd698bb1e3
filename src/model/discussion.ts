// The threads and comments of a project as they are shown: of each its latest version (WS-16).

import { compare, compareVersions, textOf, textOrNull, uuidOf } from './head-order.ts';
import { isJsonArray, type Json, type JsonObject } from './json.ts';

/** A thread at its latest version. Names are those of `/ws`. */
export interface Thread {
  readonly thread_uuid: string;
  readonly version_uuid: string;
  readonly name: string | null;
  /** What it is about, such as `["report", uuid]`; kept as sent (WS-15). */
  readonly links: readonly Json[] | null;
  readonly user_id: string | null;
  readonly user_uuid: string | null;
  /** What its author goes by, as the author's client said: nobody has checked it. */
  readonly author: string | null;
  readonly authortime: string;
}

/** A comment at its latest version. Names are those of `/ws`. */
export interface Comment {
  readonly comment_uuid: string;
  readonly thread_uuid: string;
  /** The comment that it answers. */
  readonly parent_uuid: string | null;
  readonly version_uuid: string;
  /** Null if it was deleted. */
  readonly body: string | null;
  readonly deleted: boolean;
  readonly user_id: string | null;
  readonly user_uuid: string | null;
  /** What its author goes by, as the author's client said: nobody has checked it. */
  readonly author: string | null;
  readonly authortime: string;
}

export function threadOf(latest: JsonObject): Thread {
  const { links } = latest;
  return {
    thread_uuid: textOf(latest, 'thread_uuid'),
    version_uuid: uuidOf(latest),
    name: textOrNull(latest, 'name'),
    links: isJsonArray(links) ? links : null,
    ...authorOf(latest),
  };
}

export function commentOf(latest: JsonObject): Comment {
  const body = textOrNull(latest, 'body');
  return {
    comment_uuid: textOf(latest, 'comment_uuid'),
    thread_uuid: textOf(latest, 'thread_uuid'),
    parent_uuid: textOrNull(latest, 'parent_uuid'),
    version_uuid: uuidOf(latest),
    body,
    deleted: body === null,
    ...authorOf(latest),
  };
}

/** All versions of things that have a uuid of their own, of which the latest counts. */
export class LatestVersions {
  private readonly versions = new Map<string, JsonObject[]>();

  /** @param idField the field that all versions of one thing share. */
  constructor(private readonly idField: 'thread_uuid' | 'comment_uuid') {}

  /** The version of the same uuid, if it is known. */
  find(value: JsonObject): JsonObject | undefined {
    return this.versions.get(textOf(value, this.idField))?.find((known) => uuidOf(known) === uuidOf(value));
  }

  /** Adds a version, or puts it in the place of the one with its uuid. */
  put(value: JsonObject): void {
    const id = textOf(value, this.idField);
    const others = (this.versions.get(id) ?? []).filter((known) => uuidOf(known) !== uuidOf(value));
    this.versions.set(id, [...others, value].sort(compareVersions));
  }

  remove(value: JsonObject): void {
    const id = textOf(value, this.idField);
    const others = (this.versions.get(id) ?? []).filter((known) => uuidOf(known) !== uuidOf(value));
    if (others.length > 0) this.versions.set(id, others);
    else this.versions.delete(id);
  }

  latest(id: string): JsonObject | undefined {
    return this.versions.get(id)?.at(-1);
  }

  /** The latest version of each, in the order in which the things were first authored. */
  all(): JsonObject[] {
    return [...this.versions]
      .map(([id, versions]) => ({
        id,
        first: textOf(versions[0] ?? {}, 'authortime'),
        latest: versions.at(-1),
      }))
      .sort((a, b) => compare(a.first, b.first) || compare(a.id, b.id))
      .map(({ latest }) => latest)
      .filter((latest) => latest !== undefined);
  }
}

function authorOf(version: JsonObject): Pick<Thread, 'user_id' | 'user_uuid' | 'author' | 'authortime'> {
  return {
    user_id: textOrNull(version, 'user_id'),
    user_uuid: textOrNull(version, 'user_uuid'),
    author: textOrNull(version, 'author'),
    authortime: textOf(version, 'authortime'),
  };
}
