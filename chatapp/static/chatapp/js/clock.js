const time = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayAndYear = new Intl.DateTimeFormat(undefined, {
  weekday: 'long', day: 'numeric', month: 'long', year: 'numeric',
});

/** A <time> element that shows the hour, and the full date when pointed at. */
export function timeElement(date) {
  const element = document.createElement('time');
  element.className = 'time';
  element.dateTime = date.toISOString();
  element.title = full.format(date);
  element.textContent = time.format(date);
  return element;
}

/** The day in words: "Today", "Yesterday", or its date. */
export function dayName(date, now = new Date()) {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (sameDay(date, now)) return 'Today';
  if (sameDay(date, yesterday)) return 'Yesterday';
  return (date.getFullYear() === now.getFullYear() ? day : dayAndYear).format(date);
}

/** Whether two dates fall on the same day, where the reader is. */
export function sameDay(one, other) {
  return one.toDateString() === other.toDateString();
}
