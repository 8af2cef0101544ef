import { diagnose } from './trouble.js';

const LOOK = 500;
const AGAIN = 4000;

/**
 * Listens for silence. After a heartbeat without a frame it asks whether anybody is there;
 * after another it finds out what is missing, and says so until something is heard.
 */
export class Watch {
  #ports;
  #heardAt = Date.now();
  #askedAt = null;
  #silent = false;
  #asking = false;
  #foundOutAt = 0;
  #timer = null;
  /** Seconds of silence that mean nothing. */
  heartbeat = 5;

  /**
   * @param {object} ports
   * @param {string} ports.readyUrl
   * @param {() => void} ports.ask  sends something that is answered, if all is well
   * @param {() => void} ports.insist  as `ask`; without an answer the connection is made anew
   * @param {(text: string, since: number) => void} ports.trouble  what is missing, and since when
   * @param {() => void} ports.over  something was heard again
   */
  constructor(ports) {
    this.#ports = ports;
  }

  start() {
    this.#heardAt = Date.now();
    this.#timer = setInterval(() => this.#look(), LOOK);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** A frame came. */
  heard() {
    this.#heardAt = Date.now();
    this.#askedAt = null;
    if (this.#silent) this.#ports.over();
    this.#silent = false;
  }

  #look() {
    const now = Date.now();
    const beat = this.heartbeat * 1000;
    if (now - this.#heardAt < beat) return;
    if (this.#askedAt === null) {
      this.#askedAt = now;
      this.#ports.ask();
    }
    // Counted from the question: a page in the background was asleep, and not deaf.
    if (now - this.#askedAt >= beat && !this.#asking && now - this.#foundOutAt > AGAIN) this.#findOut();
  }

  async #findOut() {
    this.#asking = true;
    const before = this.#heardAt;
    const { fine, text } = await diagnose(this.#ports.readyUrl);
    this.#asking = false;
    this.#foundOutAt = Date.now();
    if (this.#heardAt !== before) return;
    this.#silent = true;
    this.#ports.trouble(text, this.#heardAt);
    // If all is there, it is the connection that is dead; if not, a question once more finds out when it is back.
    if (fine) this.#ports.insist();
    else this.#ports.ask();
  }
}
