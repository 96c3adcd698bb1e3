// What all writers of the campaign have in common.

export interface Address {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `ws://127.0.0.1:PORT` */
  readonly socketUrl: string;
}

/** A client that writes as fast as it is answered, and survives the server. */
export interface Writer {
  /**
   * Starts to write. Resolves when it has its connection, or will not get one any more.
   * @param round names what is written in it.
   */
  start(address: Address, round: number): Promise<void>;
  /** After the kill: resolves when everything that had arrived from the server was heard. */
  stop(): Promise<void>;
}
