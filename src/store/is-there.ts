// Whether there is a file or a folder of this name. For those who look before they open a data folder.

import { access } from 'node:fs/promises';

export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
