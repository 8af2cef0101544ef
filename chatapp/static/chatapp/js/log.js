import { Archive } from './archive.js';
import { part } from './dom.js';
import { Lines } from './lines.js';
import { Scroller } from './scroller.js';

const MOST = 1000;
const STEP = 100;
const HOARD = 5000;
const HUSH = 500;

/**
 * The conversation on the page: a window of at most a thousand messages on all those
 * loaded. It follows the newest message as long as the reader does.
 */
export class Log {
  #element = part('log');
  #older = part('older');
  #newer = part('new-messages');
  #beginning = document.getElementById('beginning');
  #archive = new Archive();
  #lines;
  #scroller;
  #wanted;
  #complete = false;
  #busy = false;
  #unseen = 0;
  #me = null;

  /**
   * @param {object} handlers
   * @param {(seq: number | undefined) => void} handlers.older  messages before `seq` are wanted
   * @param {(action: string, clientId: string) => void} handlers.act  on a message not sent
   */
  constructor({ older, act }) {
    const list = document.getElementById('messages');
    this.#wanted = older;
    this.#lines = new Lines(list);
    this.#scroller = new Scroller(this.#element, list.parentElement, () => this.#moved());
    this.#older.addEventListener('click', () => this.#reachUp());
    this.#newer.addEventListener('click', () => this.toEnd());
    list.addEventListener('click', ({ target }) => {
      const { action } = target.closest('[data-action]')?.dataset ?? {};
      if (action) act(action, target.closest('.item').dataset.clientId);
    });
  }

  /** The oldest seq loaded, or undefined. */
  get first() {
    return this.#archive.first;
  }

  /** Tells which messages are the reader's own. */
  identify(me) {
    this.#me = me;
    this.#lines.identify(me);
  }

  /** Newer messages, in order. */
  append(messages) {
    const { atEnd } = this.#scroller;
    const whole = this.#whole;
    const room = atEnd || this.#lines.size + messages.length <= MOST;
    this.#archive.append(messages);
    // A reader further up is not to lose the lines he reads to make room for new ones.
    if (whole && room) this.#lines.append(messages);
    else for (const { client_id: id } of messages) this.#lines.drop(id);
    // ... unless he has not come back for so long that keeping it all makes no sense.
    if ((atEnd && whole) || this.#archive.size > HOARD) return this.toEnd();
    return this.#see(messages.filter(({ sender }) => sender !== this.#me).length);
  }

  /** An older page, in order; `complete`: the room begins with it. */
  prepend(messages, complete) {
    const first = this.#lines.size === 0;
    this.#archive.prepend(messages);
    this.#complete = complete;
    if (first) {
      this.#lines.append(messages);
      this.toEnd();
    } else {
      this.#extendUp();
    }
    this.#moved();
  }

  /** A message of ours on its way, or what has become of it. */
  pending(entry) {
    const { atEnd } = this.#scroller;
    if (this.#lines.pending(entry) || atEnd) this.toEnd();
  }

  /** A message of ours is stored. */
  settle(clientId) {
    this.#lines.settle(clientId);
  }

  /** A message of ours is done with, and has no place in the log. */
  drop(clientId) {
    this.#lines.drop(clientId);
  }

  /** A line that only the reader sees. */
  notice(text) {
    const { atEnd } = this.#scroller;
    this.#lines.notice(String(text));
    if (atEnd) this.#scroller.toEnd();
  }

  /** Shows that older messages are being fetched. */
  busy(busy) {
    this.#busy = busy;
    this.#older.textContent = busy ? 'Loading…' : 'Load older';
    // What is put in above must not be read out like news; so the log is called busy until
    // the page has settled.
    if (busy) this.#element.setAttribute('aria-busy', 'true');
    else setTimeout(() => this.#element.setAttribute('aria-busy', String(this.#busy)), HUSH);
  }

  /** Forgets everything but what is still on its way. */
  clear() {
    this.#archive.clear();
    this.#lines.dropSettled();
    this.#lines.clear();
    this.#complete = false;
    this.#showStart();
    this.#see(-this.#unseen);
  }

  /** Goes to the newest message. */
  toEnd() {
    if (!this.#whole) {
      this.#lines.clear();
      this.#lines.append(this.#archive.tail(STEP));
    }
    this.#lines.trimTop(MOST);
    if (this.#archive.forgetBefore(this.#lines.top?.seq ?? 0)) this.#complete = false;
    this.#showStart();
    this.#scroller.toEnd();
    this.#see(-this.#unseen);
  }

  /** Whether the window reaches down to the newest message. */
  get #whole() {
    const { last } = this.#archive;
    return last === undefined || this.#lines.has(last) || this.#lines.size === 0;
  }

  #moved() {
    const { nearStart, atEnd } = this.#scroller;
    if (nearStart) this.#reachUp();
    if (!atEnd) return;
    if (!this.#whole) this.#extendDown();
    else if (this.#unseen) this.#see(-this.#unseen);
  }

  /** Shows older messages: those at hand, or else those of the server. */
  #reachUp() {
    if (this.#extendUp() || this.#complete || this.#busy) return;
    this.#wanted(this.first);
  }

  #extendUp() {
    const { top } = this.#lines;
    const messages = top ? this.#archive.before(top.seq, STEP) : [];
    this.#scroller.hold(top?.element, () => {
      this.#lines.prepend(messages);
      this.#lines.trimBottom(MOST);
      this.#showStart();
    });
    return messages.length > 0;
  }

  #extendDown() {
    const { bottom } = this.#lines;
    this.#scroller.hold(bottom.element, () => {
      this.#lines.append(this.#archive.after(bottom.seq, STEP));
      this.#lines.trimTop(MOST);
      this.#showStart();
    });
  }

  /** Offers older messages, or says that there are none. */
  #showStart() {
    const start = this.#complete && this.#lines.top?.seq === this.first;
    // The button may be hidden while it has the focus, which then must not be lost.
    if (start && document.activeElement === this.#older) this.#element.focus();
    this.#older.hidden = start;
    this.#beginning.hidden = !start;
  }

  /** Counts the new messages that the reader has not got to. */
  #see(count) {
    this.#unseen += count;
    const plural = this.#unseen === 1 ? 'message' : 'messages';
    this.#newer.textContent = `${this.#unseen} new ${plural} ↓`;
    this.#newer.hidden = this.#unseen === 0;
  }
}
