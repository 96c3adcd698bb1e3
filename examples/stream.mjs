// A stream client: follows the entries of a project, and uploads a clip's row if one is given.
// node examples/stream.mjs PROJECT [CLIP [CAMERA]]
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';

const [project, clip, camera = 'A'] = process.argv.slice(2);
const socket = new WebSocket('ws://localhost:6003/ws');
socket.on('message', (data) => console.log(String(data)));
socket.on('open', () => {
  socket.send(JSON.stringify({ type: 'subscribe', mux_id: 1, project_id: project, entries: '*' }));
  if (!clip) return;
  const uuids = { report_uuid: 'day-1', entry_uuid: randomUUID(), version_uuid: randomUUID() };
  const entry = { type: 'newentry', project_id: project, ...uuids, clip_id: clip, content: { camera } };
  socket.send(JSON.stringify({ type: 'upload', mux_id: 2, objects: [entry] }));
});
