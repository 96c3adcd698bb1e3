// The public test suite of JSON Patch (npm `json-patch-test-suite`), read and checked.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { escapeKey, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';

export interface SuiteCase {
  readonly name: string;
  readonly doc: Json;
  /** Operations, some of which are none. */
  readonly patch: readonly Json[];
  readonly outcome: Expected | Refused;
}

interface Expected {
  readonly expected: Json;
}

/** `bad-request` for what is no operation, whatever the document is. */
interface Refused {
  readonly error: 'bad-request' | 'conflict';
}

/** All cases that the suite hasn't disabled; the names of the two files are spec_tests and tests. */
export function suiteCases(file: 'spec_tests' | 'tests'): SuiteCase[] {
  const path = createRequire(import.meta.url).resolve(`json-patch-test-suite/${file}.json`);
  const cases = suiteShape.parse(JSON.parse(readFileSync(path, 'utf8')));
  return cases.flatMap(({ comment, doc, patch, expected, error, disabled }, index) => {
    const name = `${file} ${index}: ${comment ?? JSON.stringify(patch)}`;
    const after = expected === undefined ? doc : expected;
    const outcome = error === undefined ? { expected: after } : refusedFor(error);
    return disabled ? [] : [{ name, doc, patch, outcome }];
  });
}

function refusedFor(error: string): Refused {
  return { error: /^(missing '\w+' parameter|Unrecognized op )/.test(error) ? 'bad-request' : 'conflict' };
}

const suiteShape = z.array(
  z.object({
    comment: z.string().optional(),
    doc: z.json(),
    patch: z.array(z.json()),
    expected: z.json().optional(),
    error: z.string().optional(),
    disabled: z.boolean().optional(),
  }),
);

/** The case with its document in a member of another one, because the root of ours is always an object. */
export function wrapped({ name, doc, patch, outcome }: SuiteCase, key: string): SuiteCase {
  const prefixed = (operation: Json): Json => {
    if (!isJsonObject(operation)) return operation;
    const pointers = ['path', 'from'].filter((field) => typeof operation[field] === 'string');
    const moved = pointers.map((field) => [field, `/${escapeKey(key)}${operation[field] as string}`]);
    return { ...operation, ...(Object.fromEntries(moved) as JsonObject) };
  };
  return {
    name: `${name}, in a member ${JSON.stringify(key)}`,
    doc: { other: [1], [key]: doc },
    patch: patch.map(prefixed),
    outcome: 'error' in outcome ? outcome : { expected: { other: [1], [key]: outcome.expected } },
  };
}

/** Whether the case can be had as it is. */
export function hasObjectRoot({ doc, outcome }: SuiteCase): boolean {
  return isJsonObject(doc) && ('error' in outcome || isJsonObject(outcome.expected));
}
