// A bound on every wait of the campaign: generous, since machines are busy, but none is for ever.

export const patienceMs = 60_000;

/** What `promise` resolves to, or an error that names what was waited for. */
export async function within<T>(promise: Promise<T>, what: string, limitMs = patienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
