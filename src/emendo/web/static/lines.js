// One line at a time. The next lines are here before they are asked for, and what was said is kept in the browser until
// the server has it on its disk.
import { arrive, coming } from "./ahead.js";
import * as api from "./api.js";
import { get, make, shape } from "./dom.js";
import * as effort from "./effort.js";
import { doubtOf } from "./doubts.js";
import { UNSURE } from "./field.js";
import { Bar } from "./filters.js";
import { Leases } from "./leases.js";
import { drafts } from "./outbox.js";
import { Guided } from "./predict.js";
import { STRINGS } from "./strings.js";

const AHEAD = 25;
const CHUNK = 40;

export class Mode {
  constructor(shell, main, tools) {
    this.shell = shell;
    this.cards = new Map();
    this.total = 0;
    this.at = 0;
    main.append(this.work(), this.aside());
    this.tools = tools;
    const foresee = (...parts) => api.predict(this.card.id, ...parts);
    this.field = new Guided(get("text"), get("mirror"), () => this.edited(), foresee);
    this.leases = new Leases(() => this.inWork(), (others) => this.held(others));
  }

  work() {
    const keys = STRINGS.keys.flatMap(([key, what]) => [make("dt", { text: key }), make("dd", { text: what })]);
    const area = make("textarea", {
      id: "text",
      rows: 1,
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      autocorrect: "off",
      "aria-label": STRINGS.field,
    });
    return make(
      "section",
      { class: "work", "aria-label": STRINGS.line },
      make("p", { class: "place", id: "place" }),
      make("div", { class: "crop" }, make("img", { id: "crop", alt: STRINGS.crop })),
      make("div", { class: "field", id: "field" }, make("div", { class: "mirror", id: "mirror", "aria-hidden": "true" }), area),
      make("ol", { class: "options", id: "options", "aria-live": "polite" }),
      make("div", { class: "doubt", id: "doubt", role: "note", hidden: true }),
      make("div", { class: "conflict", id: "conflict", role: "alertdialog", hidden: true }),
      make("dl", { class: "keys", id: "keys" }, ...keys),
    );
  }

  aside() {
    const mark = shape("svg", { id: "mark", preserveAspectRatio: "none" }, shape("polygon"));
    const figure = make("figure", { id: "page" }, make("img", { id: "page-image", alt: STRINGS.pageImage }), mark);
    return make("aside", { "aria-label": STRINGS.page, tabindex: "-1" }, figure);
  }

  get card() {
    return this.cards.get(this.at);
  }

  // Whose history Ctrl+H shows; not that of a line that is read blind.
  get unit() {
    return this.card && !this.card.second ? this.card : null;
  }

  restored(card, held) {
    Object.assign(card, { text: held.text ?? card.reading, version: held.version, verdict: held.verdict });
    drafts.drop(card.id);
    if (this.card === card) this.show();
  }

  // The line that is shown and those after it that are here already.
  inWork() {
    return [...this.cards].filter(([at, card]) => at >= this.at && !card.second).map(([, card]) => card.id);
  }

  held(others) {
    for (const card of this.cards.values()) card.holder = others[card.id] ?? (card.holder in others ? "" : card.holder);
    if (others[this.card?.id]) this.shell.say(STRINGS.held(others[this.card.id]));
  }

  // #lines/ORDER/FILTER/LINE, all of which may be left out; a line is shown at its place in the order.
  async open(order, filter, line = "") {
    this.bar = new Bar(this.shell, order, filter);
    this.bar.put(this.tools);
    const state = await api.state();
    this.shell.counted(state.done, state.total);
    this.at = await this.load(0, true, line);
    this.show();
  }

  // Loads a stretch of the order, and the pictures with it.
  async load(start, fresh = false, line = "") {
    const found = await api.cards(this.bar.order, start, CHUNK, fresh, this.bar.filter, line);
    if (this.gone) {
      this.leases.free(found.cards.map((card) => card.id));
      return found.start;
    }
    this.total = found.total;
    this.elsewhere = found.elsewhere;
    found.cards.forEach((card, number) => {
      if (this.cards.has(found.start + number)) return;
      this.cards.set(found.start + number, card);
      card.picture = Object.assign(new Image(), { src: api.imageOf(card.id) });
    });
    return found.start;
  }

  ahead() {
    let last = this.at;
    while (this.cards.has(last)) last++;
    if (last < this.total && last - this.at < AHEAD) coming(this, last);
  }

  show() {
    if (this.gone) return;
    const card = this.card;
    this.list(null);
    get("conflict").hidden = true;
    this.shell.say("");
    get("field").hidden = !card;
    get("crop").hidden = !card;
    get("page").hidden = !card;
    get("doubt").hidden = !card?.doubt;
    if (!card) {
      get("place").textContent = "";
      const end = this.total ? STRINGS.finished : STRINGS.nothing;
      this.shell.say(this.elsewhere ? STRINGS.elsewhere(this.elsewhere) : end);
      return;
    }
    effort.start(card.id);
    const draft = drafts.get(card.id);
    const text = draft ? draft.text : card.text;
    get("place").textContent = STRINGS.place(card);
    get("crop").src = card.picture.src;
    get("crop").parentElement.dir = card.direction;
    this.begin(card, text, draft || card.verdict ? null : card.foreseen);
    get("doubt").replaceChildren(...(card.doubt ? doubtOf(card.doubt, card.direction) : []));
    if (draft) this.shell.say(STRINGS.draft);
    else if (card.second) this.shell.say(STRINGS.second);
    else if (card.holder && card.holder !== this.shell.state.author) this.shell.say(STRINGS.held(card.holder));
    this.mark(card);
    this.ahead();
    if (draft && !card.second && draft.version < card.version && draft.text !== card.text) {
      this.sides(card, { text: draft.text, verdict: "edited" }, card);
    }
    if (!draft && card.foreseen === undefined) this.foresee(this.at).then(() => this.foresee(this.at + 1));
  }

  // What is foreseen of a line that nobody has said anything of, else its text with the doubts of the reading.
  begin(card, text, seen) {
    if (seen) this.field.begin(seen.text, seen.probabilities, seen.stops, card.direction);
    else {
      const read = text === card.reading ? card.characters.map(([, probability]) => probability) : [];
      const stops = read.flatMap((probability, at) => (probability < UNSURE ? [[at, at, at + 1, []]] : []));
      this.field.begin(text, read, stops, card.direction);
    }
    this.list(this.field.stop());
  }

  // A line that comes soon is read anew with what the author has said so far; one that is there already as long as
  // nobody has touched it. null says that its model foresees nothing.
  async foresee(at) {
    const card = this.cards.get(at);
    if (!card || card.verdict || card.foreseen === null) return;
    const seen = await api.predict(card.id).catch(() => undefined);
    if (seen === undefined) return;
    const first = card.foreseen === undefined;
    card.foreseen = seen;
    const shown = card === this.card && !this.gone && get("conflict").hidden;
    if (seen && first && shown && !this.field.touched && !drafts.get(card.id)) this.begin(card, card.text, seen);
  }

  mark(card) {
    const source = api.pageOf(card);
    const image = get("page-image");
    if (!image.src.endsWith(source)) image.src = source;
    const [width, height] = card.page_size;
    get("mark").setAttribute("viewBox", `0 0 ${width || 1} ${height || 1}`);
    const outline = get("mark").firstElementChild;
    outline.setAttribute("points", card.polygon.map((point) => point.join(",")).join(" "));
    outline.scrollIntoView({ block: "center", inline: "nearest" });
  }

  edited() {
    this.list(null);
    const { card } = this;
    drafts.set(card.id, this.field.text, card.version);
    // what was done before is nobody's until it is changed again
    if (card.version && !card.kept) this.leases.keep([card.id]);
    card.kept = true;
  }

  key(event) {
    if (event.isComposing || event.target.closest?.("header")) return;
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
    if (event.key === "q" && event.ctrlKey) this.take(event, () => this.quit());
    else if (!plain) return;
    else if (!get("conflict").hidden && event.key !== "[") return;
    else if (event.key === "Enter" && !event.shiftKey) this.take(event, () => this.done());
    else if (event.key === "Escape") this.take(event, () => this.skip());
    else if (event.key === "[") this.take(event, () => this.go(this.at - 1));
    else if (event.key === "Tab" && !event.shiftKey) this.take(event, () => this.card && this.list(this.field.nextStop()));
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") this.choose(event, event.key === "ArrowDown" ? 1 : -1);
  }

  take(event, act) {
    event.preventDefault();
    act();
  }

  go(at) {
    arrive(this, at);
  }

  done() {
    const card = this.card;
    if (!card) return;
    const text = this.field.text.trim();
    if (!text) {
      this.shell.say(STRINGS.empty);
      return;
    }
    card.text = text;
    this.send(card, { text, verdict: text === card.reading ? "accepted" : "edited" });
  }

  skip() {
    if (this.card) this.send(this.card, { text: null, verdict: "skipped" });
  }

  send(card, saving) {
    drafts.drop(card.id);
    if (card.doubt) api.settle(card.id).catch(() => {}); // looked at: when this is lost it is merely shown again
    const said = { ...saving, ...effort.stop(), version: card.version, ...(card.second && { second: true }) };
    this.shell.outbox.add(card.id, said);
    this.go(this.at + 1);
  }

  told(event, line, detail) {
    const [at, card] = [...this.cards].find(([, one]) => one.id === line) ?? [];
    if (event === "saved") {
      this.shell.counted(this.shell.done + (detail.version === 1 ? 1 : 0), this.shell.total);
      if (card) Object.assign(card, { version: detail.version, verdict: detail.verdict });
      this.foresee(this.at + 1);
    } else if (event === "conflict") {
      if (card) this.conflict(at, card, detail.saving, detail.error.body.current);
    } else {
      this.shell.say(STRINGS.refused(detail.error.message));
    }
  }

  // Somebody else was quicker: both texts are shown, and the person decides.
  conflict(at, card, saving, current) {
    this.at = at;
    this.show();
    this.sides(card, saving, current);
  }

  sides(card, saving, current) {
    const box = get("conflict");
    const row = (label, text, button, act) => {
      const part = document.createElement("div");
      const bold = Object.assign(document.createElement("b"), { textContent: label });
      const shown = Object.assign(document.createElement("p"), { textContent: text ?? "", dir: card.direction });
      const knob = Object.assign(document.createElement("button"), { textContent: button, type: "button" });
      knob.addEventListener("click", () => {
        box.hidden = true;
        Object.assign(card, { version: current.version });
        act();
      });
      part.append(bold, shown, knob);
      return part;
    };
    const title = Object.assign(document.createElement("p"), { textContent: STRINGS.conflict(current.author) });
    const theirs = row(STRINGS.theirs, current.text, STRINGS.keepTheirs, () => {
      card.text = current.text ?? card.reading;
      drafts.drop(card.id);
      this.show();
    });
    const mine = row(STRINGS.mine, saving.text, STRINGS.keepMine, () => this.send(card, saving));
    box.replaceChildren(title, theirs, mine);
    box.hidden = false;
    box.querySelector("button").focus();
  }

  // The words that could stand at a stop.
  list(stop) {
    this.stop = stop?.[3].length ? stop : null;
    this.chosen = -1;
    this.shown = stop ? this.field.characters.slice(stop[1], stop[2]).map(([one]) => one).join("") : "";
    this.lists();
  }

  lists() {
    const rows = (this.stop?.[3] ?? []).map(([text], number) => {
      const row = make("li", { text: text ? visible(text) : STRINGS.nothingThere });
      row.classList.toggle("chosen", number === this.chosen);
      return row;
    });
    get("options").replaceChildren(...rows);
  }

  // The next of the offered words stands in the field; before the first stands what was read.
  choose(event, step) {
    const { stop, chosen, shown } = this;
    if (!stop) return;
    event.preventDefault();
    const texts = [shown, ...stop[3].map(([text]) => text)];
    const next = Math.min(Math.max(chosen + 1 + step, 0), texts.length - 1);
    if (next === chosen + 1) return;
    this.field.choose([stop[1], stop[1] + [...texts[chosen + 1]].length]);
    this.field.put(texts[next]);
    const end = stop[1] + [...texts[next]].length;
    this.field.choose([end, end]);
    Object.assign(this, { stop, shown, chosen: next - 1 });
    this.lists();
  }

  async quit() {
    if (this.card && this.field.text !== this.card.text) drafts.set(this.card.id, this.field.text, this.card.version);
    await this.shell.outbox.flush();
    this.shell.say(this.shell.outbox.count ? STRINGS.leftWaiting : STRINGS.left);
    get("field").hidden = true;
    this.leases.free();
  }

  leave() {
    this.leases.end();
    this.gone = true;
  }
}

// Blanks at the ends are shown: a word may differ from another by them alone.
const visible = (text) => text.replace(/^ | $/g, "␣");
