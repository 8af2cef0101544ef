const GONE = [401, 403];
/** The path that all of the site is below; empty: it has its host to itself. */
export const ROOT = document.documentElement.dataset.root ?? '';

/**
 * Where a WebSocket of this page is. At the page's own host, the browser sends the cookies
 * along. Where the page names another host for sockets, it does not: a user brings a
 * ticket there, got with the cookies here; a guest brings the token of the cookie.
 * @param {string} path
 * @param {string[]} query  its parts, as they stand in a URL
 * @param {string} room  the room that a ticket shall be good for; empty: any
 * @returns {string | Promise<string>}
 */
export function address(path, query = [], room = '') {
  const place = document.querySelector('meta[name="sockets"]');
  if (place) return elsewhere(place, path, query, room);
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return joined(`${scheme}://${location.host}${ROOT}${path}`, query);
}

/**
 * Where a room's WebSocket is. With `since`, the server sends what came after it.
 * @param {string} room
 * @param {number | null} since
 */
export function roomAddress(room, since) {
  const query = since === null ? [] : [`since=${since}`];
  return address(`/chat/${encodeURIComponent(room)}/`, query, room);
}

async function elsewhere({ content, dataset }, path, query, room) {
  const shown = dataset.tickets ? await ticket(dataset, room) : guest();
  return joined(content.replace(/\/$/, '') + path, shown ? [...query, shown] : query);
}

async function ticket({ tickets, csrf }, room) {
  const answer = await fetch(tickets, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrf },
    body: JSON.stringify(room ? { room } : {}),
  });
  // Logged out meanwhile: the socket will say so, to whom it takes for a guest.
  if (GONE.includes(answer.status)) return null;
  if (!answer.ok) throw new Error(`no ticket: ${answer.status}`);
  return `ticket=${encodeURIComponent((await answer.json()).ticket)}`;
}

function guest() {
  const token = /(?:^|; )guest=([^;]*)/.exec(document.cookie)?.[1];
  return token && `guest=${encodeURIComponent(token)}`;
}

function joined(url, query) {
  return query.length ? `${url}?${query.join('&')}` : url;
}
