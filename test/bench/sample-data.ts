// What the benchmarks write: entries as a crew's report tool uploads them, and datasets of the Universal Data Tool.

import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../src/model/json.ts';
import { askOnce } from './http-connection.ts';
import { clientFrame } from './frame-socket.ts';

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

/** A new session over a text dataset with so many samples, all of them labelled. @returns its id. */
export async function createSession(url: string, samples: number): Promise<string> {
  const udt = {
    interface: { type: 'text_classification', labels: ['positive', 'negative', 'neutral'] },
    samples: Array.from({ length: samples }, (_, i) => ({
      _id: `s${i}`,
      document: `The text of sample ${i}, which is about as long as a sentence usually is.`,
      annotation: 'neutral',
    })),
  };
  const { body } = await askOnce(url, 'POST', '/api/session', { udt });
  const { short_id: id } = JSON.parse(body.toString()) as { short_id?: unknown };
  if (typeof id !== 'string') throw new Error('no session was made');
  return id;
}

/** A patch that changes the label of one sample. */
export function labelPatch(sample: number, turn: number): { patch: JsonObject[] } {
  const value = turn % 2 === 0 ? 'positive' : 'negative';
  return { patch: [{ op: 'replace', path: `/samples/${sample}/annotation`, value }] };
}
