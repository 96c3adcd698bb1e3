// Floor of a PATCH: node:http that reads the body, writes it to LevelDB with one fsync, and answers with the same bytes
// every time. Arguments: a folder; headers and body of the answer, as JSON.

import { createServer } from 'node:http';
import { argument, openLevel, serve } from './serve.ts';

const db = await openLevel(argument(0));
const { headers, body } = JSON.parse(argument(1)) as { headers: string[]; body: string };
const bytes = Buffer.from(body, 'utf8');
let written = 0;

serve(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const put = { type: 'put' as const, key: Buffer.from(String(written++)), value: Buffer.concat(chunks) };
      db.batch([put], { sync: true }, (error) => {
        if (error) throw error;
        response.writeHead(200, headers);
        response.end(bytes);
      });
    });
  }),
);
