// The dashboard: what the service reads, how surely, and how rightly. Every plot has its figures in a table below it.
import * as api from "./api.js";
import { bars } from "./bars.js";
import { get, make } from "./dom.js";
import { plot } from "./plot.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.monitor;
const SPANS = [7, 30, 90, 365];
const DAYS = 30;
const MEASURES = Object.keys(WORDS.measures);
const percent = (value, digits = 1) => (value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)} %`);
const when = (time) => time.slice(0, 16).replace("T", " ");

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    main.append(make("div", { class: "sheet", id: "sheet" }));
  }

  async open(days = String(DAYS)) {
    this.days = SPANS.includes(Number(days)) ? Number(days) : DAYS;
    this.found = await api.monitor(this.days);
    this.draw();
    this.again = () => this.draw();
    window.addEventListener("resize", this.again);
  }

  leave() {
    window.removeEventListener("resize", this.again);
  }

  draw() {
    const { found } = this;
    const held = document.activeElement?.id;
    const sheet = get("sheet");
    this.width = Math.max(280, sheet.clientWidth - 70);
    const cards = found.images ? this.cards() : [this.empty()];
    sheet.replaceChildren(this.head(), ...cards);
    if (held) get(held)?.focus();
  }

  head() {
    const { found } = this;
    const choose = make("select", { id: "days", onchange: (event) => (location.hash = `monitor/${event.target.value}`) }, ...SPANS.map((days) => make("option", { value: days, text: days, selected: days === this.days })));
    const title = make("div", { class: "row" }, make("h2", { id: "monitor-title", text: WORDS.title }), make("span", { class: "space" }), make("label", {}, `${WORDS.days} `, choose));
    if (!found.images) return make("section", { class: "card", "aria-labelledby": "monitor-title" }, title);
    const figure = (name, value, ...more) => make("div", {}, make("dt", { text: name }), make("dd", {}, make("b", { text: value }), ...more.map((text) => make("small", { text: `${text} ` }))));
    const { estimate, counted } = found;
    const bounds = (low, high) => WORDS.interval(percent(low), percent(high));
    const lost = found.traffic.reduce((sum, day) => sum + day.failed + day.rejected, 0);
    const notes = [];
    if (estimate?.strange.length) notes.push(WORDS.strange(estimate.strange.join(", ")));
    if (found.torn) notes.push(WORDS.torn(found.torn));
    return make(
      "section",
      { class: "card", "aria-labelledby": "monitor-title" },
      title,
      make(
        "dl",
        { class: "figures" },
        figure(WORDS.images, found.images.toLocaleString("en"), `${percent(lost / found.images)} ${WORDS.notRead}`),
        figure(WORDS.estimate, percent(estimate?.cer), ...(estimate ? [bounds(estimate.low, estimate.high), WORDS.on(estimate.units)] : [])),
        figure(WORDS.counted, percent(counted?.cer), ...(counted ? [bounds(counted.cer_low, counted.cer_high), WORDS.on(counted.pages)] : [])),
        figure(WORDS.alerts, String(found.alerts.length), found.alerts.length ? "" : WORDS.noAlert),
      ),
      ...notes.map((text) => make("p", { class: "soft", text })),
    );
  }

  empty() {
    return make("section", { class: "card", id: "empty" }, make("p", { text: WORDS.empty }), make("p", { text: WORDS.how }), make("pre", { text: WORDS.commands }));
  }

  cards() {
    const { found } = this;
    return [found.alerts.length ? this.alerts() : "", this.errors(), this.traffic(), this.confidence(), this.quality(), this.characters(), this.worst(), this.models()];
  }

  card(name, title, note, ...parts) {
    return make("section", { class: "card", "aria-labelledby": `${name}-title` }, make("h2", { id: `${name}-title`, text: title }), note ? make("p", { class: "soft", text: note }) : "", ...parts);
  }

  alerts() {
    const rows = this.found.alerts.map((one) => make("li", {}, make("div", {}, make("b", { dir: "auto", text: one.name }), make("p", { dir: "auto", text: one.message })), make("span", { class: "soft", text: one.since ? WORDS.since(when(one.since)) : "" })));
    const card = this.card("alerts", WORDS.alerts, "", make("ul", { class: "rows" }, ...rows));
    card.classList.add("alert");
    return card;
  }

  errors() {
    const periods = this.found.timeline;
    const names = periods.map((one) => one.start);
    const points = (row) => periods.map(row).map((one, at) => one && [at, ...one.map((value) => 100 * value)]).filter(Boolean);
    const series = [
      { name: WORDS.estimateSeries, kind: "band", points: points(({ estimate: one }) => one && [one.cer, one.low, one.high]) },
      { name: WORDS.countedSeries, kind: "dots", points: points(({ counted: one }) => one && [one.cer, one.cer_low, one.cer_high]) },
    ];
    const interval = (value, low, high) => `${percent(value)} (${percent(low)} – ${percent(high)})`;
    const rows = periods.map(({ start, counted, estimate, pages, lines }) => [start, pages, lines, counted ? interval(counted.cer, counted.cer_low, counted.cer_high) : "–", counted ? interval(counted.wer, counted.wer_low, counted.wer_high) : "–", estimate ? interval(estimate.cer, estimate.low, estimate.high) : "–"]);
    const drawn = series.some((one) => one.points.length) ? plot({ label: WORDS.label(WORDS.errors, names.length), names, width: this.width, series }) : "";
    return this.card("errors", WORDS.errors, WORDS.errorsNote, drawn, this.table("errors", [WORDS.day, "pages", "lines", "CER", "WER", WORDS.estimateSeries], rows), this.found.counted ? make("p", { class: "soft", text: WORDS.calibrate }) : "");
  }

  traffic() {
    const { traffic, reasons } = this.found;
    const tones = { read: "", failed: "bad", rejected: "quiet" };
    const series = Object.entries(WORDS.outcomes).map(([key, name]) => ({ name, tone: tones[key], values: traffic.map((day) => day[key]) }));
    const drawn = bars({ label: WORDS.label(WORDS.traffic, traffic.length), names: traffic.map((day) => day.day.slice(5)), series, width: this.width, stacked: true });
    const rows = traffic.map((day) => [day.day, day.read, day.failed, day.rejected, percent(day.not_read), day.lines]);
    const why = reasons.length ? [make("h3", { text: WORDS.reasons }), make("ul", {}, ...reasons.map(([reason, count]) => make("li", {}, make("bdi", { text: reason }), `: ${count}`)))] : [];
    return this.card("traffic", WORDS.traffic, "", drawn, ...why, this.table("traffic", [WORDS.day, ...Object.values(WORDS.outcomes), WORDS.notRead, "lines"], rows));
  }

  confidence() {
    const { confidence, traffic, recent } = this.found;
    const names = Array.from({ length: 10 }, (_, at) => `${10 * at}–${10 * at + 10} %`);
    const series = [["before", "quiet", WORDS.before], ["now", "", WORDS.now(recent)]].filter(([key]) => confidence[key].length).map(([key, tone, name]) => ({ name, tone, values: confidence[key].map((share) => 100 * share) }));
    const parts = series.length ? [bars({ label: WORDS.confidence, names, series, width: this.width }), this.table("confidence", [WORDS.range, ...series.map((one) => one.name)], names.map((name, at) => [name, ...series.map((one) => one.values[at].toFixed(1))]))] : [];
    const doubts = traffic.map((day, at) => day.doubt !== null && [at, 100 * day.doubt]).filter(Boolean);
    if (doubts.length) parts.push(plot({ label: WORDS.label(WORDS.doubt, doubts.length), names: traffic.map((day) => day.day), width: this.width, series: [{ name: WORDS.doubt, kind: "dots", tone: "other", points: doubts }] }), this.table("doubt", [WORDS.day, WORDS.doubt], traffic.map((day) => [day.day, percent(day.doubt)])));
    return this.card("confidence", WORDS.confidence, WORDS.confidenceNote(recent), ...parts);
  }

  quality() {
    const days = this.found.traffic.filter((day) => day.quality);
    if (!days.length) return "";
    const names = days.map((day) => day.day.slice(5));
    const width = Math.max(280, Math.floor(this.width / Math.max(1, Math.floor(this.width / 400))) - 20);
    const drawn = MEASURES.map((name) =>
      make("div", {}, make("h3", { text: WORDS.measures[name] }), plot({ label: WORDS.label(WORDS.measures[name], days.length), names, width, series: [{ name: WORDS.measures[name], kind: "dots", tone: "other", points: days.map((day, at) => [at, day.quality[name]]) }] })),
    );
    const rows = days.map((day) => [day.day, ...MEASURES.map((name) => String(Number(day.quality[name].toPrecision(3))))]);
    return this.card("quality", WORDS.quality, WORDS.qualityNote, make("div", { class: "small" }, ...drawn), this.table("quality", [WORDS.day, ...MEASURES.map((name) => WORDS.measures[name])], rows));
  }

  characters() {
    const { characters, recent } = this.found;
    if (!characters.length) return "";
    const heads = WORDS.characterHeads.map((text) => make("th", { scope: "col", text }));
    const rows = characters.map(({ character, before, now }) => {
      const code = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
      return make("tr", {}, make("th", { scope: "row", class: "sign" }, make("bdi", { text: character === " " ? WORDS.space : character }), make("small", { text: code })), ...[before.toFixed(1), now.toFixed(1), `${now > before ? "+" : ""}${(now - before).toFixed(1)}`].map((text) => make("td", { text })));
    });
    return this.card("characters", WORDS.characters, WORDS.charactersNote(recent), this.scroll("characters", make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows))));
  }

  worst() {
    const { worst } = this.found;
    if (!worst.length) return "";
    const rows = worst.map(({ document: name, estimate, lines, image }) =>
      make(
        "article",
        { class: "worst" },
        image ? make("img", { src: api.capturedImage(image), alt: WORDS.pictureOf(name), loading: "lazy" }) : make("p", { class: "soft", text: WORDS.noPicture }),
        make(
          "div",
          {},
          make("p", {}, make("b", {}, make("bdi", { text: name })), ` ${percent(estimate.cer)} `, make("span", { class: "soft", text: `${WORDS.interval(percent(estimate.low), percent(estimate.high))}, ${WORDS.lines(estimate.lines)}` })),
          make("div", { class: "text", tabindex: "0", role: "region", "aria-label": name }, ...lines.map((text) => make("p", { dir: "auto", text }))),
        ),
      ),
    );
    return this.card("worst", WORDS.worst, WORDS.worstNote, ...rows);
  }

  models() {
    const rows = this.found.models.map((one) => [one.arm ? `${one.model} (${WORDS.arm(one.arm)})` : one.model, one.images, percent(one.confidence), when(one.first), when(one.last)]);
    return rows.length ? this.card("models", WORDS.models, "", this.scroll("models", this.rows(WORDS.modelHeads, rows))) : "";
  }

  rows(heads, rows) {
    const line = ([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, make("bdi", { text: first })), ...rest.map((text) => make("td", { text: String(text) })));
    return make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text })))), make("tbody", {}, ...rows.map(line)));
  }

  scroll(name, table) {
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": `${name}-title` }, table);
  }

  table(name, heads, rows) {
    return make("details", {}, make("summary", { text: WORDS.table }), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": WORDS.table }, this.rows(heads, rows)));
  }
}
