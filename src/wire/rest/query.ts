// The query strings of the REST interface: what each route takes. The adapter parses with it, and the OpenAPI document is
// made of it.

import { z } from 'zod';
import { RejoinError } from '../../errors.ts';
import { parseJson } from '../../model/json.ts';
import { parseProjectId, type ProjectId } from '../../model/project-id.ts';
import { parseVersionVector, type VersionVector } from '../../model/version-vector.ts';
import { streamLimits } from '../stream/messages.ts';
import { changeKinds, projectIdShape, uuidShape, vectorShape, type ChangeKind } from './shapes.ts';

/** One parameter: how its text is read, and what is told of it. */
export interface Parameter<T> {
  readonly description: string;
  /** Of its value. */
  readonly shape: z.ZodType;
  /** How a value is written: as it is, as JSON, or as a list with commas. */
  readonly form: 'plain' | 'json' | 'list';
  /** What it is when it isn't given. */
  readonly otherwise: T;
  /** @throws RejoinError `bad-request` that names the parameter. */
  readonly parse: (text: string, name: string) => T;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

type Values<P extends Parameters> = {
  readonly [Name in keyof P]: P[Name] extends Parameter<infer T> ? T : never;
};

/** The most that a page of the catalogue may have. */
export const pageProjectsMax = 1_000;

const deleted = (what: string): Parameter<boolean> => flag(`Also ${what} that were deleted.`, false);

const at: Parameter<VersionVector | null> = {
  ...vector(
    'The project as it was then: the changes with at most these seqnos, and none of servers that are not named. What is not known here yet is not in it; `vector` of the answer says what is.',
  ),
  otherwise: null,
};

export const queries = {
  projects: {
    limit: integer(1, pageProjectsMax, 100, 'How many projects at most.'),
    after: {
      description: 'The id behind which the page begins: `next` of the page before.',
      shape: projectIdShape,
      form: 'plain',
      otherwise: null,
      parse: (text: string, name: string) => parseProjectId(text, name),
    } satisfies Parameter<ProjectId | null>,
    deleted: deleted('projects'),
  },
  entries: { report: uuid('Only rows of this report.'), at, deleted: deleted('rows') },
  threads: { at },
  comments: { thread: uuid('Only comments of this thread.'), at, deleted: deleted('comments') },
  changes: {
    since: {
      ...vector(
        'What is known already, exclusive: the highest seqno per server id. Nothing brings everything.',
      ),
      otherwise: new Map(),
    } satisfies Parameter<VersionVector>,
    live: flag('Whether to go on with changes as they happen, behind what there is.', true),
    kinds: kinds('Only changes of these kinds.'),
  },
} as const satisfies Record<string, Parameters>;

/** Of routes that take no parameters. */
export const noParameters = {} as const satisfies Parameters;

/**
 * Reads a query string.
 * @throws RejoinError `bad-request` that names the parameter, also for one that there isn't: it would be a filter that does
 *   nothing.
 */
export function parseQuery<P extends Parameters>(parameters: P, query: URLSearchParams): Values<P> {
  const unknown = [...query.keys()].find((name) => !Object.hasOwn(parameters, name));
  if (unknown !== undefined) throw unknownParameter(unknown, Object.keys(parameters));
  const values = Object.entries(parameters).map(([name, { otherwise, parse }]) => {
    const [text, ...more] = query.getAll(name);
    if (more.length > 0) throw refusal(name, 'must be given once');
    return [name, text === undefined ? otherwise : parse(text, name)];
  });
  return Object.fromEntries(values) as Values<P>; // each name has what its parameter has parsed
}

/** The `Last-Event-ID` of a client that comes back: the version vector behind the last event that it has seen. */
export function parseLastEventId(id: string): VersionVector {
  return readVector(id, 'Last-Event-ID');
}

function unknownParameter(name: string, known: readonly string[]): RejoinError {
  const there = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  return refusal(JSON.stringify(name), `is no parameter here: ${there}`);
}

function integer(min: number, max: number, otherwise: number, description: string): Parameter<number> {
  const shape = z.int().min(min).max(max).default(otherwise);
  const parse = (text: string, name: string): number => {
    const read = shape.safeParse(/^\d{1,15}$/.test(text) ? Number(text) : null);
    if (read.success) return read.data;
    throw refusal(name, `must be an integer from ${min} to ${max}`);
  };
  return { description, shape, form: 'plain', otherwise, parse };
}

function flag(description: string, otherwise: boolean): Parameter<boolean> {
  const parse = (text: string, name: string): boolean => {
    if (text === 'true' || text === 'false') return text === 'true';
    throw refusal(name, 'must be true or false');
  };
  return { description, shape: z.boolean().default(otherwise), form: 'plain', otherwise, parse };
}

function uuid(description: string): Parameter<string | null> {
  const parse = (text: string, name: string): string => {
    if (uuidShape.safeParse(text).success) return text;
    throw refusal(name, 'must be a uuid: 1 to 128 characters');
  };
  return { description, shape: uuidShape, form: 'plain', otherwise: null, parse };
}

function kinds(description: string): Parameter<ReadonlySet<ChangeKind>> {
  const shape = z.array(z.enum(changeKinds)).min(1);
  const parse = (text: string, name: string): ReadonlySet<ChangeKind> => {
    const read = shape.safeParse(text.split(','));
    if (read.success) return new Set(read.data);
    throw refusal(name, `must be some of ${changeKinds.join(', ')}, with commas between them`);
  };
  return { description, shape, form: 'list', otherwise: new Set(changeKinds), parse };
}

function vector(description: string): Omit<Parameter<VersionVector>, 'otherwise'> {
  return { description, shape: vectorShape, form: 'json', parse: readVector };
}

function readVector(text: string, name: string): VersionVector {
  let pairs: unknown;
  try {
    pairs = parseJson(text);
  } catch {
    throw refusal(name, 'must be a version vector in JSON, such as [[7,5]]');
  }
  return parseVersionVector(pairs, name, streamLimits.sinceEntriesMax);
}

function refusal(name: string, problem: string): RejoinError {
  return new RejoinError('bad-request', `${name} ${problem}`);
}
