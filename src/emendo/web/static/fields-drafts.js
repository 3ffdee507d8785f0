// What was typed and is not saved, and where two people's fields differ.
import { drafts } from "./outbox.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.fields;

// What was filled in and not saved; null when there is nothing (a document that was skipped leaves an empty text).
export function draftOf(id) {
  const draft = drafts.get(id);
  return draft?.text ? { ...draft, fields: JSON.parse(draft.text) } : null;
}

// The fields in which two texts differ, a line each; null for a text that is none.
export function differing(one, other) {
  const [a, b] = [one, other].map((text) => (text ? JSON.parse(text) : null));
  const names = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].filter((name) => name !== "sources");
  const apart = names.filter((name) => JSON.stringify(a?.[name]) !== JSON.stringify(b?.[name]));
  const plain = (value) => (value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));
  const said = (fields) => fields && apart.map((name) => WORDS.differs(WORDS.labels[name] ?? name, plain(fields[name]))).join("\n");
  return [said(a), said(b)];
}
