// What UDT's clients are answered, in the words of either generation (the tables of calls in docs/wires.md).

import type { UdtAnswer } from '../core/idempotency.ts';
import type { Project } from '../core/project.ts';
import type { UdtHashes } from '../core/udt-part.ts';
import type { UdtDialect, UdtDifferences } from '../core/udt-reads.ts';
import type { UdtState } from '../core/udt-versions.ts';
import type { JsonObject } from '../model/json.ts';
import { anonymous } from '../model/origin.ts';
import { printTime } from '../model/time.ts';
import { changeLogOf } from '../wire/udt-change-log.ts';

export function createdReply(dialect: UdtDialect, id: string, version: number, url: string): JsonObject {
  return dialect === 'v2' ? { short_id: id, summary_version: version } : { short_id: id, version, url };
}

/** @param state with what `GET /api/session/:id` is about: the whole document, or the summary document. */
export function sessionReply(
  dialect: UdtDialect,
  project: Project,
  { record, version, view }: UdtState & { readonly view: JsonObject },
): JsonObject {
  if (dialect === 'v2') return { ...view, shortId: project.id, summaryVersion: version };
  const { info } = project;
  return {
    short_id: project.id,
    version,
    udt_json: view,
    patch: record?.patch ?? [],
    user_name: record?.user ?? info?.session?.user ?? anonymous,
    created_at: printTime(record?.timeMs ?? info?.createdMs ?? 0),
    session_state_id: stateId(version),
    previous_session_state_id: record ? stateId(version - 1) : null,
  };
}

/** The hash of what clients of a generation have. */
export function hashFor(dialect: UdtDialect, { hash, summaryHash }: UdtHashes): number {
  return dialect === 'v2' ? summaryHash : hash;
}

export function patchReply(dialect: UdtDialect, answer: UdtAnswer): JsonObject {
  const { version } = answer;
  const hash = hashFor(dialect, answer);
  return dialect === 'v2'
    ? { latestSummaryVersion: version, hashOfLatestSummary: hash }
    : { latestVersion: version, hashOfLatestState: hash };
}

/** The text of `differencesReply` where nothing is new, as it is for most polls: at the least that it costs. */
export function nothingNewReply(dialect: UdtDialect, latest: UdtState): string {
  const { version } = latest;
  const hash = hashFor(dialect, latest);
  return `{"patch":[],"patches":[],"changeLog":[],"latestVersion":${version},"hashOfLatestState":${hash}}`;
}

export function differencesReply(dialect: UdtDialect, { versions, latest }: UdtDifferences): JsonObject {
  const patches = versions.map(({ patch }) => patch);
  return {
    patch: patches.flat(),
    patches,
    changeLog: changeLogOf(versions),
    latestVersion: latest.version,
    hashOfLatestState: hashFor(dialect, latest),
  };
}

export function stateId(version: number): string {
  return String(version);
}
