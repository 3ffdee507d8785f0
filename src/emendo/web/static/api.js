// Requests to the server; an answer that is no success is thrown as ApiError, none at all as Unreachable.
import { STRINGS } from "./strings.js";

export class Unreachable extends Error {
  constructor() {
    super(STRINGS.unreachable);
  }
}

export class ApiError extends Error {
  constructor(status, body) {
    super(body.error || `status ${status}`);
    this.status = status;
    this.body = body;
  }
}

// What a browser fetches; a TypeError is how it says that nothing answered.
export async function reached(fetched) {
  try {
    return await fetched;
  } catch (error) {
    throw error instanceof TypeError ? new Unreachable() : error;
  }
}

export async function asked(path, options) {
  const answer = await reached(fetch(path, { credentials: "same-origin", ...options }));
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, body);
  return body;
}

export const state = () => asked("/api/state");

export function cards(order, start, count, fresh = false, filter = {}, at = "") {
  const query = new URLSearchParams({ ...filter, order, start, count, fresh, at });
  return asked(`/api/cards?${query}`);
}

export const alternatives = (line) => asked(`/api/lines/${encodeURIComponent(line)}/alternatives`);

export function post(path, body, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return asked(path, { method: "POST", headers, body: JSON.stringify(body), ...options });
}

export const save = (line, saving) => post(`/api/lines/${encodeURIComponent(line)}`, saving);

export const history = (line) => asked(`/api/lines/${encodeURIComponent(line)}/history`);
export const restore = (line, version, expected) => post(`/api/lines/${encodeURIComponent(line)}/restore`, { version, expected });

// Lines in work; giving back still goes out when the page is left.
export const keepLines = (lines) => post("/api/leases", { lines });
export const freeLines = (lines) => post("/api/leases/free", { lines }, { keepalive: true });

export const notes = () => asked("/api/notes");
export const pageState = (document, number) => asked(`/api/pages?${new URLSearchParams({ document, number })}`);
export const changePage = (change) => post("/api/pages/change", change);
export const undoPage = (place) => post("/api/pages/undo", place);

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

export const filters = () => asked("/api/filters");
export const search = (query, start, count) => asked(`/api/search?${new URLSearchParams({ query, start, count })}`);
export const doubts = () => asked("/api/doubts");
export const judge = () => asked("/api/doubts", { method: "POST" });
export const settle = (line) => asked(`/api/doubts/${encodeURIComponent(line)}`, { method: "POST" });

export const exchange = () => asked("/api/exchange");
export const imported = (file) => asked(`/api/import?${new URLSearchParams({ name: file.name })}`, { method: "POST", body: file });

// The packed workspace with its name, and how many pages had to be left out.
export async function exported(form, document) {
  const answer = await reached(fetch(`/api/export?${new URLSearchParams({ form, document })}`, { credentials: "same-origin" }));
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => ({})));
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition"))?.[1] ?? `${form}.zip`;
  return { blob: await answer.blob(), name, left: Number(answer.headers.get("x-left-out")) };
}

export const fieldsForm = () => asked("/api/fields/form");
export const fieldDocuments = (asking) => asked(`/api/fields?${new URLSearchParams(asking)}`);
export const fieldCards = (ids) => asked(`/api/fields/cards?${new URLSearchParams(ids.map((id) => ["ids", id]))}`);
export const fieldPage = (id, page) => asked(`/api/fields/${encodeURIComponent(id)}/pages/${page}`);
export const fieldImage = (id, page) => `/api/fields/${encodeURIComponent(id)}/pages/${page}/image`;
export const checkFields = (fields) => post("/api/fields/check", { fields });
export const monitor = (days) => asked(`/api/monitor?${new URLSearchParams({ days })}`);
export const capturedImage = (name) => `/api/monitor/picture?${new URLSearchParams({ name })}`;
export const plateImage = (plate) => `/api/plates/${plate.id}/picture?v=${plate.picture}`;
