import { make, part } from '../../chatapp/js/dom.js';

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/**
 * Whether what is shown is live, in words; and if not, what is missing and since when.
 */
export class Status {
  #element = part('state');
  #words = this.#element.querySelector('span');
  #button = document.getElementById('try-now');
  #news = document.getElementById('news');
  #box = part('trouble');
  #reason = this.#box.querySelector('[role="alert"]');
  #since = this.#box.querySelector('.since');
  #state = { name: 'connecting' };
  #wasLive = false;
  #silentSince = null;

  /** @param {() => void} retryNow  the reader does not want to wait */
  constructor(retryNow) {
    this.#button.addEventListener('click', retryNow);
    this.#element.parentElement.hidden = false;
    setInterval(() => this.#say(), 1000);
  }

  /** @param {import('../../chatapp/js/socket.js').State} state */
  show(state) {
    const before = this.#state.name;
    this.#state = state;
    if (state.name === 'offline') this.#button.hidden = false;
    else if (state.name !== 'connecting') this.#button.hidden = true;
    if (state.name === 'offline' && before === 'connected') this.#news.textContent = 'Connection lost.';
    if (state.name === 'connected') {
      this.#wasLive = true;
      this.#news.textContent = 'Live.';
    }
    this.#say();
  }

  /** Nothing is heard any more: why, and since when (milliseconds since the epoch). */
  trouble(text, since) {
    this.#silentSince = since;
    if (this.#reason.textContent !== text) this.#reason.textContent = text;
    this.#box.hidden = false;
    this.#say();
  }

  /** All is well again. */
  over() {
    this.#silentSince = null;
    this.#box.hidden = true;
    this.#reason.textContent = '';
    this.#news.textContent = 'Live again.';
    this.#say();
  }

  /** It can't go on: why, and where to log in if that helps. */
  finish(text, loginUrl) {
    this.#silentSince = null;
    this.#since.textContent = '';
    this.#reason.textContent = text;
    this.#box.append(make('a.button', { href: loginUrl ?? location.href }, loginUrl ? 'Log in' : 'Reload'));
    this.#box.hidden = false;
  }

  #say() {
    const [name, words] = this.#now();
    this.#element.dataset.state = name;
    if (this.#words.textContent !== words) this.#words.textContent = words;
    if (this.#silentSince === null) return;
    const seconds = Math.round((Date.now() - this.#silentSince) / 1000);
    this.#since.textContent = `No live data since ${clock.format(this.#silentSince)} (for ${duration(seconds)}). What is drawn is from before.`;
  }

  #now() {
    const { name, until, restarting } = this.#state;
    if (name === 'connected') return this.#silentSince === null ? ['live', 'live'] : ['silent', 'no live data'];
    if (name === 'connecting') return ['connecting', this.#wasLive ? 'reconnecting…' : 'connecting…'];
    if (name !== 'offline') return [name, name];
    const seconds = Math.max(1, Math.round((until - Date.now()) / 1000));
    return ['reconnecting', `${restarting ? 'server restarting' : 'reconnecting'} in ${seconds} s`];
  }
}

function duration(seconds) {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
}
