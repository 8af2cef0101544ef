const NEAR_END = 64;

/**
 * Where the reader is in the log. Keeps a reader at the end at the end, and anybody else
 * exactly where he is, whatever is put in or taken out above.
 */
export class Scroller {
  #element;
  #stuck = true;

  /**
   * @param {HTMLElement} element  what scrolls
   * @param {HTMLElement} content  what grows inside it
   * @param {() => void} moved  called, at most once a frame, after the reader has moved
   */
  constructor(element, content, moved) {
    this.#element = element;
    let waiting = false;
    element.addEventListener('scroll', () => {
      this.#stuck = this.atEnd;
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        moved();
      });
    }, { passive: true });
    // The keyboard of a phone, a growing composer, a turned screen: the end stays in sight.
    const watch = new ResizeObserver(() => this.#stuck && this.toEnd());
    watch.observe(element);
    watch.observe(content);
  }

  /** Whether the newest line is in sight. */
  get atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#element;
    return scrollHeight - scrollTop - clientHeight <= NEAR_END;
  }

  /** Whether older messages will soon be wanted: less than a screenful is left above. */
  get nearStart() {
    return this.#element.scrollTop <= this.#element.clientHeight;
  }

  /** Goes to the newest line. */
  toEnd() {
    this.#stuck = true;
    this.#element.scrollTop = this.#element.scrollHeight;
  }

  /** Changes the content while `anchor` stays where it is on the screen. */
  hold(anchor, change) {
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (!anchor?.isConnected) return;
    this.#element.scrollTop += anchor.getBoundingClientRect().top - before;
    this.#stuck = this.atEnd;
  }
}
