// Why a Yjs connection is closed, as a code that its provider acts on (YJS-9): 4400 to 4499 are final, with all others it
// comes back.

import { RejoinError, type ErrorCode } from '../errors.ts';

export function closeCodeOf(error: unknown): number {
  return error instanceof RejoinError ? codeOf(error.code) : 1011;
}

function codeOf(code: ErrorCode): number {
  switch (code) {
    case 'bad-request':
    case 'undecodable':
      return 4400;
    case 'unauthorized':
      return 4401;
    case 'not-allowed':
      return 4403;
    case 'deleted':
      return 4410;
    case 'too-large':
      return 1009; // the code of `ws` for a frame that is
    case 'outcome-unknown':
      return 1012;
    case 'unavailable':
      return 1013;
    case 'damaged':
      return 4500;
    case 'internal':
    case 'not-found':
    case 'method-not-allowed':
    case 'conflict':
    case 'mux-in-use':
    case 'usage':
    case 'data-in-use':
    case 'data-unusable':
    case 'data-newer':
    case 'address-in-use':
    case 'address-unusable':
      return 1011;
  }
}
