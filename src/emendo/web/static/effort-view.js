// What correcting has cost, by person and day: one's own figures, those of all for a reviewer.
import * as api from "./api.js";
import { get, make } from "./dom.js";
import { plot } from "./plot.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.effort;
const EVERYBODY = "";

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    main.append(make("div", { class: "sheet", id: "sheet" }));
  }

  async open() {
    this.found = await api.asked("/api/effort");
    const { days, totals } = this.found;
    if (!days.length) {
      get("sheet").replaceChildren(make("section", { class: "card" }, make("h2", { text: WORDS.title }), make("p", { text: WORDS.nothing })));
      return;
    }
    const names = totals.map((one) => one.author);
    const choose = make("select", { id: "author", onchange: (event) => this.draw(event.target.value) }, make("option", { value: EVERYBODY, text: WORDS.everybody }), ...names.map((name) => make("option", { value: name, text: name })));
    get("sheet").replaceChildren(
      make("section", { class: "card", "aria-labelledby": "effort-title" }, make("h2", { id: "effort-title", text: WORDS.title }), make("p", { class: "soft", text: WORDS.note }), names.length > 1 ? make("p", { class: "row" }, make("label", { text: `${WORDS.author} ` }, choose)) : "", make("div", { id: "plots" })),
      make("section", { class: "card" }, make("h2", { id: "totals-title", text: WORDS.totals }), this.table(totals, "totals-title", false)),
      make("section", { class: "card" }, make("h2", { id: "days-title", text: WORDS.days }), this.table([...days].reverse(), "days-title", true)),
    );
    this.author = names.length > 1 ? EVERYBODY : names[0];
    this.again = () => this.draw(this.author);
    window.addEventListener("resize", this.again);
    this.again();
  }

  draw(author) {
    this.author = author;
    const days = this.found.days.filter((one) => !author || one.author === author);
    const dates = [...new Set(days.map((one) => one.day))];
    const rate = (name) => dates.map((day, at) => {
      const rows = days.filter((one) => one.day === day);
      const sum = (key) => rows.reduce((all, one) => all + one[key], 0);
      return sum("characters") ? [at, (1000 * sum(name)) / sum("characters")] : null;
    }).filter(Boolean);
    const drawn = plot({
      label: WORDS.plotted(author || WORDS.everybody, dates.length),
      names: dates,
      width: get("plots").clientWidth,
      series: [
        { name: WORDS.keys, points: rate("keys"), kind: "dots" },
        { name: WORDS.seconds, points: rate("seconds"), kind: "dots", tone: "other", right: true },
      ],
    });
    get("plots").replaceChildren(drawn);
  }

  leave() {
    window.removeEventListener("resize", this.again);
  }

  table(rows, title, dated) {
    const heads = [WORDS.author, ...(dated ? [WORDS.day] : []), ...WORDS.heads].map((text) => make("th", { scope: "col", text }));
    const number = (value) => (value === null ? "–" : value.toLocaleString("en", { maximumFractionDigits: 0 }));
    const lines = rows.map((one) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, make("bdi", { text: one.author })),
        ...(dated ? [make("td", { text: one.day })] : []),
        ...[one.lines, one.characters, one.keys_per_thousand, one.seconds_per_thousand].map((value) => make("td", { text: number(value) })),
        make("td", { text: one.accepted_share === null ? "–" : `${Math.round(100 * one.accepted_share)} %` }),
      ),
    );
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": title }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines)));
  }
}
