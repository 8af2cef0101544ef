import { make, part } from './dom.js';

/**
 * The last word on a conversation that cannot go on.
 */
export class Banner {
  #element = part('banner');

  /**
   * @param {string} text
   * @param {string | null} loginUrl  where to log in, when that would help
   */
  show(text, loginUrl) {
    const way = loginUrl
      ? make('a.button', { href: loginUrl }, 'Log in')
      : make('button.quiet', { type: 'button' }, 'Reload');
    if (!loginUrl) way.addEventListener('click', () => location.reload());
    this.#element.replaceChildren(make('p', {}, text), way);
    this.#element.hidden = false;
  }
}
