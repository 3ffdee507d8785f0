// Requests to the server; an answer that is no success is thrown as ApiError.
export class ApiError extends Error {
  constructor(status, body) {
    super(body.error || `status ${status}`);
    this.status = status;
    this.body = body;
  }
}

async function asked(path, options) {
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

export function save(line, saving) {
  const headers = { "Content-Type": "application/json" };
  return asked(`/api/lines/${encodeURIComponent(line)}`, { method: "POST", headers, body: JSON.stringify(saving) });
}

// What stands between what is right and what was typed further on; null where nothing is foreseen.
export function predict(line, before = "", between = "", kept = "") {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ before, between, kept });
  return asked(`/api/lines/${encodeURIComponent(line)}/predict`, { method: "POST", headers, body });
}

export const imageOf = (line) => `/api/lines/${encodeURIComponent(line)}/image`;
export const pageOf = (card) => `/api/page?${new URLSearchParams({ document: card.document, number: card.page })}`;
