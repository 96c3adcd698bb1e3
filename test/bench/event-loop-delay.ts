// How long the server's event loop was held, as the server measures it itself.

import { HttpConnection, httpRequest } from './http-connection.ts';

/** The longest delay since it was last asked, 10 ms of which are the measuring; nothing where the server has no metrics. */
export async function longestDelayMs(url: string): Promise<number[]> {
  const connection = await HttpConnection.open(url);
  const { status, body } = await connection.ask(httpRequest(url, 'GET', '/metrics'));
  connection.close();
  if (status === 404) return [];
  const line = /^\w*eventloop_(?:lag|delay)_max_seconds(?:\{[^}]*\})? (\S+)/m.exec(body.toString());
  return line ? [Number(line[1]) * 1_000] : [];
}
