/**
 * A key-value store over localStorage or sessionStorage that never throws.
 * Whatever the browser refuses to keep (private mode, quota, blocked cookies)
 * is kept in memory instead, so that callers need no second path.
 */
export class Store {
  #area;
  #memory = new Map();

  /** @param {() => Storage} area  a getter, because merely touching the area may throw */
  constructor(area) {
    try {
      this.#area = area();
    } catch {
      this.#area = null;
    }
  }

  /** The value kept under `key`, or null. */
  get(key) {
    try {
      return JSON.parse(this.#memory.get(key) ?? this.#area.getItem(key));
    } catch {
      return null;
    }
  }

  /** Keeps a JSON value under `key`. */
  set(key, value) {
    const json = JSON.stringify(value);
    try {
      this.#area.setItem(key, json);
      this.#memory.delete(key);
    } catch {
      this.#memory.set(key, json);
    }
  }

  /** Forgets `key`. */
  remove(key) {
    this.#memory.delete(key);
    try {
      this.#area.removeItem(key);
    } catch {
      // Nothing was kept there in the first place.
    }
  }

  /** All the keys that begin with `prefix`. */
  keys(prefix) {
    const found = new Set(this.#memory.keys());
    try {
      for (let i = 0; i < this.#area.length; i += 1) found.add(this.#area.key(i));
    } catch {
      // Memory is all there is.
    }
    return [...found].filter((key) => key.startsWith(prefix));
  }
}
