import { part } from './dom.js';

/**
 * The state of the connection, in words, counting down to the next attempt.
 */
export class Status {
  #element = part('state');
  #words = this.#element.querySelector('span');
  #button = document.getElementById('try-now');
  #news = document.getElementById('news');
  #state = { name: 'connecting' };
  #timer = null;

  /** @param {() => void} retryNow  the reader does not want to wait */
  constructor(retryNow) {
    this.#button.addEventListener('click', retryNow);
    this.#element.parentElement.hidden = false;
  }

  /** @param {import('./socket.js').State} state */
  show(state) {
    const before = this.#state.name;
    this.#state = state;
    this.#element.dataset.state = state.name;
    // Pressed, the button stays until the attempt succeeds: hiding, it would drop the focus.
    if (state.name === 'offline') this.#button.hidden = false;
    else if (state.name !== 'connecting') this.#button.hidden = true;
    clearInterval(this.#timer);
    if (state.until) this.#timer = setInterval(() => this.#say(), 1000);
    this.#say();
    this.#announce(before, state.name);
  }

  #say() {
    this.#words.textContent = this.#text();
  }

  #text() {
    const { name, until, restarting } = this.#state;
    if (name === 'connecting') return 'connecting…';
    if (name !== 'offline') return name;
    const seconds = Math.max(1, Math.round((until - Date.now()) / 1000));
    return restarting
      ? `server restarting – back in ${seconds} s` : `offline – trying again in ${seconds} s`;
  }

  /** The countdown would talk without end; only the turns are spoken. */
  #announce(before, name) {
    if (name === 'offline' && before === 'connected') this.#news.textContent = 'Connection lost.';
    if (name === 'connected') this.#news.textContent = 'Connected.';
  }
}
