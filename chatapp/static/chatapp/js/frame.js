const CHECKS = {
  welcome: (frame) => typeof frame.sender === 'string' && isSeq(frame.head),
  message: isMessage,
  ack: (frame) => typeof frame.client_id === 'string' && isSeq(frame.seq),
  history: (frame) => Array.isArray(frame.messages) && (isSeq(frame.before) || isSeq(frame.since)),
  head: (frame) => isSeq(frame.seq),
  presence: (frame) => Array.isArray(frame.users ?? []) && Array.isArray(frame.guests ?? []),
  notification: isNotification,
  notifications: (frame) => Array.isArray(frame.notifications) && isSeq(frame.skip) && isSeq(frame.unread),
  read: (frame) => (frame.ids === null || Array.isArray(frame.ids)) && isSeq(frame.unread),
  unread: (frame) => isSeq(frame.unread),
  typing: (frame) => typeof frame.sender === 'string',
};

/**
 * What the server sent, if it makes sense: one frame of half a kind must not bring the
 * whole conversation to a halt.
 * @param {string} data
 * @returns {object | null}
 */
export function readFrame(data) {
  let frame;
  try {
    frame = JSON.parse(data);
  } catch {
    return null;
  }
  const check = Object.hasOwn(CHECKS, frame?.type) ? CHECKS[frame.type] : () => frame?.type;
  if (!check(frame)) return null;
  if (frame.type === 'history') frame.messages = frame.messages.filter(isMessage);
  if (frame.type === 'notifications') frame.notifications = frame.notifications.filter(isNotification);
  return frame;
}

function isMessage(frame) {
  return isSeq(frame?.seq) && typeof frame.message === 'string' && typeof frame.sender === 'string';
}

function isNotification(frame) {
  const texts = ['text', 'url', 'created', 'object'];
  return isSeq(frame?.id) && texts.every((name) => typeof frame[name] === 'string');
}

function isSeq(value) {
  return Number.isInteger(value) && value >= 0;
}
