// What the checks found: a sentence each, and a click goes to the field.
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.fields;
// findings on a single field, whose name stands before the sentence
const OF_ONE = new Set(["value", "name", "id", "iban", "date", "decimals", "currency"]);

// What is wrong, a sentence each; what is merely missing, in one. `checked` counts the sums that were looked at.
export function findingItems(findings, checked, form) {
  const lacking = findings.filter(({ rule }) => rule === "present");
  const items = findings.flatMap((one, at) => {
    if (lacking.length > 1 && one.rule === "present") return [];
    const label = OF_ONE.has(one.rule) ? `${form.labelOf(one.paths[0])}: ` : "";
    const go = make("button", { type: "button", text: label + one.what, onclick: () => form.focus(one.paths[0]) });
    return [make("li", { id: `finding-${at}`, class: one.severity }, go)];
  });
  if (lacking.length > 1) {
    const go = make("button", { type: "button", text: WORDS.lacking(lacking.map(({ paths }) => form.labelOf(paths[0]))), onclick: () => form.focus(lacking[0].paths[0]) });
    items.push(make("li", { class: "missing", id: "lacking" }, go));
  }
  if (!findings.some(({ severity }) => severity === "error")) {
    items.push(make("li", { class: checked ? "fine" : "unchecked", text: checked ? WORDS.fine(checked) : WORDS.unchecked }));
  }
  return items;
}
