const LINK = /\bhttps?:\/\/[^\s<>"`]+/gi;
const TRAILING = /[.,;:!?'*_~)\]}]$/;
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
  let rest = address;
  while (TRAILING.test(rest)) {
    const mark = rest.at(-1);
    const opener = OPENERS[mark];
    // A bracket that was opened inside the address belongs to it: …/Tea_(meal)
    if (opener && rest.split(opener).length >= rest.split(mark).length) break;
    rest = rest.slice(0, -1);
  }
  return rest;
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
