import { part } from './dom.js';

const WARN_AT = 0.9;

/**
 * Where the reader writes. It never cuts or loses a text: what is unsent is there again
 * after a reload, and what is too long stays to be shortened.
 */
export class Composer {
  #field = part('composer');
  #form = this.#field.form;
  #counter = document.getElementById('counter');
  #growsItself = CSS.supports('field-sizing', 'content');
  #open = true;
  #draft;
  #max;

  /**
   * @param {number} max  how many characters the server takes
   * @param {{get: () => string | null, set: (text: string) => void}} draft  keeps what is unsent
   * @param {{send: (text: string) => void, typing: () => void}} handlers
   */
  constructor(max, draft, { send, typing }) {
    this.#max = max;
    this.#draft = draft;
    this.#field.addEventListener('keydown', (event) => this.#key(event));
    this.#field.addEventListener('input', () => {
      this.#changed();
      // A command is nobody else's business before it is sent.
      if (!/^\s*(\/|$)/.test(this.text)) typing();
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(send);
    });
    this.#form.hidden = false;
    this.text = draft.get() ?? '';
  }

  /** What is written and not yet sent. */
  get text() {
    return this.#field.value;
  }

  set text(text) {
    this.#field.value = text;
    this.#changed();
  }

  /** Lets the reader go on writing. */
  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** Nothing can be sent any more; what is written stays, to be copied. */
  close() {
    this.#open = false;
    this.#form.querySelector('button').disabled = true;
  }

  #key(event) {
    // While a word is being composed, Enter belongs to the input method. Safari ends the
    // composition before that Enter and tells only by the key code 229.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #submit(send) {
    const text = this.text.replace(/^(\s*\n)+|\s+$/g, '');
    if (!text || !this.#open || lengthOf(text) > this.#max) return this.focus();
    this.text = '';
    send(text.toWellFormed?.() ?? text);
    return this.focus();
  }

  #changed() {
    this.#draft.set(this.text);
    this.#grow();
    const length = lengthOf(this.text);
    const over = length > this.#max;
    this.#counter.hidden = length < this.#max * WARN_AT;
    this.#counter.textContent = over
      ? `${length - this.#max} too many` : `${this.#max - length} left`;
    this.#counter.classList.toggle('over', over);
    this.#field.setAttribute('aria-invalid', String(over));
  }

  #grow() {
    if (this.#growsItself) return;
    const { style } = this.#field;
    style.height = 'auto';
    style.height = `${this.#field.scrollHeight}px`;
  }
}

/** The length as the server counts it: in code points. */
function lengthOf(text) {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}
