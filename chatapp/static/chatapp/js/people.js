import { make, part } from './dom.js';

/**
 * Who is here: how many, and on demand by name.
 */
export class People {
  #count = part('present');
  #button = this.#count.closest('button');
  #panel = document.getElementById('people');
  #ask;

  /** @param {() => void} ask  asks the server for the names as they are now */
  constructor(ask) {
    this.#ask = ask;
    this.#button.addEventListener('click', () => this.#toggle(this.#panel.hidden));
    this.#button.addEventListener('focus', () => {
      // A click focuses first and would close at once what its focus opened.
      if (this.#button.matches(':focus-visible')) this.#toggle(true);
    });
    this.#button.addEventListener('blur', () => this.#toggle(false));
    // Pressing inside the panel, to scroll it, must not take the focus from the button.
    this.#panel.addEventListener('pointerdown', (event) => event.preventDefault());
  }

  /** @param {{users?: string[], guests?: string[], count?: number}} presence  guests: those of the users who are */
  show({ users = [], guests = [], count = users.length }) {
    this.#count.textContent = String(count);
    const names = users.map((name) => {
      const tag = guests.includes(name) ? [' ', make('span.tag', {}, 'guest')] : [];
      return make('li', {}, make('bdi', {}, String(name)), ...tag);
    });
    const others = count - users.length;
    if (others > 0) names.push(make('li.others', {}, `and ${others} more`));
    this.#panel.querySelector('ul').replaceChildren(...names);
    this.#button.hidden = false;
  }

  /** Closes the list of names; false when it was not open. */
  close() {
    const open = !this.#panel.hidden;
    this.#toggle(false);
    return open;
  }

  #toggle(open) {
    if (open && this.#panel.hidden) this.#ask();
    this.#panel.hidden = !open;
    this.#button.setAttribute('aria-expanded', String(open));
  }
}
