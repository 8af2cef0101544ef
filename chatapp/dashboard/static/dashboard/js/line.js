import { thin } from './thinning.js';

const MOST = 1000;

/**
 * The points of one series, as far as they are known here. The numbers of the points tell
 * what comes twice, and what is missing.
 */
export class Line {
  #points = [];
  #heard = 0;
  /** Number of the newest point that is here; null: none has come yet. */
  last = null;

  /** Whether the server has sent browsers more than what is here. */
  get isBehind() {
    return this.last !== null && this.#heard > this.last;
  }

  /** The newest by its own time. */
  get newest() {
    return this.#points[this.#points.length - 1];
  }

  /**
   * Takes a `points` frame. Afterwards `isBehind` tells whether something is missing.
   * @param {{after: number, upto: number, points: import('./thinning.js').Point[]}} frame
   */
  take({ after, upto, points }) {
    if (after === 0) {
      // All there is: the first window, or that of a series which was deleted and began anew.
      this.#points = [];
      this.#heard = this.last > upto ? upto : Math.max(this.#heard, upto);
    } else if (after !== this.last) {
      // A hole, or in part what is here already: it is fetched. Before the first window: it comes.
      this.#heard = Math.max(this.#heard, upto);
      return;
    }
    this.last = upto;
    this.#heard = Math.max(this.#heard, upto);
    this.#add(points);
  }

  /** The server says how far it is. */
  announce(head) {
    if (this.last === null) return;
    // The series was deleted and began anew: what is here is of another.
    if (head < this.last) this.last = 0;
    this.#heard = head;
  }

  /** Forgets what is older than `start`. */
  forget(start) {
    const first = this.#points.findIndex(([at]) => at >= start);
    if (first !== 0) this.#points.splice(0, first < 0 ? this.#points.length : first);
  }

  /**
   * What to draw from `start` on: times, which grow from one to the next, and values; and
   * for how many points they stand.
   */
  since(start) {
    const times = [];
    const values = [];
    let count = 0;
    for (const [at, value, standsFor] of this.#points) {
      if (at < start) continue;
      const before = times[times.length - 1] ?? -Infinity;
      times.push(Math.max(at, before + 0.001));
      values.push(value);
      count += standsFor;
    }
    return { times, values, count };
  }

  #add(points) {
    const late = points.length > 0 && this.newest !== undefined && points[0][0] < this.newest[0];
    this.#points.push(...points);
    if (late) this.#points.sort((one, other) => one[0] - other[0]);
    if (this.#points.length > 2 * MOST) this.#points = thin(this.#points, MOST);
  }
}
