// Runs in a browser, for browser.test.ts: the Yjs of an application, as its bundler would bring it.

export { WebsocketProvider } from 'y-websocket';
export { Doc } from 'yjs';
