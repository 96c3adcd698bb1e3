// The smallest valid fields of each kind of object, and a check that others are refused by name.

import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { checkObject, type ObjectKind } from '../../src/model/objects.ts';

export const entry: JsonObject = {
  report_uuid: 'r',
  entry_uuid: 'e',
  version_uuid: 'v',
  clip_id: 'A001',
  content: { camera: 'A' },
};
export const thread: JsonObject = { thread_uuid: 't', version_uuid: 'v' };
export const comment: JsonObject = { comment_uuid: 'c', thread_uuid: 't', version_uuid: 'v' };

/** Checks that the fields are refused as a bad request whose message starts so. */
export function refuses(kind: ObjectKind, fields: JsonObject, message: string) {
  assert.throws(
    () => checkObject(kind, fields, 'objects[3]'),
    (error: unknown) => {
      if (!(error instanceof RejoinError)) throw error;
      assert.is(error.code, 'bad-request');
      assert.ok(error.message.startsWith(message), `${error.message}\nshould start with\n${message}`);
      return true;
    },
  );
}
