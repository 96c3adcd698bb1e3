// The examples of a document: `$ curl …` lines of its console blocks, with what they answer.

export interface DocumentedRequest {
  readonly command: string;
  /** Without the host. */
  readonly target: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** What is printed below the command. */
  readonly answer: string;
}

export function documentedRequests(markdown: string): DocumentedRequest[] {
  const blocks = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command = '', ...answer] = text.split('\n');
        return { ...parseCurl(command), command, answer: answer.join('\n').trimEnd() };
      }),
  );
}

/** As much of curl as the examples use. */
function parseCurl(command: string): Omit<DocumentedRequest, 'command' | 'answer'> {
  const [program, ...words] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  if (program !== 'curl') throw new Error(`no curl: ${command}`);
  const headers: Record<string, string> = {};
  let target = '';
  let method: string | undefined;
  let body: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-s' || word === '-sg') continue;
    else if (word === '-X') method = words[++at];
    else if (word === '-d') body = words[++at];
    else if (word === '-H') {
      const [name = '', value = ''] = (words[++at] ?? '').split(': ');
      headers[name] = value;
    } else target = word.replace(/^localhost:6003/, '');
  }
  if (!target.startsWith('/')) throw new Error(`no target: ${command}`);
  return { target, headers, body, method: method ?? (body === undefined ? 'GET' : 'POST') };
}
