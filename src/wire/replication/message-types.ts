// The numbers that stand for message types and reasons in frames of replication (docs/replication-protocol.md): each is a place in
// these lists, which may only grow at their ends, because other releases know the numbers. Used by parse-message.ts and print-message.ts.

import type { RefusalReason, ReplicationMessage } from './messages.ts';

export const messageTypes: readonly ReplicationMessage['type'][] = [
  'hello',
  'refused',
  'ack',
  'catalogue',
  'standing',
  'want',
  'groups',
  'ended',
  'fetch',
  'fetched',
  'snapshot',
  'resume',
  'part',
];

export const refusalReasons: readonly RefusalReason[] = [
  'internal',
  'malformed',
  'protocol',
  'twin',
  'self',
  'busy',
  'stopping',
];
