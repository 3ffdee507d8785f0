// What was read against a truth that the person pastes or chooses: how right it is, what differs, and the compression.
import * as api from "./api.js";
import { make } from "./dom.js";
import { marked } from "./marked.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.truth;
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const kept = new Map(); // the truths that were given, by document and page, while this page is open

export function truthCard(shown, page, say) {
  const place = `${shown.id}/${page}`;
  const text = make("textarea", { id: "truth", rows: 8, dir: "auto", spellcheck: "false", "aria-describedby": "truth-note" });
  text.value = kept.get(place) ?? "";
  text.addEventListener("input", () => kept.set(place, text.value));
  const file = make("input", { type: "file", id: "truth-file", accept: ".txt,text/plain", class: "hidden-input" });
  file.addEventListener("change", async () => {
    if (file.files.length) text.value = await file.files[0].text();
    kept.set(place, text.value);
    file.value = "";
  });
  const whole = make("input", { type: "checkbox", id: "truth-whole" });
  const found = make("div", { id: "truth-found", "aria-live": "polite" });
  const compare = make("button", { type: "button", class: "main", id: "compare", text: WORDS.compare });
  compare.addEventListener("click", async () => {
    compare.disabled = true;
    try {
      const judged = await api.post(`/api/documents/${encodeURIComponent(shown.id)}/truth`, { text: text.value, page: whole.checked ? null : page });
      found.replaceChildren(...judgement(judged));
      say("");
    } catch (error) {
      say(error.message);
    } finally {
      compare.disabled = false;
    }
  });
  return make(
    "section",
    { class: "card truth", "aria-labelledby": "truth-title" },
    make("h2", { id: "truth-title", text: WORDS.title }),
    make("p", { class: "soft", id: "truth-note", text: WORDS.note }),
    make("label", { for: "truth", text: WORDS.text }),
    text,
    make(
      "p",
      { class: "row" },
      compare,
      file,
      make("label", { for: "truth-file", class: "button", text: WORDS.file }),
      shown.pages > 1 ? make("label", {}, whole, make("span", { text: WORDS.whole(shown.pages) })) : "",
    ),
    found,
  );
}

function judgement(one) {
  const figure = (name, value, more) => make("div", {}, make("dt", { text: name }), make("dd", {}, make("b", { text: value }), make("small", { text: more })));
  const rows = one.modes.map((mode) => make("tr", {}, make("th", { scope: "row", text: mode.mode }), ...[one.text_tokens, mode.vision_tokens, mode.valid, mode.compression.toFixed(2)].map((value) => make("td", { text: value.toLocaleString("en") }))));
  return [
    make(
      "dl",
      { class: "figures" },
      figure(WORDS.cer, percent(one.cer), WORDS.edits(one.edits, one.characters)),
      figure(WORDS.characters, percent(one.character_f1), WORDS.of(percent(one.character_precision), percent(one.character_recall))),
      figure(WORDS.wer, percent(one.wer), WORDS.wordEdits(one.word_edits, one.words)),
      figure(WORDS.words, percent(one.f1), WORDS.of(percent(one.precision), percent(one.recall))),
    ),
    make("h3", { id: "truth-differences", text: WORDS.differences }),
    make("p", { class: "compared", dir: "auto", tabindex: "0", role: "region", "aria-labelledby": "truth-differences" }, ...marked(one.spans)),
    make("h3", { id: "truth-compression", text: WORDS.compression }),
    make("p", { class: "soft", text: WORDS.compressionNote }),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "truth-compression" }, make("table", {}, make("thead", {}, make("tr", {}, ...WORDS.heads.map((text) => make("th", { scope: "col", text })))), make("tbody", {}, ...rows))),
  ];
}
