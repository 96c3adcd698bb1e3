// JSON Schemas of the OpenAPI and AsyncAPI documents, as validators: by an independent library.

import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject } from '../../src/model/json.ts';

/**
 * @param document whose components are referred to.
 * @returns what says which errors a value has by a schema; none if it is valid.
 */
export function validators(document: JsonObject): (schema: JsonObject) => (value: unknown) => string[] {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: false });
  const components = { $id: 'document', components: document['components'] ?? null };
  ajv.addVocabulary(['components']);
  ajv.addSchema(components, 'document');
  return (schema) => {
    const validate = ajv.compile(absolute(schema));
    return (value) => {
      if (validate(value)) return [];
      return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
    };
  };
}

/** References into the document, from wherever the schema is compiled. */
function absolute(schema: JsonObject): JsonObject {
  return JSON.parse(
    JSON.stringify(schema).replaceAll('"#/components', '"document#/components'),
  ) as JsonObject;
}
