// Random patches by UDT's clients that touch what a summary of samples tells: which there are, their `_id`s and labels.

import * as prng from 'lib0/prng';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import type { SummarySample } from './udt-v2-client.ts';

/** Few, so that there are duplicates, and some that no client can use. */
export const ownIds: readonly Json[] = ['a', 'b', 'c', 'd', '7', 's1-2', 'x/y', 5];

export function randomSample(random: prng.PRNG): JsonObject {
  return {
    ...(prng.bool(random) && { _id: prng.oneOf(random, [...ownIds]) }),
    document: prng.word(random, 1, 4),
    ...(prng.int32(random, 0, 2) === 0 && { annotation: prng.oneOf(random, [null, 'x', 'y']) }),
  };
}

export function randomSamples(random: prng.PRNG, countMax: number): JsonObject[] {
  return Array.from({ length: prng.int32(random, 0, countMax) }, () => randomSample(random));
}

/** A v1 client's: a few operations made against this file. They may not fit each other. */
export function randomSamplePatch(random: prng.PRNG, udt: JsonObject): Operation[] {
  const samples = isJsonArray(udt['samples']) ? udt['samples'] : [];
  return Array.from({ length: prng.int32(random, 1, 3) }, () => randomOperation(random, samples));
}

function randomOperation(random: prng.PRNG, samples: readonly Json[]): Operation {
  const index = prng.int32(random, 0, Math.max(samples.length - 1, 0));
  const path = `/samples/${index}`;
  const isNone = samples.length === 0;
  switch (isNone ? prng.int32(random, 8, 12) : prng.int32(random, 0, 12)) {
    case 0:
    case 1:
      return { op: 'add', path: `${path}/annotation`, value: prng.oneOf(random, [null, 'x', 'y', {}]) };
    case 2:
      return { op: 'add', path: `${path}/_id`, value: prng.oneOf(random, [...ownIds]) };
    case 3:
      return { op: 'remove', path: `${path}/_id` };
    case 4:
      return { op: 'remove', path };
    case 5:
      return { op: 'add', path, value: randomSample(random) };
    case 6:
      return { op: 'replace', path, value: randomSample(random) };
    case 7:
      return { op: 'move', from: path, path: `/samples/${prng.int32(random, 0, samples.length - 1)}` };
    case 8:
      return { op: 'replace', path: '/name', value: prng.word(random, 1, 3) };
    case 9:
      return { op: 'replace', path: '/samples', value: shuffled(random, samples) };
    case 10:
      return prng.int32(random, 0, 3) === 0
        ? prng.oneOf(random, [
            { op: 'remove', path: '/samples' },
            { op: 'replace', path: '/samples', value: { a: 1 } },
            { op: 'add', path: '/summary', value: { samples: 'of the file' } },
            { op: 'replace', path: '/samples', value: ['plain', 1, [], randomSample(random)] },
          ] satisfies Operation[])
        : { op: 'add', path: '/list', value: [{ a: 1 }, { b: prng.word(random, 1, 2) }] };
    case 11:
      return { op: 'replace', path: '/samples', value: randomSamples(random, 5) };
    default:
      return isNone
        ? { op: 'add', path: '/samples', value: randomSamples(random, 5) }
        : { op: 'add', path: '/samples/-', value: randomSample(random) };
  }
}

/** In another order, perhaps without some, perhaps with others. */
function shuffled(random: prng.PRNG, samples: readonly Json[]): Json[] {
  const rest = [...samples];
  const others: Json[] = [];
  while (rest.length > 0) {
    const [sample = null] = rest.splice(prng.int32(random, 0, rest.length - 1), 1);
    const choice = prng.int32(random, 0, 6);
    if (choice > 0) others.push(choice === 1 && isJsonObject(sample) ? { ...sample, document: 'w' } : sample);
    if (choice === 2) others.push(randomSample(random));
  }
  return others;
}

/** A v2 client's, made against this summary. */
export function randomV2Patch(random: prng.PRNG, samples: readonly SummarySample[]): Operation[] {
  if (samples.length === 0) return [{ op: 'add', path: '/samples/0', value: randomSample(random) }];
  const partOf = (): string => {
    const index = prng.int32(random, 0, samples.length - 1);
    return prng.int32(random, 0, 3) === 0 ? String(index) : samples[index]!._id;
  };
  const one = (): Operation => {
    const part = partOf();
    switch (prng.int32(random, 0, 5)) {
      case 0:
        return { op: 'remove', path: `/samples/${part}` };
      case 1:
        return { op: 'add', path: `/samples/${prng.bool(random) ? 99 : part}`, value: randomSample(random) };
      case 2:
        return { op: 'replace', path: `/samples/${part}/annotation`, value: 'v2' };
      case 3:
        return { op: 'replace', path: '/interface', value: { type: prng.word(random, 1, 2) } };
      default:
        return {
          op: 'replace',
          path: `/samples/${part}`,
          value: { ...randomSample(random), ...(prng.bool(random) && { _id: part }) },
        };
    }
  };
  return Array.from({ length: prng.int32(random, 1, 3) }, one);
}
