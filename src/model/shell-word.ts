// Names in commands that are shown to be copied.

/** @returns the text as one word of a POSIX shell: quoted where it needs to be, as a folder with blanks does. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
