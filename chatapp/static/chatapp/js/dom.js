/**
 * Makes an element: its tag with classes ("div.day.first"), its attributes, its children.
 * Text goes in as text, never as HTML.
 * @param {string} description
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(description, attributes = {}, ...children) {
  const [tag, ...classes] = description.split('.');
  const element = document.createElement(tag);
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The one element of the page with this data-testid. */
export function part(name) {
  return document.querySelector(`[data-testid="${name}"]`);
}
