// The later vocabulary of `/ws`, for tests: requests in it, and what its names are, told without the server's own table.

import type { Json, JsonObject } from '../../src/model/json.ts';
import type { StreamClient } from './stream-client.ts';

/** Selectors of all kinds of a project. */
export function everythingOf(project: Json, since: Json = []): JsonObject {
  const selector = { since, match: 'project', value: project };
  return { entries: selector, topics: selector, comments: selector };
}

/** A message of the original vocabulary as the later one has it. */
export function inLaterNames(message: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => {
      if (name === 'type') return [name, value === 'thread' ? 'topic' : value];
      if (name === 'proj_id') return ['project', value];
      if (name === 'thread_uuid') return ['topic', value];
      const isUuid = /^(report|entry|version|comment|parent|user)_uuid$/.test(name);
      return [isUuid ? name.slice(0, -'_uuid'.length) : name, value];
    }),
  );
}

/** An object to be uploaded, under later names. */
export function laterUpload(object: JsonObject): JsonObject {
  const fields = Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name === 'project_id' ? 'project' : name, value]),
  );
  return {
    ...inLaterNames(fields),
    type: object['type'] === 'newthread' ? 'newtopic' : (object['type'] ?? null),
  };
}

/** Opens a stream with these selectors and waits for its answer. @returns its mux_id. */
export async function subscribeLater(client: StreamClient, selectors: JsonObject): Promise<string> {
  const muxId = client.newMuxId();
  await client.ask({ type: 'subscribe', mux_id: muxId, ...selectors });
  return muxId;
}

/** The history of these selectors, with the `sync` (or error) behind it. */
export async function fetchLater(
  client: StreamClient,
  selectors: JsonObject,
): Promise<{ objects: JsonObject[]; sync: JsonObject }> {
  const muxId = client.newMuxId();
  const sync = await client.ask({ type: 'fetch', mux_id: muxId, ...selectors });
  return { objects: client.objectsOf(muxId), sync };
}

/** The values of `version`. */
export function laterVersionsOf(objects: readonly JsonObject[]): Json[] {
  return objects.map(({ version }) => version ?? null);
}
