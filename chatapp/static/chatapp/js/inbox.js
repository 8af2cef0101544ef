const LIMIT = 500;

/**
 * The reader's notifications, as the server has them: the newest first, and how many are
 * unread. What another tab reads is read here too.
 *
 * @typedef {{id: number, text: string, url: string, created: string, read: boolean,
 *   object: string}} Notification
 */
export class Inbox {
  #ports;
  #known = new Map();
  #skip = 0;
  /** What the server was told that it is read, and has not confirmed yet. */
  #told = new Set();

  /** Whether there are no older ones. */
  complete = true;
  unread = 0;

  /**
   * @param {object} ports
   * @param {(frame: object) => void} ports.send
   * @param {() => void} ports.changed
   * @param {(notification: Notification) => boolean} [ports.seen]  whether the reader sees
   *   what a new one is about anyway
   */
  constructor(ports) {
    this.#ports = ports;
  }

  /** All that are known, the newest first. @returns {Notification[]} */
  get list() {
    return [...this.#known.values()].sort((a, b) => b.created.localeCompare(a.created) || b.id - a.id);
  }

  /** Asks for the newest: what came while there was no connection. */
  refresh() {
    this.#told.clear();
    this.#ports.send({ type: 'notifications' });
  }

  /** Asks for older ones. */
  older() {
    this.#ports.send({ type: 'notifications', skip: this.#skip });
  }

  /** The reader has read these. @param {number[]} ids */
  read(ids) {
    for (const id of ids) this.#told.add(id);
    this.#ports.send({ type: 'read', ids });
  }

  readAll() {
    this.#ports.send({ type: 'read' });
  }

  /** The reader looks at the page: what it shows anyway is read. */
  look() {
    const fresh = [...this.#known.values()].filter((one) => !one.read && !this.#told.has(one.id));
    const ids = fresh.filter((one) => this.#ports.seen?.(one)).map(({ id }) => id);
    if (ids.length) this.read(ids);
  }

  /** Takes a frame of the server; false if it is about something else. */
  receive(frame) {
    if (frame.type === 'notification') this.#came(frame);
    else if (frame.type === 'notifications') this.#page(frame);
    else if (frame.type === 'read') this.#wasRead(frame);
    // Told now and then: another number means that something was missed.
    else if (frame.type === 'unread') frame.unread === this.unread || this.refresh();
    else return false;
    this.#ports.changed();
    return true;
  }

  #came(frame) {
    this.unread = frame.unread;
    this.#told.delete(frame.id);
    this.#known.set(frame.id, frame);
    if (this.#known.size > LIMIT) this.#known.delete(this.list.at(-1).id);
    this.look();
  }

  #page({ notifications, complete, skip, unread }) {
    if (skip === 0) this.#known.clear();
    for (const one of notifications) this.#known.set(one.id, one);
    this.#skip = skip + notifications.length;
    this.complete = complete;
    this.unread = unread;
    this.look();
  }

  /** Without ids, all are. */
  #wasRead({ ids, unread }) {
    this.unread = unread;
    for (const id of ids ?? [...this.#known.keys()]) {
      if (this.#known.has(id)) this.#known.set(id, { ...this.#known.get(id), read: true });
    }
  }
}
