import { roomAddress } from './address.js';
import { Backlog } from './backlog.js';
import { rememberGuest } from './guest.js';
import { Outbox } from './outbox.js';
import { Socket } from './socket.js';
import { Timeline } from './timeline.js';

const ROLL_CALL = 60_000;
const TYPING = 3000;
const STRAY = 2000;
const FAREWELL = 500;
const TOO_FAR = 1000;
const LOGGED_OUT = 4401;
const LOGIN_HELPS = ['guests_not_allowed', 'room_needs_account', 'session_invalid'];

/**
 * The conversation with the server: which frame means what, and what is sent when. It
 * joins socket, timeline, backlog and outbox, and tells the view what to show.
 */
export class Session {
  #config;
  #view;
  #me = null;
  #error = null;
  #farewell = null;
  #evictions = 0;
  #typedAt = 0;
  #socket;
  #timeline;
  #backlog;
  #outbox;

  /**
   * @param {object} config  what the page says about the room and its reader
   * @param {import('./view.js').View} view
   * @param {{store: import('./store.js').Store, tab: string}} place  where unsent messages stay
   */
  constructor(config, view, place) {
    this.#config = config;
    this.#view = view;
    this.#socket = this.#openSocket();
    this.#timeline = new Timeline({
      emit: (messages) => this.#arrived(messages),
      fetch: (since) => this.#socket.send({ type: 'history', since }),
    });
    this.#backlog = new Backlog({
      send: (frame) => this.#socket.send(frame),
      loaded: (messages, complete) => this.#loaded(messages, complete),
      busy: (busy) => view.log.busy(busy),
    });
    this.#outbox = this.#openOutbox(place);
  }

  /** Begins. */
  start() {
    this.#outbox.start();
    this.#socket.start();
    setInterval(() => document.hidden || this.rollCall(), ROLL_CALL);
  }

  /** Sends what was written. */
  say(text) {
    this.#typedAt = 0;
    this.#outbox.add(text);
  }

  /** Sends a refused message again. */
  retry(clientId) {
    this.#outbox.retry(clientId);
  }

  /** Gives a refused message up, and returns its text. */
  discard(clientId) {
    return this.#outbox.discard(clientId);
  }

  /** Asks for the messages before `seq`. */
  older(seq) {
    if (this.#socket.connected) this.#backlog.load(seq ?? this.#timeline.last + 1);
  }

  /** Asks who is here. */
  rollCall() {
    this.ask({ type: 'presence' });
  }

  /** Sends what the server answers, or what need not be said again. */
  ask(frame) {
    if (this.#socket.connected) this.#socket.send(frame, frame.type !== 'read');
  }

  /** Lets the others know that something is being written. */
  typing() {
    const now = Date.now();
    if (!this.#socket.connected || now - this.#typedAt < TYPING) return;
    this.#typedAt = now;
    this.#socket.send({ type: 'typing' }, false);
  }

  /** Connects now instead of later. */
  retryNow() {
    this.#socket.retryNow();
  }

  #openSocket() {
    return new Socket({
      url: () => roomAddress(this.#config.room, this.#timeline.last),
      received: (frame) => this.#receive(frame),
      changed: (state) => this.#view.status.show(state),
      ended: (code) => this.#ended(code),
      probe: () => this.rollCall(),
    });
  }

  #openOutbox({ store, tab }) {
    const prefix = `parley:outbox:${this.#config.room}:${this.#config.sender ?? 'guest'}:`;
    return new Outbox({ store, prefix, tab }, {
      send: (frame) => this.#socket.connected && this.#socket.send(frame),
      changed: (entry) => this.#view.showPending(entry),
      removed: (clientId) => this.#view.log.drop(clientId),
    });
  }

  #receive(frame) {
    switch (frame.type) {
      case 'welcome': return this.#welcome(frame);
      case 'message': return this.#timeline.message(frame);
      case 'ack': return this.#acknowledged(frame);
      case 'history': return this.#history(frame);
      case 'head': return this.#timeline.announce(frame.seq);
      case 'presence': return this.#view.people.show(frame);
      case 'typing': return frame.sender !== this.#me && this.#view.typing.add(frame);
      case 'name': return this.#named(frame);
      case 'notice': return this.#noticed(frame);
      case 'error': return this.#refused(frame);
      case 'reconnect': return this.#socket.expectRestart(frame.after);
      default: return this.#view.bell?.receive(frame); // or more than we understand
    }
  }

  #welcome(frame) {
    const { sender } = this.#config;
    // Never send what one person wrote under another's name.
    if (sender && frame.sender !== sender) return this.#loggedOut();
    this.#evictions = 0;
    this.#me = frame.sender;
    rememberGuest(frame.guest);
    this.#view.welcome(frame);
    this.#socket.welcomed();
    this.#catchUp(frame.head);
    this.#outbox.open();
    this.#view.bell?.refresh();
    return this.rollCall();
  }

  /** Goes on where the last connection ended, if the room is still about there. */
  #catchUp(head) {
    const { last } = this.#timeline;
    const near = last !== null && head >= last && head - last <= TOO_FAR;
    if (near) {
      this.#timeline.resume(head);
    } else {
      this.#timeline.start(head);
      this.#backlog.clear();
      this.#view.log.clear();
    }
    this.#backlog.prime(this.#view.log.first === undefined ? head : this.#view.log.first - 1);
  }

  #arrived(messages) {
    this.#settle(messages);
    for (const { sender } of messages) this.#view.typing.remove(sender);
    this.#view.showNew(messages);
  }

  #loaded(messages, complete) {
    this.#settle(messages);
    this.#view.log.prepend(messages, complete);
  }

  /** To see a message in the room is as good as an acknowledgement. */
  #settle(messages) {
    for (const { client_id: id } of messages) if (this.#outbox.has(id)) this.#outbox.settle(id);
  }

  #history(frame) {
    if (Number.isInteger(frame.before)) this.#backlog.page(frame);
    else this.#timeline.page(frame);
  }

  #acknowledged({ client_id: id, seq }) {
    this.#outbox.settle(id);
    // An old message, sent again after a reload: it has its place further up already.
    if (seq <= this.#timeline.last) return this.#view.log.drop(id);
    this.#view.log.settle(id);
    // The message itself follows, unless it got lost on its way.
    return setTimeout(() => this.#timeline.lookFor(seq), STRAY);
  }

  #named(frame) {
    rememberGuest(frame.guest);
    this.#view.rename(frame.user);
    this.#done(frame.client_id);
  }

  #noticed({ text, client_id: id }) {
    this.#view.log.notice(text);
    this.#done(id);
  }

  #done(id) {
    if (id) this.#outbox.settle(id);
    if (id) this.#view.log.drop(id);
  }

  #refused(frame) {
    if (frame.client_id) {
      return this.#outbox.refuse(frame.client_id, frame.text, frame.retry_after);
    }
    this.#error = frame;
    // The last words before a close go into the banner, not into the log.
    this.#farewell = setTimeout(() => this.#view.log.notice(frame.text), FAREWELL);
    return undefined;
  }

  /** The connection ended. Returns whether to come back. */
  #ended(code) {
    this.#timeline.pause();
    this.#outbox.close();
    clearTimeout(this.#farewell);
    const error = this.#error;
    this.#error = null;
    if (code === LOGGED_OUT) {
      this.#evictions += 1;
      if (this.#config.sender && this.#evictions > 1) return this.#loggedOut();
    }
    if (code < 4500) return true;
    const login = LOGIN_HELPS.includes(error?.code) ? this.#config.loginUrl : null;
    this.#view.finish(error?.text || 'The server has closed this conversation.', login);
    return false;
  }

  #loggedOut() {
    this.#timeline.pause();
    this.#outbox.close();
    this.#socket.stop();
    this.#view.finish('You have been logged out.', this.#config.loginUrl);
    return false;
  }
}
