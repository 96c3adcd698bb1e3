// Waiting until the clients of one UDT session show what the server has, on both dialects (UDT-18).

import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { UdtClient } from './udt-client.ts';
import { samplesOf, type V1Screen } from './udt-v1-screen.ts';
import { without, type V2Client } from './udt-v2-client.ts';

/** Only a failure takes as long. */
const withinMs = 30_000;
const pauseMs = 10;

export interface Clients {
  readonly v1?: readonly V1Screen[];
  readonly v2?: readonly V2Client[];
}

/**
 * Resolves with the file when every screen, every silent state, every summary and every answer of the server agree.
 * @throws Error that shows where they still differ when time is up, or why a client has stopped polling.
 */
export async function agree(
  { v1 = [], v2 = [] }: Clients,
  holds: (udt: JsonObject) => boolean = () => true,
): Promise<JsonObject> {
  const [first] = [...v1, ...v2];
  if (!first) throw new Error('there is no client');
  const server = new UdtClient(first.base, first.id);
  const deadline = Date.now() + withinMs;
  while (true) {
    const { udt_json: udt } = await server.get();
    const views: [name: string, has: unknown, should: unknown][] = [];
    for (const screen of v1) {
      screen.checkPolls();
      views.push(['a v1 silent state', screen.silentState, udt], ['a v1 screen', screen.shown, udt]);
    }
    for (const client of v2) {
      client.checkPolls();
      views.push(
        ['a v2 summary', client.shown, await client.reload()],
        ['a v2 view without its summary', without(client.shown, 'summary'), without(udt, 'samples')],
        ['the labels of a v2 summary', client.samples.map((s) => s.hasAnnotation), labelsOf(udt)],
        ['the download', await client.download(), udt],
      );
    }
    const different = views.find(([, has, should]) => !isDeepStrictEqual(has, should));
    if (!different && holds(udt)) return udt;
    if (Date.now() > deadline) {
      if (different) assert.equal(different[1], different[2], `${different[0]} differs from the server's`);
      throw new Error(`the session came to another end: ${JSON.stringify(udt)}`);
    }
    await sleep(pauseMs);
  }
}

/** By every sample's id, read one by one: what it is, in the order of the summary. */
export async function readSamples(client: V2Client): Promise<JsonObject[]> {
  const samples = [];
  for (const [index, { _id }] of client.samples.entries()) {
    const sample = await client.getSample(_id);
    assert.is(sample._id, _id);
    assert.equal(await client.getSample(index), sample, 'by its index it is the same');
    samples.push(sample);
  }
  return samples;
}

/** Whether each sample is labelled (UDT-16). */
function labelsOf(udt: JsonObject): boolean[] {
  return samplesOf(udt).map(({ annotation }) => annotation !== undefined && annotation !== null);
}

/** No poll of these screens made them read everything again: the patches were exact (UDT-2, UDT-9). */
export function neverRefetchedAfterPoll(...screens: readonly V1Screen[]): void {
  for (const { refetchedAfter } of screens) assert.not(refetchedAfter.includes('poll'), 'needless refetch');
}
