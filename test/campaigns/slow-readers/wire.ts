// What the slow readers campaign asks of a wire: somebody who writes, somebody who reads, and many who don't.

export interface Crowd {
  /** Lets one more client join that reads nothing from then on. */
  stall(): Promise<Stalled>;
  /** One large write, and small ones behind it. Resolves with the milliseconds until the healthy reader had them all. */
  write(bytes: number, smallOnes: number): Promise<number>;
  /** How many of the writes the healthy reader has missed, or has otherwise than they were written. */
  countMissed(): number;
  end(): void;
}

export interface Stalled {
  /** Whether the server still has it, as far as it can see without reading: it sends something. */
  isConnected(): boolean;
  /** Reads on. Resolves when it has everything that was written. */
  readOn(): Promise<void>;
}

/** Joins a new project of the server at this URL. */
export type JoinCrowd = (socketUrl: string) => Promise<Crowd>;
