import { make } from '../../chatapp/js/dom.js';
import { Chart, COLOURS } from './chart.js';

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const small = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const large = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat();

/**
 * One chart on the page: its title, its lines drawn, and the same in words.
 */
export class Panel {
  #lines;
  #unit;
  #chart = null;
  #plot;
  #reading = make('p.reading', { 'aria-live': 'polite' });
  #latest = make('ul.latest', { 'aria-label': 'Latest values' });
  #counts = make('p.counts', { 'data-testid': 'counts' });
  #items = [];

  /**
   * @param {{title: string, unit: string, lines: {series: string, label: string}[]}} chart
   * @param {Map<string, import('./line.js').Line>} store  the lines, by series
   */
  constructor(chart, store) {
    this.#unit = chart.unit;
    this.#lines = chart.lines.map(({ series, label }) => ({ series, label, line: store.get(series) }));
    this.#plot = make('div.plot', {
      tabindex: '0',
      role: 'img',
      'aria-label': `Line chart: ${chart.title}. The arrow keys read its points. The latest values are listed below.`,
    });
    const title = make('h2', {}, chart.title);
    if (chart.unit) title.append(' ', make('span.unit', {}, chart.unit));
    this.#items = this.#lines.map((line, index) => this.#item(line, index));
    this.#latest.append(...this.#items.map(({ item }) => item));
    this.element = make('section.chart', { 'aria-label': chart.title });
    this.element.append(title, this.#plot, this.#reading, this.#latest, this.#counts);
    if (!Chart.available) {
      this.#plot.replaceChildren(make('p.help', {}, 'The chart library is not there: see docs/dashboard.md.'));
    }
  }

  /** Draws all lines between two moments, in seconds since the epoch. */
  draw(start, end) {
    // Only now it is on the page, and has a size.
    if (!this.#chart && Chart.available) {
      this.#chart = new Chart(this.#plot, this.#lines.length, (index, data) => this.#read(index, data));
    }
    const found = this.#lines.map(({ line }) => line.since(start));
    this.#chart?.draw(found, [start, end]);
    this.#lines.forEach(({ line }, index) => this.#tell(this.#items[index], line));
    const sum = (count) => found.reduce((total, one) => total + count(one), 0);
    const drawn = sum(({ times }) => times.length);
    const stood = sum(({ count }) => count);
    this.#counts.textContent = `${whole.format(stood)} ${stood === 1 ? 'point' : 'points'}, ${whole.format(drawn)} drawn`;
  }

  #item({ series, label }, index) {
    const swatch = make('span.swatch', { 'data-line': String((index % COLOURS) + 1), 'aria-hidden': 'true' });
    if (index >= COLOURS) swatch.classList.add('dashed');
    const value = make('span.value', {}, '–');
    const when = make('time.when');
    const item = make('li', { 'data-series': series }, swatch, make('span.label', {}, label), value, when);
    return { item, value, when };
  }

  #tell({ item, value, when }, line) {
    const { newest } = line;
    item.dataset.upto = line.last ?? '';
    const words = newest ? this.#value(newest[1]) : 'no value lately';
    if (value.textContent !== words) value.textContent = words;
    const moment = newest ? clock.format(newest[0] * 1000) : '';
    if (when.textContent !== moment) when.textContent = moment;
  }

  #read(index, data) {
    const values = this.#lines
      .map(({ label }, place) => [label, data[place + 1][index]])
      .filter(([, value]) => typeof value === 'number')
      .map(([label, value]) => (this.#lines.length > 1 ? `${label} ${this.#value(value)}` : this.#value(value)));
    this.#reading.textContent = `${clock.format(data[0][index] * 1000)}: ${values.join(', ')}`;
  }

  #value(value) {
    const text = (Math.abs(value) < 1000 ? small : large).format(value);
    return this.#unit && !this.#unit.startsWith('per ') ? `${text} ${this.#unit}` : text;
  }
}
