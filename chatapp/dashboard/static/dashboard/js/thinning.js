/**
 * A point to draw: seconds since the epoch, the value, and for how many points it stands.
 * @typedef {[number, number, number]} Point
 */

/**
 * Makes many points few, as the server does: of equal parts of the time the lowest and the
 * highest stay, and the very last point.
 * @param {Point[]} points  in the order of their times
 * @param {number} most
 * @returns {Point[]}
 */
export function thin(points, most) {
  if (points.length <= most) return points;
  const end = points[points.length - 1];
  const rest = points.slice(0, -1);
  const parts = Math.floor((most - 1) / 2);
  const start = rest[0][0];
  const width = (rest[rest.length - 1][0] - start) / parts || 1;
  const kept = [];
  let from = 0;
  while (from < rest.length) {
    const part = place(rest[from]);
    let to = from + 1;
    while (to < rest.length && place(rest[to]) === part) to += 1;
    kept.push(...extremes(rest.slice(from, to)));
    from = to;
  }
  return [...kept, end];

  function place(point) {
    return Math.min(parts - 1, Math.floor((point[0] - start) / width));
  }
}

function extremes(part) {
  const count = part.reduce((sum, point) => sum + point[2], 0);
  let low = part[0];
  let high = part[0];
  for (const point of part) {
    if (point[1] < low[1]) low = point;
    if (point[1] > high[1]) high = point;
  }
  if (low === high) return [[low[0], low[1], count]];
  const [first, second] = low[0] <= high[0] ? [low, high] : [high, low];
  const half = Math.floor(count / 2);
  return [[first[0], first[1], count - half], [second[0], second[1], half]];
}
