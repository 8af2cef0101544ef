import { address } from '../../chatapp/js/address.js';
import { Socket } from '../../chatapp/js/socket.js';
import { Watch } from './watch.js';

const ASK_AGAIN = 3000;
const URL_LIMIT = 6000;
const LOGGED_OUT = 4401;
const LOGIN_HELPS = ['login_required', 'session_invalid', 'logged_out'];

/**
 * The conversation with the server: which frame means what, and what is asked when.
 */
export class Session {
  #config;
  #board;
  #status;
  #error = null;
  #evictions = 0;
  #fresh = true;
  #asked = new Map();
  #socket;
  #watch;

  /**
   * @param {{name: string, readyUrl: string, loginUrl: string}} config
   * @param {import('./board.js').Board} board
   * @param {import('./status.js').Status} status
   */
  constructor(config, board, status) {
    this.#config = config;
    this.#board = board;
    this.#status = status;
    this.#socket = new Socket({
      url: () => this.#url(),
      received: (frame) => this.#receive(frame),
      changed: (state) => status.show(state),
      ended: (code) => this.#ended(code),
      probe: () => this.#socket.send({ type: 'ping' }),
    });
    this.#watch = new Watch({
      readyUrl: config.readyUrl,
      ask: () => this.#socket.send({ type: 'ping' }, false),
      insist: () => this.#socket.send({ type: 'ping' }),
      trouble: (text, since) => status.trouble(text, since),
      over: () => status.over(),
    });
  }

  /** Begins. */
  start() {
    this.#socket.start();
    this.#watch.start();
  }

  /** Connects now instead of later. */
  retryNow() {
    this.#socket.retryNow();
  }

  /** Goes on where the last connection ended. */
  #url() {
    this.#fresh = true;
    const here = `/dashboard/${encodeURIComponent(this.#config.name)}/`;
    const known = [...this.#board.lines].filter(([, line]) => line.last !== null);
    const query = known.map(([series, line]) => `since=${series}:${line.last}`);
    if (query.join('&').length <= URL_LIMIT) return address(here, query);
    // Too many to tell: all windows come anew.
    for (const [, line] of known) line.last = null;
    return address(here);
  }

  #receive(frame) {
    this.#watch.heard();
    switch (frame.type) {
      case 'dashboard': return this.#show(frame);
      case 'points': return this.#take(frame);
      case 'beat': return this.#beat(frame);
      case 'error': { this.#error = frame; return undefined; }
      case 'reconnect': return this.#socket.expectRestart(frame.after);
      default: return undefined; // what is for all sockets of a user, or of a newer server
    }
  }

  #show(frame) {
    this.#watch.heartbeat = frame.heartbeat;
    this.#board.show(frame);
    if (!this.#fresh) {
      // Another series: its points must be asked for. When we come, they are sent.
      for (const [series, line] of this.#board.lines) if (line.last === null) this.#ask(series, 0);
      return;
    }
    this.#fresh = false;
    this.#evictions = 0;
    this.#error = null;
    this.#asked.clear();
    this.#socket.welcomed();
  }

  #take(frame) {
    const line = this.#board.lines.get(frame.series);
    if (!line) return;
    line.take(frame);
    if (line.isBehind) this.#ask(frame.series, line.last);
    else this.#asked.delete(frame.series);
    this.#board.drawSoon();
  }

  #beat(frame) {
    this.#board.now = frame.now;
    // What made another series known was lost.
    if (Object.keys(frame.heads).some((series) => !this.#board.lines.has(series))) {
      this.#socket.send({ type: 'dashboard' }, false);
    }
    for (const [series, line] of this.#board.lines) {
      if (Object.hasOwn(frame.heads, series)) line.announce(frame.heads[series]);
      if (line.isBehind) this.#ask(series, line.last);
    }
  }

  /** Asks for what is missing; not twice while the answer may be on its way. */
  #ask(series, since) {
    if (Date.now() - (this.#asked.get(series) ?? 0) < ASK_AGAIN) return;
    if (this.#socket.send({ type: 'points', series, since }, false)) this.#asked.set(series, Date.now());
  }

  /** The connection ended. Returns whether to come back. */
  #ended(code) {
    const error = this.#error;
    this.#error = null;
    // Logged out somewhere: those still logged in here come back, once.
    if (code === LOGGED_OUT) this.#evictions += 1;
    if (code < 4500 && this.#evictions < 2) return true;
    this.#watch.stop();
    const login = LOGIN_HELPS.includes(error?.code) ? this.#config.loginUrl : null;
    this.#status.finish(error?.text || 'The server has closed this dashboard.', login);
    return false;
  }
}
