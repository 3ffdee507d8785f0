// Readings beside their truth, for whoever shows both.
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.models;

// A reading with its differences from the truth: what is wrong there, and where something is missing.
export function marked(spans) {
  return spans.flatMap(([kind, truth, read]) => {
    if (kind === "equal") return [document.createTextNode(read)];
    const parts = [];
    if (read) parts.push(make("mark", { class: "wrong", title: truth ? WORDS.shouldBe(truth) : WORDS.tooMuch, text: read }));
    else parts.push(make("mark", { class: "missing", title: WORDS.missing(truth), text: "‸" }));
    return parts;
  });
}
