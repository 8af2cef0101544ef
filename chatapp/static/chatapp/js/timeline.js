const RETRY = 5000;
const GRACE = 300;
const DOUBTS = 3;

/**
 * Puts the messages of a room in order, each exactly once, whatever order they come in.
 *
 * A message beyond `last` + 1 is held back, and the hole is asked for. The timeline knows
 * neither the page nor the socket.
 */
export class Timeline {
  /** The newest seq up to which nothing is missing; null before the first welcome. */
  last = null;
  #head = 0;
  #more = false;
  #doubts = 0;
  #held = new Map();
  #request = null;
  #timer = null;
  #emit;
  #fetch;

  /**
   * @param {object} ports
   * @param {(messages: object[]) => void} ports.emit  takes the next messages, in order
   * @param {(since: number) => void} ports.fetch  asks the server for what follows `since`
   */
  constructor({ emit, fetch }) {
    this.#emit = emit;
    this.#fetch = fetch;
  }

  /** Begins at `head`: older messages are not this timeline's business. */
  start(head) {
    this.pause();
    this.#held.clear();
    this.last = head;
    this.#head = head;
  }

  /** Goes on after a reconnect; the server sends what follows `last` by itself. */
  resume(head) {
    this.pause();
    this.#head = Math.max(this.#head, head);
    if (this.#head > this.last) this.#expect(RETRY);
  }

  /** The connection is gone, and with it any answer that was under way. */
  pause() {
    clearTimeout(this.#timer);
    this.#request = null;
    this.#more = false;
  }

  /** The server says that the room's newest seq is `seq`. */
  announce(seq) {
    this.#head = Math.max(this.#head, seq);
    this.#fill();
  }

  /**
   * The message `seq` is stored, though perhaps not yet sent to the room: looks whether it can
   * be had. Unlike an announced head, this does not say that an empty page means a deletion.
   */
  lookFor(seq) {
    if (this.last === null || seq <= this.last) return;
    this.#more = true;
    this.#fill();
  }

  /** A message came live. */
  message(message) {
    if (this.last === null || message.seq <= this.last) return;
    if (!this.#held.has(message.seq)) this.#held.set(message.seq, message);
    this.#advance(this.last);
    this.announce(message.seq);
  }

  /**
   * A page of what follows `page.since`. It is the truth about its stretch: a seq missing
   * inside it belongs to a message that was deleted and will never come.
   */
  page(page) {
    if (this.last === null) return;
    if (page.since > this.last) return void page.messages.forEach((each) => this.message(each));
    const asked = this.#answered(page);
    for (const each of page.messages) {
      if (each.seq > this.last && !this.#held.has(each.seq)) this.#held.set(each.seq, each);
    }
    this.#advance(Math.max(this.last, ...page.messages.map((each) => each.seq)));
    if (asked && page.complete && !page.messages.length) this.#giveUp(asked.head);
    this.#more = !page.complete;
    if (this.#more && !this.#request) this.#expect(GRACE);
    else this.#fill();
  }

  /** The request that `page` answers, which is thereby done. */
  #answered(page) {
    const request = this.#request;
    if (request?.since !== page.since) return null;
    this.pause();
    return request;
  }

  /**
   * The server says that nothing follows `last`: what lay between it and the head that we
   * knew when asking was deleted. A head announced since then is not covered.
   */
  #giveUp(head) {
    // A page that lacks even what came live is older than that: look again before giving up.
    if (this.#held.size && this.#doubts < DOUBTS) {
      this.#doubts += 1;
      this.#expect(GRACE);
    } else {
      this.#advance(head);
    }
  }

  /** Gives out what is held up to `to`, and beyond it as far as there is no hole. */
  #advance(to) {
    const batch = [];
    for (const seq of [...this.#held.keys()].sort((a, b) => a - b)) {
      if (seq > to && seq !== Math.max(this.last, to) + 1) break;
      batch.push(this.#held.get(seq));
      this.#held.delete(seq);
      this.last = seq;
    }
    this.last = Math.max(this.last, to);
    if (!batch.length) return;
    this.#doubts = 0;
    this.#emit(batch);
  }

  /** Asks for what is missing, unless an answer is under way. */
  #fill() {
    const whole = this.#head <= this.last && !this.#more;
    if (this.last === null || whole || this.#request) return;
    this.#fetch(this.last);
    this.#expect(RETRY);
  }

  /** Waits for the page that follows `last`, and asks for it when it does not come in time. */
  #expect(patience) {
    clearTimeout(this.#timer);
    this.#request = { since: this.last, head: this.#head };
    this.#timer = setTimeout(() => {
      this.#request = null;
      this.#fill();
    }, patience);
  }
}
