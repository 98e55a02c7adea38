// The gateway's JSON API, with its one error shape.

export class ApiError extends Error {
  constructor(status, code, message, field, retryAfter) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
    this.retryAfter = retryAfter;
  }
}

/** Fetches JSON. Throws ApiError with a message that can be shown; status 0 means no answer at all. */
export async function request(path, { method = 'GET', body, key } = {}) {
  const headers = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, 'unreachable', 'The server does not answer. Is it still running?');
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const error = answer?.error ?? {};
  throw new ApiError(
    response.status,
    error.code ?? 'unknown',
    error.message ?? `The server answered ${response.status}`,
    error.field,
    Number(response.headers.get('Retry-After')) || undefined,
  );
}
