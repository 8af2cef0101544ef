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
    this.#ports.send({ type: 'notifications' });
  }

  /** Asks for older ones. */
  older() {
    this.#ports.send({ type: 'notifications', skip: this.#skip });
  }

  /** The reader has read this one; without a number, all. @param {number} [id] */
  read(id) {
    this.#ports.send(id === undefined ? { type: 'read' } : { type: 'read', ids: [id] });
  }

  /** The reader looks at the page: what it shows anyway is read. */
  look() {
    for (const one of this.#known.values()) if (!one.read && this.#ports.seen?.(one)) this.read(one.id);
  }

  /** Takes a frame of the server; false if it is about something else. */
  receive(frame) {
    if (frame.type === 'notification') this.#came(frame);
    else if (frame.type === 'notifications') this.#page(frame);
    else if (frame.type === 'read') this.#wasRead(frame);
    else return false;
    this.#ports.changed();
    return true;
  }

  #came(frame) {
    this.unread = frame.unread;
    this.#known.set(frame.id, frame);
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

  #wasRead({ ids, unread }) {
    this.unread = unread;
    for (const id of ids) {
      if (this.#known.has(id)) this.#known.set(id, { ...this.#known.get(id), read: true });
    }
  }
}
