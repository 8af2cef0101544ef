/**
 * Fits the page above the keyboard of a phone. Where the browser shrinks the layout itself
 * this changes nothing; Safari lays the keyboard over the page and only says so here.
 */
export function fitViewport() {
  const { visualViewport } = window;
  if (!visualViewport) return;
  const fit = () => {
    // A page zoomed in by its reader is not one with a keyboard over it.
    const zoomed = visualViewport.scale > 1.01;
    const covered = innerHeight - visualViewport.height > 80;
    const { style } = document.documentElement;
    if (zoomed || !covered) return style.removeProperty('--page-height');
    style.setProperty('--page-height', `${visualViewport.height}px`);
    return scrollTo(0, 0);
  };
  visualViewport.addEventListener('resize', fit);
}
