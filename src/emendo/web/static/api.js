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

function post(path, body, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return asked(path, { method: "POST", headers, body: JSON.stringify(body), ...options });
}

export const save = (line, saving) => post(`/api/lines/${encodeURIComponent(line)}`, saving);

export const history = (line) => asked(`/api/lines/${encodeURIComponent(line)}/history`);
export const restore = (line, version, expected) => post(`/api/lines/${encodeURIComponent(line)}/restore`, { version, expected });

// Lines in work; giving back still goes out when the page is left.
export const keepLines = (lines) => post("/api/leases", { lines });
export const freeLines = (lines) => post("/api/leases/free", { lines }, { keepalive: true });

export const differences = () => asked("/api/differences");
export const decide = (line, saving) => post(`/api/differences/${encodeURIComponent(line)}`, saving);
export const agreement = () => asked("/api/agreement");

export const people = () => asked("/api/people");
export const addPerson = (name, role) => post("/api/people", { name, role });
export const changePerson = (change) => post("/api/people/change", change);
export const renewPerson = (name) => post("/api/people/renew", { name });
export const removePerson = (name) => post("/api/people/remove", { name });

// What stands between what is right and what was typed further on; null where nothing is foreseen.
export function predict(line, before = "", between = "", kept = "") {
  return post(`/api/lines/${encodeURIComponent(line)}/predict`, { before, between, kept });
}

export const imageOf = (line) => `/api/lines/${encodeURIComponent(line)}/image`;
export const pageOf = (card) => `/api/page?${new URLSearchParams({ document: card.document, number: card.page })}`;
