// Uuids that follow from a name, version 5 of RFC 9562: whoever uploads the same row again names it by the same uuid.

import { createHash } from 'node:crypto';

/** Rejoin's own namespace, so that no other program's names lead to the same uuids. */
const namespace = Buffer.from('1c0b6c5e7f4a4a3a9a51d0a7c39be2f4', 'hex');

/** @param parts of the name; ["a", "b"] and ["ab"] are different names. */
export function uuidOfName(parts: readonly string[]): string {
  const bytes = createHash('sha1').update(namespace).update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
