// A Yjs app in ten lines: shows the project's UDT part whenever it changes, and labels a sample.
// node examples/yjs.mjs PROJECT [LABEL]
import { WebsocketProvider } from 'y-websocket';
import { WebSocket } from 'ws';
import * as Y from 'yjs';

const [project, label] = process.argv.slice(2);
const doc = new Y.Doc();
const udt = doc.getMap('udt');
udt.observeDeep(() => console.log(JSON.stringify(udt.get('samples'))));
const provider = new WebsocketProvider('ws://localhost:6003/yjs', project, doc, {
  WebSocketPolyfill: WebSocket,
});
provider.once('sync', () => label && udt.get('samples').get(1).set('annotation', label));
