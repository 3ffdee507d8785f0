// Where two readers differ, a reviewer decides: arrows choose a text, or it is written anew; Enter decides, Escape leaves it.
import * as api from "./api.js";
import { compared } from "./diff.js";
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

const S = STRINGS.differences;

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    this.place = make("p", { class: "place" });
    this.crop = make("img", { alt: STRINGS.crop });
    this.choices = make("ol", { class: "choices", role: "listbox", "aria-label": S.choose });
    this.own = make("textarea", { rows: "1", spellcheck: "false", autocomplete: "off", "aria-label": S.text, oninput: () => this.typed() });
    this.work = make("section", { class: "decide", "aria-label": S.title }, this.place, make("div", { class: "crop" }, this.crop), this.choices, make("label", { class: "own" }, make("span", { text: S.text }), this.own), make("p", { class: "hint", text: S.keys }));
    this.figures = make("section", { class: "agreement", "aria-label": S.agreement });
    main.append(this.work, this.figures);
  }

  async open() {
    this.rows = await api.differences();
    this.at = 0;
    this.show();
    this.agree(await api.agreement());
  }

  get unit() {
    return this.rows?.[this.at] ?? null;
  }

  show() {
    const one = this.unit;
    this.work.hidden = !one;
    this.shell.say(one ? "" : S.none);
    if (!one) return;
    this.place.textContent = S.place(one, this.at + 1, this.rows.length);
    this.crop.src = api.imageOf(one.id);
    this.texts = [one.first, one.other];
    this.own.dir = one.direction;
    this.own.value = one.first;
    this.chosen = 0;
    this.draw();
    this.own.focus();
  }

  draw() {
    const one = this.unit;
    const [first, other] = this.texts;
    const shown = [
      [S.first, compared(first, other ?? "", one.direction)],
      [S.second, other === null ? make("p", { class: "compared", text: S.refused }) : compared(other, first, one.direction)],
    ];
    const options = shown.map(([label, text], at) => make("li", { role: "option", id: `choice-${at}`, "aria-selected": String(at === this.chosen), onclick: () => this.choose(at) }, make("b", { text: label }), text));
    this.choices.replaceChildren(...options);
  }

  choose(at) {
    this.chosen = at;
    if (this.texts[at] !== null) this.own.value = this.texts[at];
    this.draw();
    this.own.focus();
  }

  typed() {
    this.own.value = this.own.value.replaceAll("\n", " ");
    this.chosen = this.texts.indexOf(this.own.value.trim());
    this.draw();
  }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.target !== this.own) return;
    const act = { Enter: () => this.decide(), Escape: () => this.go(1), ArrowUp: () => this.choose(0), ArrowDown: () => this.choose(1) }[event.key];
    if (!act || !this.unit) return;
    event.preventDefault();
    act();
  }

  go(step) {
    this.at += step;
    this.show();
  }

  async decide() {
    const one = this.unit;
    const text = this.own.value.trim();
    if (!text) {
      this.shell.say(S.empty);
      return;
    }
    try {
      await api.decide(one.id, { text, verdict: "edited", version: one.version });
      this.go(1);
    } catch (error) {
      // somebody was quicker: what is left is asked for again, the text stays
      await this.open();
      if (this.unit?.id === one.id) this.own.value = text;
      this.shell.say(error.message);
    }
  }

  agree(rows) {
    const percent = (value) => `${(100 * value).toFixed(1)} %`;
    const between = (low, high) => `${(100 * low).toFixed(1)} – ${percent(high)}`;
    const cells = (one) => [one.readers.join(" · ") || S.all, String(one.lines + one.refused), percent(one.exact), between(one.exact_low, one.exact_high), percent(one.cer), between(one.cer_low, one.cer_high)];
    const row = (one) => make("tr", {}, ...cells(one).map((text, at) => make(at ? "td" : "th", { text, scope: at ? null : "row" })));
    const head = make("tr", {}, ...S.columns.map((text) => make("th", { scope: "col", text })));
    const known = rows.filter((one) => one.lines + one.refused);
    this.figures.replaceChildren(
      known.length ? make("div", { class: "scroll" }, make("table", {}, make("caption", { text: S.agreement }), make("thead", {}, head), make("tbody", {}, ...known.map(row)))) : make("p", { text: S.noFigures }),
    );
  }
}
