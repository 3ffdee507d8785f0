// Requests to the server; an answer that is no success is thrown as ApiError.
export class ApiError extends Error {
  constructor(status, body) {
    super(body.error || `status ${status}`);
    this.status = status;
    this.body = body;
  }
}

export async function asked(path, options) {
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, body);
  return body;
}

export const state = () => asked("/api/state");

export function cards(order, start, count, fresh = false) {
  const query = new URLSearchParams({ order, start, count, fresh });
  return asked(`/api/cards?${query}`);
}

export const alternatives = (line) => asked(`/api/lines/${encodeURIComponent(line)}/alternatives`);

// Something as JSON to a path.
export function sent(path, body) {
  const headers = { "Content-Type": "application/json" };
  return asked(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export const save = (line, saving) => sent(`/api/lines/${encodeURIComponent(line)}`, saving);

export const imageOf = (line) => `/api/lines/${encodeURIComponent(line)}/image`;
export const pageOf = (card) => `/api/page?${new URLSearchParams({ document: card.document, number: card.page })}`;
export const plateImage = (plate) => `/api/plates/${plate.id}/picture?v=${plate.picture}`;
