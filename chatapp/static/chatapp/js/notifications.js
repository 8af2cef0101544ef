import { address } from './address.js';
import { Bell } from './bell.js';
import { Socket } from './socket.js';

// The entry of the pages without a conversation: their connection is for notifications.

let evictions = 0;
const bell = new Bell((frame) => socket.send(frame, frame.type === 'notifications'));
const socket = new Socket({
  url: () => address('/notifications/'),
  received: (frame) => {
    if (frame.type === 'reconnect') socket.expectRestart(frame.after);
    // The first frame is the list.
    if (!bell.receive(frame) || socket.connected) return;
    evictions = 0;
    socket.welcomed();
  },
  changed: () => {},
  ended: (code) => {
    // Logged out elsewhere, or on this very page: a login that still stands is let in again.
    if (code === 4401) evictions += 1;
    const over = evictions > 1 || code >= 4500;
    if (over) bell.retire();
    return !over;
  },
  probe: () => bell.refresh(),
});
socket.start();
