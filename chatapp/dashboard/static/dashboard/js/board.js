import { part } from '../../chatapp/js/dom.js';
import { Line } from './line.js';
import { Panel } from './panel.js';

const SPANS = [60, 300, 900, 3600];
const TICK = 1000;

/**
 * The charts on the page, and the tools above them.
 */
export class Board {
  #charts = part('charts');
  #empty = part('empty');
  #leftOut = part('left-out');
  #title = document.getElementById('title');
  #span = document.getElementById('span');
  #pause = document.getElementById('pause');
  #panels = new Map();
  #window = 0;
  #ahead = 0;
  #frame = null;
  /** The lines, by series. */
  lines = new Map();

  constructor() {
    document.querySelector('.tools').hidden = false;
    this.#span.addEventListener('change', () => this.#draw());
    this.#pause.addEventListener('click', () => {
      const paused = this.#pause.getAttribute('aria-pressed') !== 'true';
      this.#pause.setAttribute('aria-pressed', String(paused));
      this.#pause.textContent = paused ? 'Go on' : 'Pause';
      if (!paused) this.#draw();
    });
    // Time goes on, also when nothing comes.
    setInterval(() => this.drawSoon(), TICK);
  }

  /** The server's clock counts: this device's may be wrong. */
  set now(seconds) {
    this.#ahead = seconds - Date.now() / 1000;
  }

  /** @param {object} frame  a `dashboard` frame */
  show(frame) {
    this.now = frame.now;
    if (frame.window !== this.#window) this.#offer(frame.window);
    this.#title.textContent = frame.title;
    const series = frame.charts.flatMap((chart) => chart.lines.map((line) => line.series));
    for (const name of series) if (!this.lines.has(name)) this.lines.set(name, new Line());
    for (const name of this.lines.keys()) if (!series.includes(name)) this.lines.delete(name);
    this.#place(frame.charts);
    this.#empty.hidden = series.length > 0;
    this.#leftOut.hidden = !frame.left_out;
    this.#leftOut.textContent = `${frame.left_out} more series are not shown: a dashboard shows ${series.length}.`;
    this.#draw();
  }

  /** Draws before the screen is painted next, unless the reader wants it to stand still. */
  drawSoon() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      if (this.#pause.getAttribute('aria-pressed') !== 'true') this.#draw();
    });
  }

  #draw() {
    const end = Date.now() / 1000 + this.#ahead;
    for (const line of this.lines.values()) line.forget(end - this.#window);
    for (const panel of this.#panels.values()) panel.draw(end - Number(this.#span.value), end);
  }

  /** Keeps the panels whose charts are as they were. */
  #place(charts) {
    const before = this.#panels;
    this.#panels = new Map();
    for (const chart of charts) {
      const key = JSON.stringify(chart);
      this.#panels.set(key, before.get(key) ?? new Panel(chart, this.lines));
      before.delete(key);
    }
    for (const panel of before.values()) panel.element.remove();
    [...this.#panels.values()].forEach(({ element }, index) => {
      if (this.#charts.children[index] !== element) this.#charts.insertBefore(element, this.#charts.children[index] ?? null);
    });
  }

  #offer(window) {
    this.#window = window;
    const spans = [...new Set([...SPANS.filter((span) => span < window), window])];
    this.#span.replaceChildren(...spans.map((span) => new Option(inWords(span), span)));
    this.#span.value = spans.includes(300) ? 300 : window;
  }
}

function inWords(seconds) {
  if (seconds < 120) return seconds === 60 ? 'minute' : `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
