// What the outside world decides for a client: the time, chance and timers. Browsers and Node alike; tests replace it.

export interface ClientEnvironment {
  /** Milliseconds since 1970. */
  now(): number;
  /** From 0 up to 1, exclusive. */
  random(): number;
  /** A new random uuid (version 4). */
  uuid(): string;
  /** Calls back once, later. @returns takes it back. */
  after(delayMs: number, callback: () => void): () => void;
}

export const realClientEnvironment: ClientEnvironment = {
  now: () => Date.now(),
  random: () => Math.random(),
  uuid: randomUuid,
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Not crypto.randomUUID, which pages have over https only: a server on a film set is often reached over plain http. */
function randomUuid(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
