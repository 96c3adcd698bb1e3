// The clock of a server whose tests count versions: whatever is done, and however fast, changes are too far apart for one
// that refreshes screens (UDT-8), which would be a version of its own.

import { realEnvironment, type Environment } from '../../src/model/environment.ts';

const leapMs = 5_000;

/** The time leaps whenever it is asked for. */
export function changesFarApart(startMs = Date.UTC(2026, 0, 1)): Environment {
  let nowMs = startMs;
  return { ...realEnvironment, now: () => (nowMs += leapMs) };
}
