/**
 * How many messages came while the reader was elsewhere, in the title of the tab.
 */
export class Unread {
  #title = document.title;
  #count = 0;

  constructor() {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#show(0);
    });
  }

  /** Counts new messages of others. */
  add(count) {
    if (document.hidden && count) this.#show(this.#count + count);
  }

  #show(count) {
    this.#count = count;
    document.title = count ? `(${count}) ${this.#title}` : this.#title;
  }
}
