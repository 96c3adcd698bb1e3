// What the floors share: saying where they listen, and a LevelDB opened without anything around it.

import type { Server } from 'node:http';
import leveldown, { type LevelDown } from 'leveldown';

/** Listens on a free port of the loopback and prints the address, as the server does. */
export function serve(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    console.log(`listening on http://127.0.0.1:${address.port}`);
  });
}

export async function openLevel(folder: string): Promise<LevelDown> {
  const db = leveldown(folder);
  await new Promise<void>((resolve, reject) => {
    db.open({ createIfMissing: true }, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  return db;
}

/** An argument of the script. */
export function argument(index: number): string {
  const value = process.argv[2 + index];
  if (value === undefined) throw new Error(`argument ${index} is missing`);
  return value;
}
