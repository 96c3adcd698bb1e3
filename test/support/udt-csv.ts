// How UDT writes and reads its CSV form, with its own library: the other side for tests of ours.

import jac from 'jac-format';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';

/** What UDT's library reads, before UDT leaves out everything but the interface and the samples. */
export function readAsUdt(csv: string): Json {
  return JSON.parse(JSON.stringify(jac.toJSON(csv, { derivePath: () => 'samples.*' }))) as Json;
}

/** The CSV that UDT downloads: a column for each field, at any depth and of any list item. */
export function printAsUdt(udt: JsonObject): string {
  const samples = isJsonArray(udt.samples) ? udt.samples : [];
  const columns = [...new Set(samples.flatMap((sample) => fieldNames(sample)))];
  const depth = (name: string): number => name.split('.').length;
  columns.sort((one, other) => depth(one) - depth(other));
  return jac.toCSV(udt, {
    rows: ['interface', ...samples.map((_, i) => `samples.${i}`)],
    columns: ['.', ...columns],
    validate: false,
  });
}

function fieldNames(value: Json | undefined, prefix = ''): string[] {
  const entries = isJsonArray(value) || isJsonObject(value) ? Object.entries(value) : [];
  if (entries.length === 0) return prefix === '' ? [] : [prefix];
  return entries.flatMap(([key, member]: [string, Json]) =>
    fieldNames(member, prefix === '' ? key : `${prefix}.${key}`),
  );
}
