// What a server does unless it is told otherwise, as far as the command line names it before it loads a server.

export const defaultAddress = { host: '127.0.0.1', port: 6003 } as const;

/** The limit of UDT-20. */
export const defaultBodyBytesMax = 128 * 1024 * 1024;
