const AXIS = 12;
/** Pixels for each point, if points are to be seen and not only the line through them. */
const ROOM = 12;
/** Seconds between two labels of the time axis. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumSignificantDigits: 4 });
const minutes = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', second: '2-digit' });

/** Lines beyond the sixth have the colours once more, dashed. */
export const COLOURS = 6;

/**
 * A line chart on a canvas, by uPlot. Its colours are those of the page, light or dark.
 */
export class Chart {
  #plot;
  #element;
  #range = [0, 1];
  #read;
  #stirred = false;

  /**
   * @param {HTMLElement} element  where to draw
   * @param {number} lines  how many
   * @param {(index: number, data: number[][]) => void} read  the reader points at this place
   */
  constructor(element, lines, read) {
    this.#element = element;
    this.#read = read;
    this.#plot = new globalThis.uPlot(this.#options(lines), [[], ...Array(lines).fill([])], element);
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw(false));
    for (const event of ['mousemove', 'touchstart']) {
      element.addEventListener(event, () => { this.#stirred = true; }, { capture: true, passive: true });
    }
    element.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Whether the library is there. */
  static get available() {
    return typeof globalThis.uPlot === 'function';
  }

  /**
   * @param {{times: number[], values: number[]}[]} lines
   * @param {[number, number]} range  seconds since the epoch
   */
  draw(lines, range) {
    this.#range = range;
    const tables = lines.map(({ times, values }) => [times, values]);
    this.#plot.setData(tables.length === 1 ? tables[0] : globalThis.uPlot.join(tables));
  }

  #size() {
    return { width: this.#element.clientWidth, height: this.#element.clientHeight };
  }

  #options(lines) {
    const colour = (name) => () => getComputedStyle(this.#element).getPropertyValue(name);
    const axis = { stroke: colour('--soft'), font: `${AXIS}px system-ui, sans-serif` };
    const look = { grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    return {
      ...this.#size(),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      padding: [10, 32, 0, 0],
      scales: { x: { range: () => this.#range }, y: { range: (plot, low, high) => heights(low, high) } },
      axes: [
        { ...axis, ...look, size: 28, gap: 6, space: 72, incrs: STEPS, values: (plot, splits) => timesOf(splits) },
        { ...axis, ...look, size: 52, gap: 6, values: (plot, splits) => splits.map((value) => compact.format(value)) },
      ],
      series: [{}, ...Array.from({ length: lines }, (_, index) => ({
        stroke: colour(`--line-${(index % COLOURS) + 1}`),
        width: 2,
        dash: index < COLOURS ? undefined : [6, 4],
        points: { size: 5, show: (plot, series) => areFew(plot, series) },
      }))],
      hooks: { setCursor: [(plot) => this.#pointed(plot)] },
    };
  }

  #pointed(plot) {
    // The cursor also "moves" when the lines move under it: that is nobody's doing.
    if (!this.#stirred || plot.cursor.idx === null || plot.cursor.idx === undefined) return;
    this.#stirred = false;
    this.#read(plot.cursor.idx, plot.data);
  }

  #key(event) {
    const times = this.#plot.data[0];
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !times.length) return;
    event.preventDefault();
    const from = this.#plot.cursor.idx ?? times.length;
    const index = Math.max(0, Math.min(times.length - 1, from + steps[event.key]));
    this.#stirred = true;
    this.#plot.setCursor({ left: this.#plot.valToPos(times[index], 'x'), top: 1 });
    this.#stirred = false;
    this.#read(index, this.#plot.data);
  }
}

/** Whether a line has so few points that each is seen; one alone would be nothing without. */
function areFew(plot, series) {
  const most = plot.over.clientWidth / ROOM;
  let count = 0;
  for (const value of plot.data[series]) {
    if (typeof value === 'number') count += 1;
    if (count > most) return false;
  }
  return true;
}

/** From zero, if the values are about that large; else the values with some air. */
function heights(low, high) {
  if (low === null || low === undefined || (low === 0 && high === 0)) return [0, 1];
  const bottom = low >= 0 && low <= high / 2 ? 0 : low;
  return globalThis.uPlot.rangeNum(bottom, high, 0.1, true);
}

function timesOf(splits) {
  const format = splits.length > 1 && splits[1] - splits[0] < 60 ? seconds : minutes;
  return splits.map((at) => format.format(at * 1000));
}
