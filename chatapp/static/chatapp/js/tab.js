import { uuid } from './uuid.js';

const KEY = 'parley:tab';

/**
 * This tab's own name, the same again after a reload; it tells whose unsent messages are whose.
 *
 * A duplicated tab starts with a copy of sessionStorage, so the name is taken out
 * of it while the page lives and put back only when the page goes.
 * @param {import('./store.js').Store} store  over sessionStorage
 * @returns {string}
 */
export function claimTab(store) {
  const name = store.get(KEY) ?? uuid();
  store.remove(KEY);
  addEventListener('pagehide', () => store.set(KEY, name));
  addEventListener('pageshow', () => store.remove(KEY));
  return name;
}
