// The timers of a server that really runs; a simulation has its own. The composition root hands them to the links.

import type { LinkTimers } from './link-transport.ts';

export const realTimers: LinkTimers = {
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
