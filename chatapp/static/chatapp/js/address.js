/**
 * Where the room's WebSocket is. With `since`, the server sends what came after it.
 * @param {string} room
 * @param {number | null} since
 */
export function address(room, since) {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const query = since === null ? '' : `?since=${since}`;
  return `${scheme}://${location.host}/chat/${encodeURIComponent(room)}/${query}`;
}
