// The links of a server that replicates with nobody: for parts of a server that tests put together by themselves.

import { RejoinError } from '../../src/errors.ts';
import type { HttpFrontOptions } from '../../src/http-front.ts';
import type { PeerFigures } from '../../src/metrics.ts';

export const noPeers: PeerFigures & HttpFrontOptions['peers'] = {
  states: [],
  acceptedCount: 0,
  changesReceived: 0,
  changesSent: 0,
  checkRoom: () => {
    throw new RejoinError('unavailable', 'this server has no peers');
  },
  accept: ({ socket }) => socket.terminate(),
};
