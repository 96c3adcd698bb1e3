// A model of the patch library in the v1 UDT client (UDT-9), made from its behaviour: it decodes nothing, drops empty
// parts of a path, overwrites on a numeric `add`, and throws where the client would stop polling for good.

import { isJsonArray, isJsonObject, type Json } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';

export function applyAsV1Client(document: Json, patch: readonly Operation[]): Json {
  return patch.reduce(applyOperation, document);
}

function applyOperation(document: Json, operation: Operation): Json {
  const parts = operation.path.split('/').filter((part) => part !== '');
  switch (operation.op) {
    case 'replace':
      return parts.length === 0 ? operation.value : withPart(document, parts, operation.value);
    case 'add':
      return withAdded(document, parts, operation.value);
    case 'remove': {
      if (parts.length < 2) throw new TypeError('Cannot convert undefined or null to object');
      const parent = partAt(document, parts.slice(0, -1));
      return withPart(document, parts.slice(0, -1), withoutPart(parent, parts.at(-1)!));
    }
    default:
      throw new Error(`${operation.op} is not to be sent`);
  }
}

function withAdded(document: Json, parts: readonly string[], value: Json): Json {
  const last = parts.at(-1);
  if (last === undefined) throw new Error('Operation on root object not supported');
  if (!Number.isNaN(parseInt(last))) return withPart(document, parts, value);
  const target = last === '-' ? parts.slice(0, -1) : parts;
  const present = partAt(document, target);
  return withPart(document, target, isJsonArray(present) ? [...present, value] : value);
}

function withPart(container: Json | undefined, parts: readonly string[], value: Json): Json {
  const [head, ...tail] = parts;
  if (head === undefined) throw new TypeError('a path must have at least one part');
  const below = tail.length === 0 ? value : withPart(partAt(container, [head]), tail, value);
  if (isJsonArray(container)) return container.toSpliced(Number(head), 1, below);
  return { ...(isJsonObject(container) ? container : {}), [head]: below };
}

function withoutPart(container: Json | undefined, part: string): Json {
  if (isJsonArray(container)) return container.toSpliced(parseInt(part), 1);
  if (!isJsonObject(container)) throw new TypeError('Cannot convert undefined or null to object');
  return Object.fromEntries(Object.entries(container).filter(([key]) => key !== part));
}

function partAt(container: Json | undefined, parts: readonly string[]): Json | undefined {
  return parts.reduce<Json | undefined>((at, part) => {
    if (isJsonArray(at)) return at[Number(part)];
    return isJsonObject(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  }, container);
}
