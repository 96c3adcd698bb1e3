// Numbers and times in the sentences that commands print.

/** `1 change`, `12 changes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** In UTC, to the second. @param ms since 1970. */
export function printMoment(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19) + ' UTC';
}

export function printBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** What a database holds, in one line. */
export function printContents(contents: {
  readonly projects: number;
  readonly deleted: number;
  readonly changes: number;
  readonly newestMs: number | null;
}): string {
  const { projects, deleted, changes, newestMs } = contents;
  const gone = deleted === 0 ? '' : ` (and ${counted(deleted, 'deleted one')})`;
  const newest = newestMs === null ? '' : `, the newest from ${printMoment(newestMs)}`;
  return `${counted(projects, 'project')}${gone}, ${counted(changes, 'change')}${newest}`;
}
