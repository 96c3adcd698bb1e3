// The shapes that queries and answers of the REST interface share, with what a reader of its OpenAPI document is told.

import { z } from 'zod';

export const vectorShape = z
  .array(z.tuple([z.int().min(0), z.int().min(0)]).describe('[server id, seqno]'))
  .meta({
    description: 'A version vector: the highest seqno per server id.',
    examples: [
      [
        [35110244635296, 5],
        [7, 2],
      ],
    ],
  });

export const projectIdShape = z
  .string()
  .min(1)
  .max(256)
  .describe('The id of a project, at most 256 bytes of UTF-8; also of one that is named by a number.');

export const timeShape = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .describe('A time: YYYY-MM-DDTHH:MM:SS.mmmZ');

export const countShape = z.int().min(0);

/** A uuid of an object or of what it is about. */
export const uuidShape = z.string().min(1).max(128);

export const changeKinds = ['entry', 'thread', 'comment', 'patch'] as const;

export type ChangeKind = (typeof changeKinds)[number];
