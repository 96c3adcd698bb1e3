// Reads `subscribe` and `fetch` in either vocabulary. parse.ts calls it.

import { RejoinError } from '../../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts';
import type { ObjectKind } from '../../model/objects.ts';
import { parseProjectId, type ProjectId } from '../../model/project-id.ts';
import type { Match, Selection } from '../../model/selection.ts';
import { parseVersionVector, type VersionVector } from '../../model/version-vector.ts';
import type { StreamLimits, StreamRequest, Vocabulary } from './messages.ts';
import type { MuxId } from './mux-id.ts';
import { hasProjectId, readProjectId } from './uploaded-object.ts';

/**
 * Reads a stream's request. A selector that is an object, or `topics`, makes it one in the later vocabulary.
 * @throws RejoinError `bad-request` that names the field, `too-large` for too many pairs in `since`.
 */
export function parseStreamRequest(
  type: StreamRequest['type'],
  muxId: MuxId,
  message: JsonObject,
  limits: StreamLimits,
): StreamRequest {
  const selectors = sentSelectors(message);
  return vocabularyOf(selectors) === 'later'
    ? { type, muxId, ...parseLater(message, selectors, limits) }
    : { type, muxId, ...parseOriginal(message, selectors, limits) };
}

type Asked = Pick<StreamRequest, 'vocabulary' | 'projectId' | 'selection'>;
type SelectorName = 'entries' | 'threads' | 'topics' | 'comments' | 'udt';
type Selectors = ReadonlyMap<SelectorName, Json>;
type MatchWord = Match['field'] | 'project';

const selectorNames: readonly SelectorName[] = ['entries', 'threads', 'topics', 'comments', 'udt'];

/** Selectors that clients of the later vocabulary know and that have nothing to select here. */
const unservedNames = ['users', 'projects', 'permissions'];

const kindOfSelector: Record<Exclude<SelectorName, 'udt'>, ObjectKind> = {
  entries: 'entry',
  threads: 'thread',
  topics: 'thread',
  comments: 'comment',
};

/** What each selector of the later vocabulary can match (WS-7). */
const matchWords: Record<Exclude<SelectorName, 'threads'>, readonly MatchWord[]> = {
  entries: ['project', 'report', 'user'],
  topics: ['project', 'user'],
  comments: ['project', 'topic', 'user'],
  udt: ['project'],
};

/** Null counts as absent. */
function sentSelectors(message: JsonObject): Selectors {
  for (const name of unservedNames)
    if ((message[name] ?? null) !== null)
      throw refusal(`${name} cannot be streamed here: a stream has entries, topics, comments and udt`);
  const sent = selectorNames.map((name): [SelectorName, Json] => [name, message[name] ?? null]);
  return new Map(sent.filter(([, selector]) => selector !== null));
}

function vocabularyOf(selectors: Selectors): Vocabulary {
  const later = [...selectors].find(
    ([name, selector]) => name === 'topics' || (name !== 'threads' && isJsonObject(selector)),
  )?.[0];
  if (later === undefined) return 'original';
  for (const [name, selector] of selectors) {
    if (name === 'threads')
      throw refusal(`threads and ${later} are of two vocabularies: select topics in place of threads`);
    if (selector === '*' && name !== 'udt' && later !== name)
      throw refusal(`${name} is "*" and ${later} a selector of the later vocabulary: use one for both`);
  }
  return 'later';
}

// ---- original

function parseOriginal(message: JsonObject, selectors: Selectors, limits: StreamLimits): Asked {
  for (const [name, selector] of selectors)
    if (selector !== '*')
      throw refusal(
        name === 'threads' ? 'threads must be "*"' : `${name} must be "*", or an object ${laterShape(name)}`,
      );
  const projectId = readProjectId(message, '');
  const since = parseVersionVector(message['since'] ?? [], 'since', limits.sinceEntriesMax);
  const objects = [...selectors.keys()].flatMap((name): Selection[] =>
    name === 'udt' ? [] : [{ kind: kindOfSelector[name], since, match: null }],
  );
  return {
    vocabulary: 'original',
    projectId,
    selection: { objects, udt: selectors.has('udt') ? since : null },
  };
}

// ---- later

interface LaterSelector {
  readonly name: SelectorName;
  readonly since: VersionVector;
  readonly match: { readonly word: MatchWord; readonly value: string } | null;
}

function parseLater(message: JsonObject, sent: Selectors, limits: StreamLimits): Asked {
  if ((message['since'] ?? null) !== null)
    throw refusal('since belongs into each selector, in the later vocabulary: {"since": …, "match": …}');
  const selectors = [...sent].map(([name, selector]) => parseSelector(name, selector, limits));
  const objects = selectors.flatMap(({ name, since, match }): Selection[] => {
    if (name === 'udt') return [];
    const objectMatch = !match || match.word === 'project' ? null : { field: match.word, value: match.value };
    return [{ kind: kindOfSelector[name], since, match: objectMatch }];
  });
  const udt = selectors.find(({ name }) => name === 'udt')?.since ?? null;
  return {
    vocabulary: 'later',
    projectId: projectOf(message, selectors),
    selection: { objects, udt },
  };
}

function parseSelector(name: SelectorName, sent: Json, limits: StreamLimits): LaterSelector {
  if (name === 'udt' && sent === '*') return { name, since: new Map(), match: null };
  if (name === 'threads' || !isJsonObject(sent))
    throw refusal(`${name} must be an object ${laterShape(name)}`);
  const since = parseVersionVector(sent['since'] ?? [], `${name}.since`, limits.sinceEntriesMax);
  const words = matchWords[name];
  const sentMatch = sent['match'] ?? null;
  const value = sent['value'] ?? null;
  if (sentMatch === null && value === null) return { name, since, match: null };
  const word = words.find((known) => known === sentMatch);
  if (word === undefined) throw refusal(`${name}.match must be ${oneOf(words)}`);
  if (word === 'project')
    return { name, since, match: { word, value: parseProjectId(value, `${name}.value`) } };
  if (typeof value !== 'string' || value === '')
    throw refusal(`${name}.value must be the uuid of a ${word}: a string that is not empty`);
  return { name, since, match: { word, value } };
}

/** The project that the request names; null where a report or a topic leads to it. */
function projectOf(message: JsonObject, selectors: readonly LaterSelector[]): ProjectId | null {
  const named = hasProjectId(message) ? [{ by: 'project', id: readProjectId(message, '') }] : [];
  for (const { name, match } of selectors)
    if (match?.word === 'project') named.push({ by: `${name}.value`, id: match.value });
  const [first, ...others] = named;
  const other = others.find(({ id }) => id !== first?.id);
  if (first && other)
    throw refusal(`${first.by} and ${other.by} name two projects: open a stream for each of them`);
  if (first) return first.id;
  if (selectors.some(({ match }) => match?.word === 'report' || match?.word === 'topic')) return null;
  const byUser = selectors.find(({ match }) => match?.word === 'user');
  const why = byUser ? `${byUser.name}.match "user" says none, and` : 'none is named, and';
  throw refusal(`project must be the id of a project: ${why} seqnos are numbered per project`);
}

function laterShape(name: SelectorName): string {
  if (name === 'udt' || name === 'threads') return 'with since';
  return `with since, match (${oneOf(matchWords[name])}) and value`;
}

function oneOf(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}

function refusal(message: string): RejoinError {
  return new RejoinError('bad-request', message);
}
