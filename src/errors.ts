// The one error class of rejoin and the list of its codes. Each adapter maps the codes, in one place, to an
// HTTP status, an `error` message or a close code; everything else that is thrown is a bug in rejoin.

export const errorCodes = [
  // What a client sent.
  'bad-request', // it can't be read or breaks a rule; nothing was changed
  'undecodable', // a binary frame that is no message of its protocol
  'too-large', // over a stated limit
  'not-found', // no such session
  'method-not-allowed',
  'deleted', // the project was deleted; its tombstone is kept
  'conflict', // well-formed, but it can't be applied to the present state; nothing was changed
  'mux-in-use', // WS-1
  'not-allowed', // origin or host rules of the server
  'unauthorized', // no token, or not the right one
  // What happened here.
  'outcome-unknown', // the write failed while it was being stored; it may be on disk all the same
  'unavailable', // nothing was written; try again later
  'damaged', // stored bytes are missing or fail their checksum
  'internal', // a defect of rejoin
  // What keeps the server from starting.
  'usage',
  'data-in-use',
  'data-unusable',
  'data-newer',
  'address-in-use',
  'address-unusable',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error with a `code` that a program can act on and a `message` that a person can: what is wrong, what would be right. */
export class RejoinError extends Error {
  override readonly name = 'RejoinError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(clipped(message), options);
  }
}

/** Whether what was thrown is an error of rejoin with one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly ErrorCode[]): thrown is RejoinError {
  return thrown instanceof RejoinError && codes.includes(thrown.code);
}

/** Whether what was thrown is an error of Node or of the system with this code, such as `ENOENT`. */
export function isSystemError(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

/** Whether it was for the store: it may succeed when that is well again. */
export function isStoreFailure(thrown: unknown): thrown is RejoinError {
  return hasCode(thrown, 'unavailable', 'outcome-unknown');
}

/** What a message repeats of bad input, a key or an id, may be megabytes: its middle is left out. */
function clipped(message: string): string {
  if (message.length <= messageUnitsMax) return message;
  const half = messageUnitsMax / 2;
  return `${message.slice(0, half)} … ${message.slice(-half)}`.toWellFormed();
}

const messageUnitsMax = 20_000;

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
