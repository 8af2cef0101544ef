import { ROOT } from './address.js';

const YEAR = 365 * 24 * 60 * 60;
const COOKIE_SAFE = /^[!#-+\--:<-[\]-~]+$/;

/**
 * Keeps the token by which the server knows a guest again. It is a cookie because the
 * WebSocket handshake carries nothing else that a page could set.
 * @param {string | undefined} token
 */
export function rememberGuest(token) {
  // A token with a semicolon or a space in it could write cookie attributes of its own.
  if (!token || !COOKIE_SAFE.test(token)) return;
  const secure = location.protocol === 'https:' ? '; secure' : '';
  document.cookie = `guest=${token}; path=${ROOT}/; max-age=${YEAR}; samesite=lax${secure}`;
}
