import { uuid } from './uuid.js';

const PATIENCE = 10_000;
const ORPHANED = 15_000;
const BEAT = 5000;
const TICK = 1000;
// Each message waits for the one before it, but not for ever: several at once could be stored
// in another order, by different workers or when the server slows us down.
const TURN = 3000;

/**
 * The messages that were written here and that the server has not yet acknowledged.
 *
 * Each is kept under a storage key of its own, so that tabs of the same room never write
 * over each other. A tab sends its own; it takes over another's when their owner has
 * given no sign of life for a while. Sending one twice is harmless.
 *
 * @typedef {{client_id: string, text: string, at: number, state: 'sending' | 'failed',
 *   error?: string, tab: string, beat: number}} Entry
 */
export class Outbox {
  #entries = new Map();
  #sentAt = new Map();
  #live = false;
  #notBefore = 0;
  #beatAt = 0;
  #store;
  #prefix;
  #tab;
  #ports;

  /**
   * @param {object} place
   * @param {import('./store.js').Store} place.store
   * @param {string} place.prefix  the room and the identity these messages belong to
   * @param {string} place.tab  this tab's name
   * @param {object} ports
   * @param {(frame: object) => boolean} ports.send
   * @param {(entry: Entry) => void} ports.changed
   * @param {(clientId: string) => void} ports.removed  done away with here or in another tab
   */
  constructor({ store, prefix, tab }, ports) {
    this.#store = store;
    this.#prefix = prefix;
    this.#tab = tab;
    this.#ports = ports;
  }

  /** Takes up what an earlier page left, and begins to look after it. */
  start() {
    this.#adopt();
    setInterval(() => this.#tick(), TICK);
    addEventListener('storage', (event) => {
      if (event.key?.startsWith(this.#prefix) && event.newValue === null) {
        this.#remove(event.key.slice(this.#prefix.length));
      }
    });
  }

  /** Whether a message waits here under `clientId`. */
  has(clientId) {
    return this.#entries.has(clientId);
  }

  /** Takes a new message in and sends it as soon as it can be sent. */
  add(text) {
    const at = Date.now();
    const entry = { client_id: uuid(), text, at, state: 'sending', tab: this.#tab, beat: at };
    this.#entries.set(entry.client_id, entry);
    this.#keep(entry);
    this.#flush();
  }

  /** The connection is up: everything unacknowledged goes out again, in order. */
  open() {
    this.#live = true;
    this.#sentAt.clear();
    this.#flush();
  }

  /** The connection is gone. */
  close() {
    this.#live = false;
  }

  /** The server has taken the message: it needs no more care. */
  settle(clientId) {
    this.#forget(clientId);
    this.#flush();
  }

  /** The server has not taken it: sends it again later, or leaves that to the writer. */
  refuse(clientId, error, retryAfter) {
    const entry = this.#entries.get(clientId);
    if (!entry) return;
    this.#sentAt.delete(clientId);
    if (Number.isFinite(retryAfter)) {
      const pause = Math.max(0.5, retryAfter) * 1000;
      this.#notBefore = Math.max(this.#notBefore, Date.now() + pause);
      setTimeout(() => this.#flush(), pause + 10);
    } else {
      this.#keep(Object.assign(entry, { state: 'failed', error }));
      this.#flush();
    }
  }

  /** The writer wants a refused message sent again. */
  retry(clientId) {
    const entry = this.#entries.get(clientId);
    if (!entry) return;
    this.#keep(Object.assign(entry, { state: 'sending', error: undefined }));
    this.#flush();
  }

  /** The writer gives the message up. Returns its text. */
  discard(clientId) {
    const text = this.#entries.get(clientId)?.text ?? '';
    this.#remove(clientId);
    return text;
  }

  #flush() {
    const now = Date.now();
    if (!this.#live || now < this.#notBefore) return;
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'sending') continue;
      const waited = now - (this.#sentAt.get(entry.client_id) ?? -Infinity);
      if (waited < TURN) return;
      if (waited < PATIENCE) continue;
      const frame = { message: entry.text, client_id: entry.client_id };
      if (this.#ports.send(frame)) this.#sentAt.set(entry.client_id, now);
      return;
    }
  }

  #tick() {
    this.#flush();
    if (Date.now() - this.#beatAt >= BEAT) this.#adopt();
  }

  /** Shows that this tab lives, and takes up what is its own or nobody's. */
  #adopt() {
    this.#beatAt = Date.now();
    for (const entry of this.#entries.values()) this.#write(entry);
    const found = this.#store.keys(this.#prefix).map((key) => this.#store.get(key));
    const mine = found.filter((entry) => this.#isMine(entry)).sort((a, b) => a.at - b.at);
    for (const entry of mine) {
      this.#entries.set(entry.client_id, entry);
      this.#keep(Object.assign(entry, { tab: this.#tab }));
    }
    if (mine.length) this.#flush();
  }

  #isMine(entry) {
    if (typeof entry?.text !== 'string' || this.#entries.has(entry.client_id)) return false;
    return entry.tab === this.#tab || Date.now() - entry.beat > ORPHANED;
  }

  #keep(entry) {
    this.#write(entry);
    this.#ports.changed(entry);
  }

  #write(entry) {
    this.#store.set(this.#prefix + entry.client_id, Object.assign(entry, { beat: this.#beatAt }));
  }

  #forget(clientId) {
    this.#store.remove(this.#prefix + clientId);
    this.#sentAt.delete(clientId);
    return this.#entries.delete(clientId);
  }

  #remove(clientId) {
    if (this.#forget(clientId)) this.#ports.removed(clientId);
  }
}
