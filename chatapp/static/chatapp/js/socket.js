import { Backoff } from './backoff.js';
import { readFrame } from './frame.js';

const OPENING = 15_000;
const SILENCE = 15_000;
const WAKING = 4000;
const GOOD = 5000;

/**
 * A WebSocket that comes back: it reconnects with jittered back-off, at once when the
 * network or the reader returns, and notices a connection that died without a word.
 *
 * @typedef {{name: 'connecting' | 'connected' | 'offline' | 'closed',
 *   until?: number, restarting?: boolean}} State
 */
export class Socket {
  #ports;
  #ws = null;
  #state = { name: 'closed' };
  #backoff = new Backoff();
  #timers = {};
  #planned = null;
  #attempt = null;

  /**
   * @param {object} ports
   * @param {() => string | Promise<string>} ports.url  where to connect to, asked anew each time
   * @param {(frame: object) => void} ports.received
   * @param {(state: State) => void} ports.changed
   * @param {(code: number) => boolean} ports.ended  told of each end; false: do not come back
   * @param {() => void} ports.probe  sends something that the server answers
   */
  constructor(ports) {
    this.#ports = ports;
  }

  /** Whether the server has welcomed us on the connection there is. */
  get connected() {
    return this.#state.name === 'connected';
  }

  /** Connects, and keeps connected from then on. */
  start() {
    addEventListener('online', () => this.#hurry());
    addEventListener('pageshow', () => this.#hurry());
    addEventListener('offline', () => this.#check());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#hurry();
    });
    this.#connect();
  }

  /**
   * Sends a frame; false when there is no connection to send it on.
   * @param {object} frame
   * @param {boolean} answered  whether the server answers such a frame: its silence then
   *   means that the connection is dead
   */
  send(frame, answered = true) {
    if (this.#ws?.readyState !== WebSocket.OPEN) return false;
    this.#ws.send(JSON.stringify(frame));
    if (answered) this.#listen(SILENCE);
    return true;
  }

  /** The server has welcomed us: the connection is of use now. */
  welcomed() {
    clearTimeout(this.#timers.opening);
    this.#timers.good = setTimeout(() => this.#backoff.reset(), GOOD);
    this.#become({ name: 'connected' });
  }

  /** The server will go away shortly and wants us back after `seconds`. */
  expectRestart(seconds) {
    this.#planned = Math.max(0, Number(seconds) || 0) * 1000 + Math.random() * 500;
  }

  /** Connects now instead of later. */
  retryNow() {
    if (this.#state.name === 'offline') this.#connect();
  }

  /** Ends the connection for good. */
  stop() {
    this.#drop();
    this.#become({ name: 'closed' });
  }

  /** The network or the reader came back: time to know how things stand. */
  #hurry() {
    // A server that is restarting has told us when; coming earlier would not help.
    if (this.#state.name === 'offline' && !this.#state.restarting) this.#connect();
    else this.#check();
  }

  /** Finds out soon whether the connection still lives. */
  #check() {
    if (!this.connected) return;
    this.#ports.probe();
    this.#listen(WAKING);
  }

  #connect() {
    this.#drop();
    this.#planned = null;
    this.#become({ name: 'connecting' });
    this.#timers.opening = setTimeout(() => this.#lost(1006), OPENING);
    const url = this.#ports.url();
    if (typeof url === 'string') this.#open(url);
    else this.#openLater(url);
  }

  /** Connects once the URL is known, unless the attempt was given up by then. */
  async #openLater(url) {
    const attempt = {};
    this.#attempt = attempt;
    const found = await url.catch(() => null);
    if (this.#attempt !== attempt) return;
    if (found) this.#open(found);
    else this.#lost(1006);
  }

  #open(url) {
    const ws = new WebSocket(url);
    ws.onmessage = (event) => this.#receive(event.data);
    ws.onclose = (event) => this.#lost(event.code);
    this.#ws = ws;
  }

  #receive(data) {
    this.#hush();
    const frame = readFrame(data);
    if (frame) this.#ports.received(frame);
  }

  /** Expects any frame within `patience`; an earlier expectation stands if it ends earlier. */
  #listen(patience) {
    const deadline = Date.now() + patience;
    if (this.#timers.silence && this.#timers.deadline <= deadline) return;
    clearTimeout(this.#timers.silence);
    this.#timers.deadline = deadline;
    this.#timers.silence = setTimeout(() => this.#lost(1006), patience);
  }

  #hush() {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = null;
  }

  #lost(code) {
    this.#drop();
    const final = code >= 4500 && code <= 4999;
    const wanted = this.#ports.ended(code);
    if (final || !wanted) return this.#become({ name: 'closed' });
    const restarting = this.#planned !== null;
    const delay = this.#planned ?? this.#backoff.next();
    this.#timers.again = setTimeout(() => this.#connect(), delay);
    this.#become({ name: 'offline', until: Date.now() + delay, restarting });
  }

  /** Lets go of the connection and of everything that waits for it. */
  #drop() {
    for (const name of ['opening', 'good', 'again']) clearTimeout(this.#timers[name]);
    this.#hush();
    this.#attempt = null;
    const ws = this.#ws;
    this.#ws = null;
    if (!ws) return;
    // A dead connection can take a minute to report its own close; it must not be heard then.
    ws.onmessage = null;
    ws.onclose = null;
    ws.close();
  }

  #become(state) {
    this.#state = state;
    this.#ports.changed(state);
  }
}
