// Times as they are stored and streamed (WS-17). Object checks call `parseTime`; whoever has read the clock that was
// handed down calls `printTime`.

import { RejoinError } from '../errors.ts';

/**
 * Reads a time: a date, or a date, `T` or a space, and a time of day with or without seconds, fraction and offset.
 * Without an offset it is UTC, whatever the machine's time zone.
 * @param field how the sender knows the value, for the error.
 * @returns the time as `YYYY-MM-DDTHH:MM:SS.mmmZ`; what is finer than milliseconds is cut.
 * @throws RejoinError `bad-request` that names the field.
 */
export function parseTime(text: string, field: string): string {
  const parts = timePattern.exec(text)?.groups;
  if (!parts) throw refusal(field, 'must be a time');
  const numberOf = (name: string) => Number(parts[name] ?? '0');

  const date = new Date(0);
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(numberOf('year'), numberOf('month') - 1, numberOf('day'));
  // JavaScript reads February 30 as March 1.
  if (date.getUTCMonth() + 1 !== numberOf('month') || date.getUTCDate() !== numberOf('day'))
    throw refusal(field, 'must be a day that exists');

  const [hour, minute, second] = [numberOf('hour'), numberOf('minute'), numberOf('second')];
  if (hour > 23 || minute > 59 || second > 59) throw refusal(field, 'must be a time of day that exists');
  if (numberOf('offsetHour') > 23 || numberOf('offsetMinute') > 59)
    throw refusal(field, 'must have an offset that exists');
  const offsetMinutes =
    (parts['sign'] === '-' ? -1 : 1) * (numberOf('offsetHour') * 60 + numberOf('offsetMinute'));
  const milliseconds = Number((parts['fraction'] ?? '').slice(0, 3).padEnd(3, '0'));

  const epochMs = date.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + milliseconds;
  if (!isPrintable(epochMs)) throw refusal(field, 'must be in the years 0000 to 9999 of UTC');
  return printTime(epochMs);
}

/**
 * Prints `YYYY-MM-DDTHH:MM:SS.mmmZ`, which also sorts as a string.
 * @param epochMs milliseconds since 1970; a fraction is cut.
 * @throws RejoinError `internal` outside the years 0000 to 9999.
 */
export function printTime(epochMs: number): string {
  if (!isPrintable(epochMs))
    throw new RejoinError('internal', `${epochMs} is no time of the years 0000 to 9999`);
  return new Date(Math.floor(epochMs)).toISOString();
}

const dayPattern = /(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)/.source;
const clockPattern = /(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?/.source;
const offsetPattern = /(?:Z| ?(?<sign>[+-])(?<offsetHour>\d\d)(?::?(?<offsetMinute>\d\d))?)?/.source;
const timePattern = new RegExp(`^${dayPattern}(?:[T ]${clockPattern}${offsetPattern})?$`, 'i');

const firstMs = Date.parse('0000-01-01T00:00:00.000Z');
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');

function isPrintable(epochMs: number): boolean {
  return epochMs >= firstMs && epochMs < lastMs + 1;
}

function refusal(field: string, problem: string): RejoinError {
  return new RejoinError('bad-request', `${field} ${problem}, such as 2024-05-17T09:30:00.000Z`);
}
