// What the benchmarks write: entries as a crew's report tool uploads them, and datasets of the Universal Data Tool.

import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../src/model/json.ts';
import { clientFrame } from './frame-socket.ts';
import { HttpConnection, httpRequest, type HttpAnswer } from './http-connection.ts';
import type { Workbench } from './workbench.ts';

/** An upload of new entries, as a frame. About 500 bytes per entry. */
export function uploadFrame(project: string, muxId: string, count = 1): Buffer {
  const objects = Array.from({ length: count }, () => newEntry(project));
  return clientFrame(JSON.stringify({ type: 'upload', mux_id: muxId, objects }));
}

function newEntry(project: string): JsonObject {
  return {
    type: 'newentry',
    project_id: project,
    report_uuid: randomUUID(),
    entry_uuid: randomUUID(),
    version_uuid: randomUUID(),
    clip_id: 'A001_C004_0517QX',
    content: { camera: 'A', lens: '32 mm', filter: 'ND 0.6', comment: 'second take, good for sound' },
    modifies: null,
    reason: null,
    archivetime: null,
    authortime: '2024-05-17T09:30:00.000Z',
  };
}

/** How many samples the sessions have whose polls and PATCHes are measured: their cost is to be the same. */
export function sessionSizes(bench: Workbench): number[] {
  return bench.isQuick ? [100, 200] : [100, 1_000, 10_000, 100_000];
}

/** A new session over a text dataset with so many samples, all of them labelled. @returns its id. */
export async function createSession(url: string, samples: number): Promise<string> {
  const connection = await HttpConnection.open(url);
  try {
    return sessionIdIn(await connection.ask(sessionRequest(url, samples)));
  } finally {
    connection.close();
  }
}

/** The POST of such a dataset, ready to be sent: about 130 bytes per sample. */
export function sessionRequest(url: string, samples: number): Buffer {
  const settings = { type: 'text_classification', labels: ['positive', 'negative', 'neutral'] };
  const parts = [Buffer.from(`{"udt":{"interface":${JSON.stringify(settings)},"samples":[`)];
  for (let first = 0; first < samples; first += samplesPerPart) {
    const count = Math.min(samplesPerPart, samples - first);
    const texts = Array.from({ length: count }, (_, at) => JSON.stringify(sampleAt(first + at)));
    parts.push(Buffer.from(`${first > 0 ? ',' : ''}${texts.join(',')}`));
  }
  parts.push(Buffer.from(']}}'));
  return httpRequest(url, 'POST', '/api/session', Buffer.concat(parts));
}

/** @throws Error if no session was made. */
export function sessionIdIn({ status, body }: HttpAnswer): string {
  const { short_id: id } = status === 200 ? (JSON.parse(body.toString()) as { short_id?: unknown }) : {};
  if (typeof id !== 'string') throw new Error(`no session was made: ${status} ${body.toString()}`);
  return id;
}

function sampleAt(index: number): JsonObject {
  return {
    _id: `s${index}`,
    document: `The text of sample ${index}, which is about as long as a sentence usually is.`,
    annotation: 'neutral',
  };
}

/** So that no text gets too long to be one. */
const samplesPerPart = 10_000;

/** A patch that changes the label of one sample. @param sample its index, or for v2 clients its `_id`. */
export function labelPatch(sample: number | string, turn: number): { patch: JsonObject[] } {
  const value = turn % 2 === 0 ? 'positive' : 'negative';
  return { patch: [{ op: 'replace', path: `/samples/${sample}/annotation`, value }] };
}
