const LASTS = 5000;

/**
 * Who is writing at the moment.
 */
export class Typing {
  #element = document.getElementById('typing');
  #writers = new Map();

  /** Somebody writes; it holds for a few seconds. */
  add({ sender, user, guest }) {
    clearTimeout(this.#writers.get(sender)?.timer);
    const timer = setTimeout(() => this.remove(sender), LASTS);
    this.#writers.set(sender, { name: guest ? `${user} (guest)` : String(user), timer });
    this.#show();
  }

  /** The message has come, or nothing more. */
  remove(sender) {
    clearTimeout(this.#writers.get(sender)?.timer);
    if (this.#writers.delete(sender)) this.#show();
  }

  /** Nothing is known any more. */
  clear() {
    for (const sender of [...this.#writers.keys()]) this.remove(sender);
  }

  #show() {
    const names = [...this.#writers.values()].map(({ name }) => name);
    let words = '';
    if (names.length === 1) words = `${names[0]} is typing…`;
    else if (names.length === 2) words = `${names[0]} and ${names[1]} are typing…`;
    else if (names.length > 2) words = `${names.length} people are typing…`;
    this.#element.textContent = words;
  }
}
