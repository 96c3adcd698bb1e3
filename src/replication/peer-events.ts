// What the links of a server report to whoever runs it (REP-12): for the log and the metrics.

/** `peer` names it: its URL where this server connects, else its server id and address. */
export type PeerEvent =
  | { readonly type: 'peer-connected'; readonly peer: string; readonly detail: string }
  /** A link has ended, or there is none yet: it is tried again where this server connects. */
  | { readonly type: 'peer-lost'; readonly peer: string; readonly detail: string }
  /** One of the two won't have a link with the other as it is. */
  | { readonly type: 'peer-refused'; readonly peer: string; readonly detail: string }
  /** There is a link already, which the other side has opened: this one isn't needed. */
  | { readonly type: 'peer-standby'; readonly peer: string; readonly detail: string }
  /** A project can't be replicated for now, or at all as it is. */
  | {
      readonly type: 'peer-project-failed';
      readonly peer: string;
      readonly project: string;
      readonly detail: string;
    };

export type PeerObserver = (event: PeerEvent) => void;
