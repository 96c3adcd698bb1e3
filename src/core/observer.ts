// What the core reports to whoever runs it: things that lose nothing but that an operator should be able to count
// and find (WS-24, YJS-8, UDT-22), and trouble with the store.

export type ObservedEvent =
  /** A Yjs client set or removed a key that already holds an object. */
  | { readonly type: 'object-overwritten'; readonly project: string; readonly detail: string }
  /** Two records of one version uuid have different contents (REP-6): both are streamed. */
  | { readonly type: 'object-differs'; readonly project: string; readonly detail: string }
  /** What a Yjs client set is no valid object: it stays in the document and is not streamed. */
  | { readonly type: 'object-refused'; readonly project: string; readonly detail: string }
  /** A Yjs update builds on something that this server lacks. */
  | { readonly type: 'update-without-base'; readonly project: string; readonly detail: string }
  /** A change failed when the document had it already: the document is read again from the log. */
  | { readonly type: 'change-dropped'; readonly project: string; readonly detail: string }
  /** Something in `udt` that JSON lacks reads as absent or null. */
  | { readonly type: 'value-not-json'; readonly project: string; readonly detail: string }
  /** Somebody else writes under this server's clientIDs: it took new ones. */
  | { readonly type: 'client-ids-replaced'; readonly project: string; readonly detail: string }
  /** A snapshot, compaction or removal of old versions failed; it is tried again some other time. */
  | { readonly type: 'upkeep-failed'; readonly project: string; readonly detail: string }
  | { readonly type: 'damage'; readonly project: string; readonly detail: string }
  /** Changes that were lost or damaged are back, from another server. */
  | { readonly type: 'changes-repaired'; readonly project: string; readonly detail: string }
  /** An operator has given up changes that are lost. */
  | { readonly type: 'loss-accepted'; readonly project: string; readonly detail: string }
  /** The server took a new server id, because something that was written under the old one is lost. */
  | { readonly type: 'life-renewed'; readonly detail: string }
  | { readonly type: 'store-failed'; readonly detail: string }
  | { readonly type: 'store-recovered'; readonly detail: string };

export interface Observer {
  observe(event: ObservedEvent): void;
  /** This many changes of one group became durable. */
  wrote?(changes: number): void;
}
