// JSON text of a file, parsed and checked, with the place where it stops being JSON. The readers of JSON files call it.

import { RejoinError } from '../errors.ts';
import { isDeeperThan, jsonDepthMax, parseJson, type Json } from '../model/json.ts';
import { firstJsonError } from './first-json-error.ts';

/** @throws RejoinError `bad-request` such as "is not JSON: line 2, column 7: …". */
export function parseJsonText(text: string): Json {
  try {
    return parseJson(text);
  } catch (error) {
    // Who looks for the place goes down as deep as the text does.
    const place = isDeeperThan(text, jsonDepthMax) ? undefined : firstJsonError(text);
    if (place === undefined) throw error;
    throw new RejoinError('bad-request', `is not JSON: ${place}`, { cause: error });
  }
}
