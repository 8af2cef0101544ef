import { Item } from './item.js';

/**
 * The lines of the log as they stand on the page: an unbroken stretch of stored messages
 * with the reader's notices between them, and at the foot the messages on their way.
 */
export class Lines {
  #list;
  #me = null;
  #items = new WeakMap();
  #stored = new Map();
  #pending = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** How many stored messages stand here. */
  get size() {
    return this.#stored.size;
  }

  /** The topmost stored message: {seq, element}, or undefined. */
  get top() {
    return this.#stored.values().next().value;
  }

  /** The lowest stored message, or undefined. */
  get bottom() {
    return [...this.#stored.values()].at(-1);
  }

  /** Whether the stored message `seq` stands here. */
  has(seq) {
    return this.#stored.has(seq);
  }

  /** Tells which messages are the reader's own. */
  identify(me) {
    if (me === this.#me) return;
    this.#me = me;
    for (const item of this.#stored.values()) item.identify(me);
  }

  /** Puts newer messages below the stored ones; one that stands here as pending moves up. */
  append(messages) {
    const items = messages.map((message) => this.#take(message));
    for (const item of items) this.#stored.set(item.seq, item);
    this.#insert(items, this.#foot);
  }

  /** Puts older messages above. */
  prepend(messages) {
    const items = messages.map((message) => this.#take(message));
    this.#stored = new Map([...items.map((item) => [item.seq, item]), ...this.#stored]);
    this.#insert(items, this.#list.firstElementChild);
  }

  /** Shows a message of ours on its way, or what has become of it. True when it is new here. */
  pending(entry) {
    let item = this.#pending.get(entry.client_id);
    const isNew = !item;
    if (isNew) {
      item = Item.ofPending(entry, this.#me ?? 'me');
      this.#pending.set(entry.client_id, item);
      this.#insert([item], null);
    }
    item.state(entry.state, entry.error);
    return isNew;
  }

  /** The message is stored; it waits here for its place. */
  settle(clientId) {
    this.#pending.get(clientId)?.state('sent');
  }

  /** The stored ones will come again with their room: they need not wait here. */
  dropSettled() {
    for (const [clientId, { element }] of [...this.#pending]) {
      if (element.dataset.state === 'sent') this.drop(clientId);
    }
  }

  /** The message on its way has no place here any more. */
  drop(clientId) {
    const item = this.#pending.get(clientId);
    this.#pending.delete(clientId);
    if (item) this.#remove(item.element);
  }

  /** A line that only the reader sees. */
  notice(text) {
    this.#insert([Item.ofNotice(text)], this.#foot);
  }

  /** Takes out the topmost lines until at most `most` messages stand here. */
  trimTop(most) {
    while (this.size > most) this.#remove(this.#list.firstElementChild);
  }

  /** Takes out the lowest stored lines until at most `most` messages stand here. */
  trimBottom(most) {
    const items = [...this.#stored.values()].slice(most);
    for (const { element } of items) this.#remove(element);
  }

  /** Takes out everything but what is on its way. */
  clear() {
    const pending = [...this.#pending.values()];
    this.#stored.clear();
    this.#list.replaceChildren();
    this.#insert(pending, null);
  }

  /** Where the messages on their way begin. */
  get #foot() {
    return this.#pending.values().next().value?.element ?? null;
  }

  /** The item of a message, which may stand here as pending already. */
  #take(message) {
    const mine = message.sender === this.#me;
    const pending = this.#pending.get(message.client_id);
    if (!pending) return Item.ofMessage(message, mine);
    this.#pending.delete(message.client_id);
    pending.confirm(message, mine);
    return pending;
  }

  #insert(items, before) {
    if (!items.length) return;
    // Moving an element that is where it belongs would interrupt a screen reader and a
    // text selection, so it is left alone.
    let next = before;
    for (const item of [...items].reverse()) {
      const { element } = item;
      this.#items.set(element, item);
      if (element.parentNode !== this.#list || element.nextElementSibling !== next) {
        this.#list.insertBefore(element, next);
      }
      next = element;
    }
    for (const item of items) this.#follow(item.element);
    this.#follow(before);
    for (const item of this.#stored.values()) item.nameDay();
  }

  #remove(element) {
    const next = element.nextElementSibling;
    const { seq } = this.#items.get(element);
    element.remove();
    this.#stored.delete(seq);
    this.#follow(next);
  }

  #follow(element) {
    const item = element && this.#items.get(element);
    item?.follow(this.#items.get(element.previousElementSibling));
  }
}
