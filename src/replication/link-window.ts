// The window of one direction of a link: how much of what may be long or many is under way and not dealt with yet. Both
// ends count alike; link-output.ts keeps to it, and link-input.ts holds the peer to it.

/** More than this is outstanding only if it is one frame. */
export const windowCostMax = 4 * 1024 * 1024;

/** What a frame takes in memory beside its bytes: the small ones take mostly that. */
const frameOverheadBytes = 512;

/** What a frame counts in the window, and what is acknowledged when it is dealt with. */
export function windowCost(frameBytes: number): number {
  return frameBytes + frameOverheadBytes;
}
