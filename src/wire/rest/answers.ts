// The shapes of what the REST interface answers. The OpenAPI document is made of them, and tests hold the answers to them.

import { z } from 'zod';
import { errorCodes } from '../../errors.ts';
import { countShape, projectIdShape, timeShape, uuidShape, vectorShape } from './shapes.ts';

const author = {
  user_id: z.string().nullable(),
  user_uuid: z.string().nullable(),
  author: z.string().nullable().describe('What the author goes by, as their client has said it.'),
  authortime: timeShape,
};

const rowVersionShape = z.object({
  version_uuid: uuidShape,
  clip_id: z.string().nullable(),
  content: z.record(z.string(), z.string()),
  deleted: z.boolean(),
  reason: z.string().nullable(),
  ...author,
});

const rowShape = rowVersionShape
  .extend({
    report_uuid: uuidShape,
    entry_uuid: uuidShape,
    conflicts: z
      .array(rowVersionShape)
      .describe('Every other version that no edit names: who wrote what, when and why. The latest first.'),
  })
  .describe('The current row of an entry: its latest version that no edit names.');

const threadShape = z.object({
  thread_uuid: uuidShape,
  version_uuid: uuidShape,
  name: z.string().nullable(),
  links: z.array(z.unknown()).nullable(),
  ...author,
});

const commentShape = z.object({
  comment_uuid: uuidShape,
  thread_uuid: uuidShape,
  parent_uuid: z.string().nullable(),
  version_uuid: uuidShape,
  body: z.string().nullable(),
  deleted: z.boolean(),
  ...author,
});

const listedShape = z.object({
  id: projectIdShape,
  created: timeShape.nullable().describe('Null if its entry in the catalogue is damaged.'),
  session: z.boolean().nullable().describe("Whether it is one of UDT's sessions."),
  open: z.boolean().describe('Whether the server has it in memory at the moment.'),
  deleted: timeShape.optional(),
  damaged: z.literal(true).optional(),
});

const projectShape = z.object({
  id: projectIdShape,
  created: timeShape,
  session: z.boolean().describe("Whether it is one of UDT's sessions."),
  vector: vectorShape,
  position: countShape.describe("How many changes are in this server's log of it."),
  counts: z.object({
    entries: countShape.describe('Versions of entries; all are kept.'),
    threads: countShape,
    comments: countShape,
    changes: countShape,
  }),
  bytes: countShape.describe(
    'About what it takes on disk. What was written lately counts only when the database has made a table of it.',
  ),
  last_change: z
    .object({
      time: timeShape,
      user: z.string(),
      protocol: z.enum(['stream', 'udt', 'yjs', 'server']),
      kind: z.enum(['update', 'entry', 'thread', 'comment', 'udt', 'session', 'slice', 'closing']),
    })
    .nullable(),
  damage: z.string().optional().describe('What is known to be lost.'),
});

const readAt = { project: projectIdShape, vector: vectorShape.describe('What it was read at.') };

/** By the name that each has in the OpenAPI document. */
export const answers = {
  VersionVector: vectorShape,
  Row: rowShape,
  Thread: threadShape,
  Comment: commentShape,
  ListedProject: listedShape,
  Projects: z.object({
    projects: z.array(listedShape),
    next: projectIdShape.nullable().describe('What `after` is for the next page; null on the last.'),
  }),
  Project: projectShape,
  Deleted: z.object({ deleted: timeShape, vector: vectorShape }),
  Uploaded: z.object({
    uploaded: countShape.describe('How many objects were sent. Those that were known are among them.'),
    vector: vectorShape,
  }),
  Rows: z.object({ ...readAt, entries: z.array(rowShape) }),
  Threads: z.object({ ...readAt, threads: z.array(threadShape) }),
  Comments: z.object({ ...readAt, comments: z.array(commentShape) }),
  Document: z.object({
    ...readAt,
    document: z.looseObject({
      udt: z.looseObject({}),
      entries: z.looseObject({}),
      threads: z.looseObject({}),
      comments: z.looseObject({}),
    }),
  }),
  Error: z.object({ error: z.object({ code: z.enum(errorCodes), message: z.string() }) }),
} as const;

export type AnswerName = keyof typeof answers;
