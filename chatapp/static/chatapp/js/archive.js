/**
 * The messages this page has loaded: one unbroken stretch of the room, oldest first.
 * What the log shows is a window on it.
 */
export class Archive {
  #messages = [];

  /** How many messages are loaded. */
  get size() {
    return this.#messages.length;
  }

  /** The oldest seq loaded, or undefined. */
  get first() {
    return this.#messages[0]?.seq;
  }

  /** The newest seq loaded, or undefined. */
  get last() {
    return this.#messages.at(-1)?.seq;
  }

  /** Adds newer messages, oldest first; those it has already are left out. */
  append(messages) {
    const last = this.last ?? -Infinity;
    this.#messages.push(...messages.filter((each) => each.seq > last));
  }

  /** Adds older messages, oldest first; those it has already are left out. */
  prepend(messages) {
    const first = this.first ?? Infinity;
    this.#messages.unshift(...messages.filter((each) => each.seq < first));
  }

  /** The `count` messages before `seq`. */
  before(seq, count) {
    const end = this.#position(seq);
    return this.#messages.slice(Math.max(0, end - count), end);
  }

  /** The `count` messages after `seq`. */
  after(seq, count) {
    const start = this.#position(seq + 1);
    return this.#messages.slice(start, start + count);
  }

  /** The newest `count` messages. */
  tail(count) {
    return this.#messages.slice(-count);
  }

  /** Forgets what is older than `seq`; the server still has it. True when there was any. */
  forgetBefore(seq) {
    return this.#messages.splice(0, this.#position(seq)).length > 0;
  }

  /** Forgets everything. */
  clear() {
    this.#messages = [];
  }

  /** Where `seq` is, or would be. */
  #position(seq) {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#messages[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
