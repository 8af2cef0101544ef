import { timeElement, dayName, sameDay } from './clock.js';
import { make, part } from './dom.js';
import { Inbox } from './inbox.js';

// A path of this site, and not //elsewhere.
const LOCAL = /^\/(?![/\\])/;

/**
 * The bell on the page: how many notifications are unread, and on demand which.
 */
export class Bell {
  #root = document.getElementById('bell');
  #button = this.#root.querySelector('button');
  #count = part('unread');
  #panel = document.getElementById('notifications');
  #said = document.getElementById('bell-said');
  #inbox;
  #before = 0;

  /**
   * @param {(frame: object) => void} send
   * @param {(notification: import('./inbox.js').Notification) => boolean} [seen]
   */
  constructor(send, seen) {
    this.#inbox = new Inbox({ send, seen, changed: () => this.#show() });
    this.#button.addEventListener('click', () => this.#toggle(this.#panel.hidden));
    part('read-all').addEventListener('click', () => this.#readAll());
    part('older-notifications').addEventListener('click', () => this.#inbox.older());
    document.addEventListener('visibilitychange', () => this.#inbox.look());
    addEventListener('pointerdown', (event) => this.#root.contains(event.target) || this.close());
    this.#root.addEventListener('keydown', (event) => this.#key(event));
    this.#root.addEventListener('focusout', ({ relatedTarget }) => {
      if (relatedTarget && !this.#root.contains(relatedTarget)) this.close();
    });
  }

  /** The connection is there (again): what is there now? */
  refresh() {
    this.#inbox.refresh();
  }

  /** Takes a frame of the server; false if it is about something else. */
  receive(frame) {
    return this.#inbox.receive(frame);
  }

  /** There is nobody any more who has notifications. */
  retire() {
    this.close();
    this.#root.hidden = true;
  }

  /** Closes the list; false when it was not open. */
  close() {
    const open = !this.#panel.hidden;
    this.#toggle(false);
    return open;
  }

  #toggle(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute('aria-expanded', String(open));
    if (open) this.#list();
  }

  #key(event) {
    if (event.key !== 'Escape' || !this.close()) return;
    event.stopPropagation();
    this.#button.focus();
  }

  #readAll() {
    this.#inbox.readAll();
    // It goes, as nothing is left to read.
    this.#button.focus();
  }

  #show() {
    const { unread } = this.#inbox;
    this.#root.hidden = false;
    this.#count.textContent = unread > 99 ? '99+' : String(unread);
    this.#count.hidden = unread === 0;
    const words = unread === 1 ? '1 unread notification' : `${unread} unread notifications`;
    this.#button.setAttribute('aria-label', unread ? words : 'Notifications');
    // Read aloud when it grows.
    if (unread > this.#before) this.#said.textContent = words;
    this.#before = unread;
    part('read-all').hidden = unread === 0;
    if (!this.#panel.hidden) this.#list();
  }

  #list() {
    const { list, complete } = this.#inbox;
    const focused = document.activeElement?.closest('[data-notification]')?.dataset.notification;
    part('older-notifications').hidden = complete;
    part('no-notifications').hidden = list.length > 0;
    const lines = list.map((one) => this.#line(one));
    this.#panel.querySelector('ul').replaceChildren(...lines);
    lines.find((item) => item.dataset.notification === focused)?.firstElementChild.focus();
  }

  #line(one) {
    const at = new Date(one.created);
    const when = make('span.when', {}, sameDay(at, new Date()) ? '' : `${dayName(at)}, `, timeElement(at));
    const text = make('span.text', { dir: 'auto' }, one.text);
    const link = make('a', { href: LOCAL.test(one.url) ? one.url : '#' }, text, when);
    // Also on a click that opens another tab.
    for (const click of ['click', 'auxclick']) link.addEventListener(click, () => one.read || this.#inbox.read([one.id]));
    return make(one.read ? 'li' : 'li.fresh', { 'data-notification': String(one.id) }, link);
  }
}
