const LINK = /\bhttps?:\/\/[^\s<>"`]+/gi;
const TRAILING = new Set(".,;:!?'*_~)]}");
const OPENERS = { ')': '(', ']': '[', '}': '{' };

/**
 * What somebody wrote, as nodes: plain text, in which web addresses can be clicked. It
 * never passes through an HTML parser, so nothing in it can become markup.
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function prose(text) {
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const address = trimmed(match[0]);
    const link = linkTo(address);
    if (!link) continue;
    fragment.append(text.slice(end, match.index), link);
    end = match.index + address.length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

/** An address without the punctuation of the sentence around it. */
function trimmed(address) {
  const counts = {};
  for (const mark of address) counts[mark] = (counts[mark] ?? 0) + 1;
  let end = address.length;
  while (TRAILING.has(address[end - 1])) {
    const mark = address[end - 1];
    const opener = OPENERS[mark];
    // A bracket that was opened inside the address belongs to it: …/Tea_(meal)
    if (opener && (counts[opener] ?? 0) >= counts[mark]) break;
    counts[mark] -= 1;
    end -= 1;
  }
  return address.slice(0, end);
}

function linkTo(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  const link = document.createElement('a');
  link.href = url.href;
  link.target = '_blank';
  link.rel = 'noopener noreferrer nofollow';
  link.textContent = address;
  return link;
}
