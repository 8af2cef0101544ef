import { dayName, sameDay, timeElement } from './clock.js';
import { make } from './dom.js';
import { prose } from './prose.js';

const HUES = 10;
const TOGETHER = 5 * 60_000;
const KINDS = { bot: 'bot', guest: 'guest' };
const STATES = { sending: 'sending…', sent: 'sent', failed: 'not sent' };

/**
 * One line of the log: a message, one of ours that is still on its way, or a private word
 * from the server. The same element stays from "sending…" to its place in the room.
 */
export class Item {
  element = make('li.item');
  #body = make('div.body');
  #day = null;
  #record;

  /**
   * @param {object} record
   * @param {string} [record.sender]  none: a notice
   * @param {string} [record.user]
   * @param {string} record.text
   * @param {Date} record.date
   * @param {boolean} [record.mine]
   * @param {string} [record.clientId]
   */
  constructor(record) {
    this.#record = record;
    this.element.append(this.#body);
    this.#draw();
  }

  /** The item of a message of the room. */
  static ofMessage(message, mine) {
    const item = new Item(recordOf(message, mine));
    item.confirm(message, mine);
    return item;
  }

  /** The item of a message of ours that is not stored yet. */
  static ofPending({ text, client_id: clientId, at }, sender) {
    return new Item({ sender, text, clientId, date: new Date(at), mine: true });
  }

  /** The item of a line that only we see. */
  static ofNotice(text) {
    return new Item({ text, date: new Date() });
  }

  /** The seq of a stored message, or undefined. */
  get seq() {
    return this.#record.seq;
  }

  /** The message has its place in the room: it is what the server says it is. */
  confirm(message, mine) {
    const { text, mine: wasMine } = this.#record;
    this.#record = recordOf(message, mine);
    this.element.dataset.seq = String(message.seq);
    // Text that stays the same stays untouched, so that a screen reader says it only once.
    if (text !== this.#record.text || mine !== wasMine) this.#draw();
    else this.#body.querySelector('.time').replaceWith(timeElement(this.#record.date));
    this.state('sent');
  }

  /** Shows how far a message has got; `error` says why it was refused. */
  state(state, error) {
    this.element.dataset.state = state;
    this.#body.querySelector('.state')?.replaceChildren(STATES[state]);
    this.#body.querySelector('.failure')?.remove();
    if (state === 'failed') this.#body.append(failure(error));
  }

  /** Who the reader is has changed, and perhaps whether he wrote this. */
  identify(me) {
    const mine = this.#record.sender === me;
    if (this.seq === undefined || mine === this.#record.mine) return;
    this.#record.mine = mine;
    this.#draw();
    this.state('sent');
  }

  /** Fits the item to the one above it: a new day, or one more of the same writer. */
  follow(above) {
    const one = above?.#record;
    const other = this.#record;
    const newDay = !one || !sameDay(one.date, other.date);
    const together = !newDay && other.sender && one.sender === other.sender
      && (other.mine || one.user === other.user) && other.date - one.date < TOGETHER;
    this.element.classList.toggle('grouped', Boolean(together));
    if (newDay && !this.#day) this.element.prepend(this.#day = make('p.day'));
    if (!newDay) this.#day = this.#day?.remove();
    this.nameDay();
  }

  /** Says again what day it is: "Today" does not stay true. */
  nameDay() {
    this.#day?.replaceChildren(make('span', {}, dayName(this.#record.date)));
  }

  #draw() {
    const { sender, mine, clientId, text } = this.#record;
    this.element.classList.toggle('mine', Boolean(mine));
    this.element.classList.toggle('notice', !sender);
    if (clientId) this.element.dataset.clientId = clientId;
    const parts = sender ? spoken(this.#record) : [words(text)];
    this.#body.replaceChildren(...parts);
  }
}

function recordOf(message, mine) {
  const { seq, sender, user, message: text, client_id: clientId, sent } = message;
  const date = new Date(sent);
  return { seq, sender, user, text, clientId, mine, date: Number.isNaN(+date) ? new Date() : date };
}

function spoken({ sender, user, text, date, mine }) {
  const name = mine ? 'You' : String(user ?? '');
  const head = make('p.head', {}, make('bdi.author', {}, name));
  const kind = KINDS[String(sender).split(':')[0]];
  if (kind && !mine) head.append(' ', make('span.tag', {}, kind));
  const meta = make('span.meta', {}, timeElement(date), ' ', make('span.state'));
  const hue = { 'data-hue': String(hueOf(String(sender))), 'aria-hidden': 'true' };
  return [make('span.avatar', hue, initial(name)), head, make('div.bubble', {}, words(text), meta)];
}

function words(text) {
  return make('p.text', { dir: 'auto' }, prose(text));
}

function failure(error) {
  const button = (name, label) => make('button.quiet', {
    type: 'button', 'data-testid': name, 'data-action': name,
  }, label);
  return make('p.failure', {}, make('span.reason', {}, error || 'Not sent.'),
    button('retry', 'Retry'), button('edit', 'Edit'), button('discard', 'Discard'));
}

function initial(name) {
  return ([...name.trim()][0] ?? '?').toUpperCase();
}

/** The same colour for the same writer, always. */
function hueOf(sender) {
  let hash = 7;
  for (const letter of sender) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  return hash % HUES;
}
