// How old and new read the same test documents: all values, field by field, and the documents that moved.
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.models;

function table(heads, rows, label) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text })));
  const shown = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, shown);
}

export function documentTotals(seen) {
  const card = (name, value, note) => make("div", {}, make("dt", { text: name }), make("dd", {}, make("b", { text: value }), make("small", { text: note })));
  const rows = seen.fields.map((one) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", text: one.name }),
      make("td", { text: one.values }),
      make("td", { text: one.old }),
      make("td", { class: one.new < one.old ? "good" : one.new > one.old ? "bad" : "", text: one.new }),
    ),
  );
  return [
    make(
      "dl",
      { class: "figures" },
      card(WORDS.old, String(seen.old), WORDS.wrong(seen.old, seen.values)),
      card(WORDS.new, String(seen.new), WORDS.wrong(seen.new, seen.values)),
      card(WORDS.documentsMoved, `${seen.better.count} / ${seen.worse.count}`, WORDS.of(seen.documents)),
      card(WORDS.fewer, String(seen.old - seen.new), WORDS.sure(seen.confidence_better)),
    ),
    table(WORDS.fieldHeads, rows, WORDS.fieldHeads[0]),
  ];
}

// The documents of one kind, each with the values that either model reads wrong.
export function moved(name, { count, documents }) {
  const list = make("details", { open: name !== "better" && count > 0 }, make("summary", { text: WORDS.documents[name](count) }));
  for (const one of documents) {
    const said = (side) => make("td", { class: side.right ? "good" : "bad", dir: "auto", text: side.text || WORDS.nothing });
    const rows = one.values.map((value) =>
      make("tr", {}, make("th", { scope: "row", text: value.path }), make("td", { dir: "auto", text: value.truth || WORDS.nothing }), said(value.old), said(value.new)),
    );
    list.append(
      make(
        "article",
        {},
        make("p", {}, make("a", { href: `#fields/${encodeURIComponent(one.id)}`, text: WORDS.open }), make("span", { class: "soft", text: ` ${one.old} → ${one.new}` })),
        table(WORDS.valueHeads, rows, WORDS.documents[name](count)),
      ),
    );
  }
  return list;
}
