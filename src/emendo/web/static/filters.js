// The bar over the lines: in which order, and which of them. What is chosen stands in the address.
import * as api from "./api.js";
import { make } from "./dom.js";
import { Judging } from "./doubts.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.filters;
const NAMES = ["document", "verdict", "author", "mine", "low", "high", "text"];

export const addressOf = (order, filter = {}, line = "") =>
  `#${["lines", order, new URLSearchParams(filter).toString(), line].map(encodeURIComponent).join("/")}`;

export class Bar {
  constructor(shell, order = "document", filter = "") {
    this.shell = shell;
    this.order = order in shell.state.orders ? order : "document";
    const given = new URLSearchParams(filter);
    this.filter = Object.fromEntries(NAMES.flatMap((name) => (given.get(name) ? [[name, given.get(name)]] : [])));
  }

  get isFiltered() {
    return Object.keys(this.filter).length > 0;
  }

  // Puts the bar into the header; the choices of the filter are asked for when it is opened.
  put(tools) {
    const names = Object.keys(this.shell.state.orders);
    const options = names.map((name) => make("option", { value: name, text: STRINGS.orders[name] ?? name, selected: name === this.order }));
    const change = (event) => this.go(event.target.value, this.filter);
    const order = make("label", { text: `${STRINGS.order} ` }, make("select", { id: "order", onchange: change }, ...options));
    this.form = make("form", { class: "filters", id: "filters", "aria-label": WORDS.title, hidden: !this.isFiltered });
    this.knob = make("button", {
      type: "button", id: "filter", text: this.isFiltered ? WORDS.count(Object.keys(this.filter).length) : WORDS.title,
      "aria-expanded": String(this.isFiltered), "aria-controls": "filters", onclick: () => this.toggle(),
    });
    tools.replaceChildren(order, this.knob, this.form);
    if (this.order === "doubtful") tools.append(new Judging(this.shell).put());
    this.form.addEventListener("submit", (event) => this.apply(event));
    if (this.isFiltered) this.fill();
  }

  go(order, filter) {
    location.hash = addressOf(order, filter);
  }

  async toggle() {
    this.form.hidden = !this.form.hidden;
    this.knob.setAttribute("aria-expanded", String(!this.form.hidden));
    if (this.form.hidden) return;
    await this.fill();
    this.form.querySelector("select").focus();
  }

  async fill() {
    const { documents, authors, verdicts } = await api.filters();
    const { filter } = this;
    const select = (name, choices) => {
      const rows = [["", WORDS.all], ...choices].map(([value, text]) => make("option", { value, text, selected: value === (filter[name] ?? "") }));
      return make("label", { text: `${WORDS[name]} ` }, make("select", { name }, ...rows));
    };
    const number = (name) =>
      make("input", { name, type: "number", min: 0, max: 100, step: 1, inputmode: "numeric", "aria-label": WORDS[name], value: filter[name] === undefined ? null : Math.round(filter[name] * 100) });
    this.form.replaceChildren(
      select("document", documents.map((one) => [one, one])),
      select("verdict", verdicts.map((one) => [one, WORDS.verdicts[one] ?? one])),
      select("author", authors.map((one) => [one, one])),
      make("label", {}, make("input", { name: "mine", type: "checkbox", checked: Boolean(filter.mine) }), ` ${WORDS.mine}`),
      make("span", { class: "range", role: "group", "aria-label": WORDS.confidence }, `${WORDS.confidence} `, number("low"), "–", number("high"), " %"),
      make("label", { text: `${WORDS.text} ` }, make("input", { name: "text", type: "search", maxlength: 200, dir: "auto", value: filter.text ?? null })),
      make("button", { text: WORDS.apply }),
      make("button", { type: "button", text: WORDS.clear, onclick: () => this.go(this.order, {}) }),
    );
  }

  apply(event) {
    event.preventDefault();
    const given = new FormData(this.form);
    const filter = {};
    for (const name of NAMES) {
      const value = (given.get(name) ?? "").trim();
      if (!value) continue;
      if (name === "low" || name === "high") filter[name] = Math.min(100, Math.max(0, Number(value))) / 100;
      else filter[name] = name === "mine" ? "true" : value;
    }
    this.go(this.order, filter);
  }
}
