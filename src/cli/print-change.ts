// A change of a project as a line for people: when, who, what. `rejoin tail` calls it with each message of the stream.

import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { textOrNull } from '../model/head-order.ts';
import { RecentNames } from './recent-names.ts';

export type Style = 'dim' | 'cyan' | 'bold' | 'red';

/** Gives a text a look; for anything but a terminal it returns the text. */
export type Paint = (style: Style, text: string) => string;

/** Longer values are cut. UTF-16 units. */
const valueUnitsMax = 60;
const operationsShown = 4;

export class ChangePrinter {
  /** Edits name neither the clip nor the thread that they belong to. */
  private readonly clips = new RecentNames();
  private readonly threads = new RecentNames();

  constructor(private readonly paint: Paint) {}

  /** @param message as on `/ws`, in the original vocabulary; null for one that is no change. */
  line(message: JsonObject): string | null {
    const what = this.what(message);
    if (what === null) return null;
    return `${this.paint('dim', timeOf(message))}  ${this.paint('cyan', authorOf(message))}  ${what}`;
  }

  private what(message: JsonObject): string | null {
    switch (message['type']) {
      case 'entry':
        return this.entry(message);
      case 'thread':
        return this.thread(message);
      case 'comment':
        return this.comment(message);
      case 'patch':
        return `${this.paint('bold', 'udt')}  ${operationsOf(message['patch'])}`;
      default:
        return null;
    }
  }

  private entry(message: JsonObject): string {
    const entry = textOrNull(message, 'entry_uuid') ?? '';
    const clipId = textOrNull(message, 'clip_id');
    const before = this.clips.get(entry);
    if (clipId !== null) this.clips.set(entry, clipId);
    const clip = clipId ?? before;
    const clipName = clip === '' ? 'no clip' : shown(clip ?? `entry ${entry}`);
    const name = `${shown(textOrNull(message, 'report_uuid') ?? '')}  ${this.paint('bold', clipName)}`;
    const reason = textOrNull(message, 'reason');
    const why = reason === null || reason === '' ? '' : ` (${shown(reason)})`;
    const { content = null, modifies = null } = message;
    if (modifies === null) return `${name}  added${listed(fieldsOf(content), ' ')}`;
    if (clipId === null && content === null) return `${name}  ${this.paint('red', 'deleted')}${why}`;
    const clipField = clipId === null || clipId === before ? [] : [`clip ${quoted(clipId)}`];
    return `${name}  changed${listed([...clipField, ...fieldsOf(content)], ' ')}${why}`;
  }

  private thread(message: JsonObject): string {
    const name = textOrNull(message, 'name');
    if (name !== null) this.threads.set(textOrNull(message, 'thread_uuid') ?? '', name);
    return `thread  ${this.paint('bold', name === null ? 'without a name' : shown(name))}`;
  }

  private comment(message: JsonObject): string {
    const thread = textOrNull(message, 'thread_uuid') ?? '';
    const about = `comment in ${this.paint('bold', shown(this.threads.get(thread) ?? `thread ${thread}`))}`;
    const body = textOrNull(message, 'body');
    return body === null ? `${about}  ${this.paint('red', 'deleted')}` : `${about}  ${quoted(body)}`;
  }
}

/** When the server got it, in the time zone of whoever reads; and when it was written, if that is another time. */
function timeOf(message: JsonObject): string {
  const authored = textOrNull(message, 'authortime');
  const arrived = textOrNull(message, 'submissiontime') ?? textOrNull(message, 'time') ?? authored ?? '';
  const isLate = authored !== null && Math.abs(Date.parse(arrived) - Date.parse(authored)) >= 60_000;
  return isLate ? `${localTime(arrived)} (written ${localTime(authored)})` : localTime(arrived);
}

function localTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return shown(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [String(date.getFullYear()).padStart(4, '0'), two(date.getMonth() + 1), two(date.getDate())];
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two);
  return `${day.join('-')} ${clock.join(':')}`;
}

/** What the author goes by, and what the server knows of the user. */
function authorOf(message: JsonObject): string {
  const user = textOrNull(message, 'user_id') ?? textOrNull(message, 'user_name') ?? 'somebody';
  const author = textOrNull(message, 'author');
  return author === null || author === user ? shown(user) : `${shown(author)} (${shown(user)})`;
}

function fieldsOf(content: Json): string[] {
  if (!isJsonObject(content)) return [];
  return Object.entries(content).map(([name, value]) =>
    value === null ? `${shown(name)} removed` : `${shown(name)} ${quoted(value)}`,
  );
}

function operationsOf(patch: Json | undefined): string {
  if (!isJsonArray(patch) || patch.length === 0) return 'nothing changed';
  const told = patch.slice(0, operationsShown).filter(isJsonObject).map(operationOf);
  const more = patch.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

function operationOf(operation: JsonObject): string {
  const [op, path, from] = ['op', 'path', 'from'].map((name) => textOrNull(operation, name));
  const start = `${shown(op ?? '?')} ${path === '' ? 'everything' : shown(path ?? '?')}`;
  if (from !== undefined && from !== null) return `${start} from ${shown(from)}`;
  const { value } = operation;
  return value === undefined ? start : `${start} ${quoted(value)}`;
}

function listed(parts: readonly string[], before: string): string {
  return parts.length > 0 ? before + parts.join(', ') : '';
}

function quoted(value: Json): string {
  return shown(JSON.stringify(value));
}

/** In one line, not too long, and without what a terminal would take for a command. */
function shown(text: string): string {
  const cut = text.length > valueUnitsMax ? `${text.slice(0, valueUnitsMax).toWellFormed()}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => escaped(character));
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
