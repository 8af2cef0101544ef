const PAGE = 50;
const PATIENCE = 8000;

/**
 * Fetches the older messages of the room, a page at a time, one request under way at most.
 */
export class Backlog {
  #asked = null;
  #timer = null;
  #begun = false;
  #ports;

  /**
   * @param {object} ports
   * @param {(frame: object) => boolean} ports.send
   * @param {(messages: object[], complete: boolean) => void} ports.loaded
   * @param {(busy: boolean) => void} ports.busy
   */
  constructor(ports) {
    this.#ports = ports;
  }

  /** After a welcome: fetches the newest page, unless it has come on an earlier connection. */
  prime(head) {
    this.#rest();
    if (!this.#begun) this.load(head + 1);
  }

  /** Asks for the messages before `seq`. */
  load(seq) {
    if (this.#asked !== null) return;
    if (!this.#ports.send({ type: 'history', before: seq, limit: PAGE })) return;
    this.#asked = seq;
    this.#timer = setTimeout(() => this.#rest(), PATIENCE);
    this.#ports.busy(true);
  }

  /** A page came. */
  page({ before, messages, complete }) {
    if (before !== this.#asked) return;
    this.#begun = true;
    this.#rest();
    this.#ports.loaded(messages, complete);
  }

  /** Begins anew: nothing of the room is loaded any more. */
  clear() {
    this.#begun = false;
    this.#rest();
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#asked = null;
    this.#ports.busy(false);
  }
}
