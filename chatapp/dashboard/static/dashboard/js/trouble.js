const PATIENCE = 5000;

/**
 * Finds out what is missing, and says it in plain words.
 * @param {string} url  of /readyz
 * @returns {Promise<{fine: boolean, text: string}>}
 */
export async function diagnose(url) {
  let response;
  try {
    response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    return error.name === 'TimeoutError' ? behind() : unreachable();
  }
  // The server in front answers by itself that nobody behind it does.
  const report = await response.json().catch(() => null);
  return report?.status ? inWords(report) : behind();
}

function unreachable() {
  return { fine: false, text: 'The server can’t be reached. Is this device online?' };
}

function behind() {
  return {
    fine: false,
    text: 'The channel layer is down, or no worker runs: the server in front is there, but nothing behind it answers.',
  };
}

/** @param {object} report  what /readyz says */
export function inWords(report) {
  const missing = [];
  if (report.channel_layer) missing.push('The channel layer is down: nothing gets from one process to another.');
  if (report.database) missing.push('The database is down: nothing can be stored or read.');
  if (!report.channel_layer && report.workers?.length === 0) missing.push('No worker says that it lives.');
  if (report.unheard?.length) missing.push(`No worker listens on ${report.unheard.join(', ')}.`);
  if (missing.length) return { fine: false, text: missing.join(' ') };
  if (report.status !== 'ok') return { fine: false, text: 'The server says that it is not ready.' };
  return { fine: true, text: 'The server says that all is there; waiting for what it sends.' };
}
