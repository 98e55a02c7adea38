// Server-sent events by fetch: unlike EventSource it can carry an Authorization header, tells a
// refusal from a lost connection, and resumes after the last id seen, so that nothing is missed.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/**
 * Follows an event stream until `signal` aborts. Calls `on.entry({id, type, data})` for each event,
 * `on.lost()` and `on.back()` around a gap, `on.refused(status)` when the server will never answer.
 */
export async function follow(url, { key, signal, on }) {
  let last = '';
  let wait = FIRST_WAIT_MS;
  let gap = false;
  while (!signal.aborted) {
    try {
      const headers = { Accept: 'text/event-stream' };
      if (key) headers.Authorization = `Bearer ${key}`;
      if (last) headers['Last-Event-ID'] = last;
      const response = await fetch(url, { headers, signal });
      if (response.status >= 400 && response.status < 500 && response.status !== 429) {
        on.refused?.(response.status);
        return;
      }
      if (response.ok) {
        if (gap) on.back?.();
        gap = false;
        wait = FIRST_WAIT_MS;
        for await (const event of read(response.body)) {
          if (event.id) last = event.id;
          if (event.data) on.entry({ id: event.id, type: event.type, data: JSON.parse(event.data) });
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof TypeError)) console.error(error);
    }
    if (!gap) on.lost?.();
    gap = true;
    await pause(wait, signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value.replaceAll('\r', '');
    let end;
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      yield parse(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
    }
  }
}

function parse(block) {
  const event = { id: '', type: 'message', data: '' };
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trimStart();
    if (name === 'id') event.id = value;
    else if (name === 'event') event.type = value;
    else if (name === 'data') event.data += value;
  }
  return event;
}

export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
