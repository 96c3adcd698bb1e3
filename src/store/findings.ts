// What a verification finds wrong, and what can be done about it.

/**
 * `mendable`: everything needed is here, and a repair mends it; `mended`: it has; `peer`: only another server, or a backup, has it;
 * `harmless`: it costs nobody anything but time, and goes by itself.
 */
export type Remedy = 'mendable' | 'mended' | 'peer' | 'harmless';

export interface Finding {
  /** Null for what belongs to no project. */
  readonly project: string | null;
  /** The first one; null where none is known. */
  readonly position: number | null;
  /** The numbers of the changes that are concerned; null where none is known. */
  readonly numbers: { readonly serverId: number; readonly first: number; readonly last: number } | null;
  /** A clause that says what and where. */
  readonly problem: string;
  readonly remedy: Remedy;
}
