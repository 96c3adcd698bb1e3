// Floor of a poll: node:http that answers every request with the same bytes. Arguments: headers and body, as JSON.

import { createServer } from 'node:http';
import { argument, serve } from './serve.ts';

const { headers, body } = JSON.parse(argument(0)) as { headers: string[]; body: string };
const bytes = Buffer.from(body, 'utf8');

serve(
  createServer((_, response) => {
    response.writeHead(200, headers);
    response.end(bytes);
  }),
);
