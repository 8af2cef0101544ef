import { Bell } from './bell.js';
import { Socket } from './socket.js';

// The entry of the pages without a conversation: their connection is for notifications.

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const bell = new Bell((frame) => socket.send(frame, frame.type === 'notifications'));
const socket = new Socket({
  url: () => `${scheme}://${location.host}/notifications/`,
  received: (frame) => {
    if (frame.type === 'reconnect') socket.expectRestart(frame.after);
    // The first frame is the list.
    if (bell.receive(frame) && !socket.connected) socket.welcomed();
  },
  changed: () => {},
  ended: (code) => code < 4400,
  probe: () => bell.refresh(),
});
socket.start();
