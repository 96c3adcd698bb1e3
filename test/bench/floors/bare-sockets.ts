// Floor of an idle connection: a bare `ws` server that does nothing with its sockets.

import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { serve } from './serve.ts';

const server = createServer();
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', () => undefined);
});
serve(server);
