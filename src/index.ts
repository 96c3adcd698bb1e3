// The public API: a rejoin server inside a program of your own.

export { createServer, type RejoinServer, type ServerOptions } from './server.ts';
export { RejoinError, type ErrorCode } from './errors.ts';
