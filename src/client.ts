// The public API of `rejoin/client`, for browsers and Node.

export { connect, type Client, type ClientOptions } from './client/client.ts';
export type {
  Archivetime,
  ClientComment,
  ClientProject,
  ClientRow,
  ClientThread,
  DeletedOptions,
  ViewOptions,
} from './client/client-project.ts';
export type { ClientEnvironment } from './client/client-environment.ts';
export type { ClientStatus, ProjectChange, RefusedWrite } from './client/client-events.ts';
export type { FollowedMessage, FollowHandler, FollowOptions, FollowStream } from './client/follow-stream.ts';
export { IndexeddbStorage, type IndexeddbStorageOptions } from './client/indexeddb-storage.ts';
export { MemoryStorage } from './client/memory-storage.ts';
export type { NewRow, RowChange, ThreadFields } from './client/new-objects.ts';
export type { ClientSocket, SocketConstructor } from './client/socket.ts';
export type {
  KeptObject,
  ObjectKey,
  Place,
  ReceivedObject,
  RefusedObject,
  Storage,
  StorageChanges,
  StoredProject,
} from './client/storage.ts';
export {
  openYjs,
  type YjsDocument,
  type YjsEvents,
  type YjsOptions,
  type YjsProvider,
  type YjsProviderClass,
} from './client/yjs.ts';
export type { YjsSocket, YjsSocketConstructor } from './client/counted-socket.ts';
export { RejoinError, type ErrorCode } from './errors.ts';
export type { Row, RowFields, RowVersion } from './model/entry-versions.ts';
