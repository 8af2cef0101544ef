const FIRST = 500;
const MOST = 30_000;

/**
 * How long to wait before the next attempt: doubling, with full jitter, so that a
 * thousand browsers that lost one server do not all come back in the same instant.
 */
export class Backoff {
  #attempts = 0;
  #random;

  /** @param {() => number} random  a number in [0, 1) */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** The next delay in milliseconds. */
  next() {
    const ceiling = Math.min(MOST, FIRST * 2 ** this.#attempts);
    this.#attempts += 1;
    return this.#random() * ceiling;
  }

  /** The connection proved good: begin small again. */
  reset() {
    this.#attempts = 0;
  }
}
