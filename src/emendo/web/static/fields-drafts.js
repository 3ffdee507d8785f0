// What was typed and is not saved, and where two people's fields differ.
import { drafts } from "./outbox.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.fields;

// What was filled in and not saved; null when there is nothing (a document that was skipped leaves an empty text). What
// was typed before the model filled the document in (`early`) stays; the model's fields come beside it.
export function draftOf(card) {
  const draft = drafts.get(card.id);
  if (!draft?.text) return null;
  const typed = JSON.parse(draft.text);
  const fields = draft.early && !card.comes ? beside(typed, card.fields) : typed;
  return { ...draft, fields, text: JSON.stringify(fields) };
}

function beside(typed, filled) {
  const sources = Object.fromEntries(Object.entries(filled.sources ?? {}).filter(([name]) => !(name in typed)));
  return { ...filled, ...typed, sources: { ...sources, ...typed.sources } };
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
