// What all projects of a server share. Projects makes it and hands it down.

import type { Environment } from '../model/environment.ts';
import type { Life } from '../store/life.ts';
import type { Store } from '../store/store.ts';
import type { HeadsWitness } from '../store/witnessed-heads.ts';
import type { KnownHolders } from './known-holders.ts';
import type { MovedProjects } from './moved-projects.ts';
import type { Observer } from './observer.ts';
import type { Sizes } from './sizes.ts';
import type { StoreRecovery } from './store-recovery.ts';
import type { WantedChanges } from './wanted-changes.ts';

export interface ProjectContext {
  readonly store: Store;
  /** The present one; after damage was found it is another. */
  readonly life: Life;
  readonly witness?: HeadsWitness | undefined;
  readonly environment: Environment;
  readonly observer: Observer;
  readonly sizes: Sizes;
  /** Which reports and topics are known to be in the store's index of holders. */
  readonly holders: KnownHolders;
  /** The projects for which a reader's claim has led to a new life since the start (REP-8). */
  readonly heeded: Set<string>;
  /** Is told of each project in which something became durable. */
  readonly moved: MovedProjects;
  /** Which projects want changes back that are lost here. */
  readonly wanted: WantedChanges;
  /** Something of the project is damaged or missing: it is checked soon. */
  suspect(project: string): void;
  /** Whether what is damaged or missing may be whole again in a moment: it is being checked, or another server is asked for it. */
  mayComeBack(project: string): boolean;
  /** Says whether the store can be read and written; every failed write is reported to it. */
  readonly recovery: StoreRecovery;
  /** Takes a new life: not all that was written under the server id `left` may be known any more. Nothing is done if that is left already. */
  renewLife(reason: string, left: number): Promise<void>;
  /** Whether the present life may have given numbers in a project. */
  mayHaveNumbered(project: string): boolean;
  /** The log of a project is open: from now on the present life may give numbers in it. */
  numbers(project: string): void;
  /** Links to other servers begin anew: this server has not all that it has said. */
  beginAnew(): void;
}
