import { Banner } from './banner.js';
import { Bell } from './bell.js';
import { Composer } from './composer.js';
import { Log } from './log.js';
import { People } from './people.js';
import { Status } from './status.js';
import { Typing } from './typing.js';
import { Unread } from './unread.js';

/**
 * The room on the page: its parts, and what concerns more than one of them.
 */
export class View {
  #news = document.getElementById('news');
  #me = document.getElementById('me');
  #unread = new Unread();
  #banner = new Banner();
  #sender = null;

  /**
   * @param {object} config  what the page says about the room and its reader
   * @param {object} draft  keeps what is unsent, see Composer
   * @param {() => import('./session.js').Session} session  takes what the reader does
   */
  constructor(config, draft, session) {
    this.typing = new Typing();
    this.status = new Status(() => session().retryNow());
    this.people = new People(() => session().rollCall());
    // Guests have none. What is said here while the reader looks on is no news.
    const here = ({ object }) => object === `room:${config.room}` && !document.hidden;
    this.bell = config.sender ? new Bell((frame) => session().ask(frame), here) : null;
    this.log = new Log({
      older: (seq) => session().older(seq),
      act: (action, clientId) => this.#act(session(), action, clientId),
    });
    this.composer = new Composer(config.maxLength, draft, {
      send: (text) => session().say(text),
      typing: () => session().typing(),
    });
    addEventListener('keydown', (event) => this.#key(event));
    // On a phone this would call up the keyboard before anything has been read.
    if (matchMedia('(hover: hover) and (pointer: fine)').matches) this.composer.focus();
  }

  /** The server knows us. */
  welcome({ user, sender }) {
    this.#sender = sender;
    this.log.identify(sender);
    this.typing.clear();
    this.rename(user);
  }

  /** We are called otherwise now. */
  rename(user) {
    this.#me.textContent = String(user);
  }

  /** Newer messages, in order. */
  showNew(messages) {
    this.log.append(messages);
    this.#unread.add(messages.filter(({ sender }) => sender !== this.#sender).length);
  }

  /** A message of ours on its way, or what has become of it. */
  showPending(entry) {
    this.log.pending(entry);
    if (entry.state === 'failed') this.#news.textContent = `Message not sent. ${entry.error ?? ''}`;
  }

  /** The conversation cannot go on. */
  finish(text, loginUrl) {
    this.composer.close();
    this.typing.clear();
    this.#banner.show(text, loginUrl);
  }

  #act(session, action, clientId) {
    if (action === 'retry') session.retry(clientId);
    if (action === 'discard') session.discard(clientId);
    if (action === 'edit') {
      const { composer } = this;
      composer.text = [session.discard(clientId), composer.text].filter(Boolean).join('\n');
    }
    this.composer.focus();
  }

  /** Escape leads back: out of an open list, then to the newest message, ready to write. */
  #key(event) {
    if (event.key !== 'Escape' || event.isComposing || this.people.close() || this.bell?.close()) return;
    this.log.toEnd();
    this.composer.focus();
  }
}
