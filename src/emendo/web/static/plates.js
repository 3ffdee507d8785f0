// Plates: one picture at a time, a pre-label to accept or to type over; doubtful labels with their fixes; counts.
import { arrive, coming } from "./ahead.js";
import * as api from "./api.js";
import { get, make } from "./dom.js";
import { Field } from "./field.js";
import { Faults } from "./platefaults.js";
import { drafts } from "./outbox.js";
import { STRINGS } from "./strings.js";

const AHEAD = 12;
const CHUNK = 40;
const TEXT = STRINGS.plates;
const VIEWS = ["label", "review", "faults"];
const QUEUES = { label: "waiting", review: "review" };
const PLACE = "emendo:plates:review";

export class Mode {
  constructor(shell, main, tools) {
    Object.assign(this, { shell, main, tools, cards: new Map(), total: 0, at: 0 });
  }

  async open(view = "label", one = null) {
    this.view = VIEWS.includes(view) ? view : "label";
    this.one = one;
    this.rules = await api.asked("/api/plates/rules");
    this.tools.replaceChildren(this.views());
    this.main.classList.toggle("wide", this.view === "faults");
    if (this.view === "faults") {
      this.faults = new Faults(this.shell, this.main);
      await this.faults.open();
      await this.count();
      return;
    }
    this.queue = QUEUES[this.view];
    if (this.view === "label") this.tools.append(this.order());
    this.main.append(this.work(), this.aside());
    this.field = new Field(get("text"), get("mirror"), () => this.edited());
    get("text").addEventListener("beforeinput", (event) => this.typing(event));
    await this.start();
  }

  views() {
    const links = VIEWS.map((name) =>
      make("a", { href: `#plates/${name}`, id: `view-${name}`, "aria-current": name === this.view && "page", text: TEXT.views[name] }),
    );
    return make("nav", { class: "views", "aria-label": TEXT.viewsLabel }, ...links);
  }

  order() {
    const names = Object.keys(this.rules.queues).filter((name) => name !== "review");
    const options = names.map((value) => make("option", { value, text: TEXT.queues[value] ?? value }));
    const change = (event) => {
      this.queue = event.target.value;
      this.start();
    };
    return make("label", { text: `${STRINGS.order} ` }, make("select", { id: "order", onchange: change }, ...options));
  }

  work() {
    const keys = TEXT.keys.flatMap(([key, what]) => [make("dt", { text: key }), make("dd", { text: what })]);
    const area = make("textarea", {
      id: "text", rows: 1, spellcheck: "false", autocomplete: "off", autocapitalize: "characters", autocorrect: "off",
      "aria-label": TEXT.field(this.rules.shown), "aria-describedby": "wrong",
    });
    return make(
      "section",
      { class: "work", "aria-label": TEXT.plate },
      make("p", { class: "place", id: "place" }),
      make("div", { class: "shot" }, make("img", { id: "crop", alt: TEXT.picture })),
      make("p", { class: "about", id: "about", "aria-live": "polite" }),
      make("div", { class: "field", id: "field" }, make("div", { class: "mirror", id: "mirror", "aria-hidden": "true" }), area),
      make("p", { class: "wrong", id: "wrong", role: "alert" }),
      make("div", { class: "conflict", id: "conflict", role: "alertdialog", hidden: true }),
      make("dl", { class: "keys", id: "keys" }, ...keys),
    );
  }

  aside() {
    return make("aside", { id: "counts", "aria-label": TEXT.counts, tabindex: "-1" });
  }

  get card() {
    return this.cards.get(this.at);
  }

  async start() {
    this.cards.clear();
    this.at = 0;
    await this.load(0, true);
    await this.count();
    if (this.view === "review") await this.resume();
    this.show();
  }

  // The review goes on where it was left, or at the plate that the address names.
  async resume() {
    const wanted = this.one ?? localStorage.getItem(PLACE);
    while (wanted && ![...this.cards.values()].some((card) => card.id === wanted) && this.cards.size < this.total) {
      const before = this.cards.size;
      await this.load(before);
      if (this.cards.size === before) break;
    }
    const found = [...this.cards].find(([, card]) => card.id === wanted);
    if (found) this.at = found[0];
  }

  async load(start, fresh = false) {
    const queue = this.queue;
    const query = new URLSearchParams({ queue, start, count: CHUNK, fresh });
    const found = await api.asked(`/api/plates?${query}`);
    if (queue !== this.queue) return;
    this.total = found.total;
    found.plates.forEach((card, number) => {
      if (this.cards.has(start + number)) return;
      this.cards.set(start + number, card);
      card.image = Object.assign(new Image(), { src: api.plateImage(card) });
    });
  }

  async count() {
    this.counts = await api.asked("/api/plates/counts");
    this.shell.counted((this.counts.states.labelled ?? 0) + (this.counts.states.skipped ?? 0), this.counts.total, TEXT.count);
    if (get("counts")) this.showCounts();
  }

  showCounts() {
    const { states, by } = this.counts;
    const names = Object.keys(TEXT.states);
    const rows = names.flatMap((name) => [make("dt", { text: TEXT.states[name] }), make("dd", { id: `count-${name}`, text: (states[name] ?? 0).toLocaleString("en") })]);
    const named = Object.entries(by).filter(([, found]) => Object.keys(found).some((name) => name && name !== "."));
    // folders that are days are told once
    const told = named.filter(([key, found]) => key !== "day" || Object.keys(found).join() !== Object.keys(by.document).join());
    const tables = told.map(([key, found]) => this.table(key, found));
    get("counts").replaceChildren(make("dl", { class: "states" }, ...rows), ...tables);
  }

  table(key, found) {
    const head = [TEXT.by[key], TEXT.open, TEXT.doneShort].map((text) => make("th", { scope: "col", text }));
    const body = Object.entries(found).map(([name, states]) => {
      const done = (states.labelled ?? 0) + (states.skipped ?? 0);
      const open = (states.waiting ?? 0) + (states["pre-labelled"] ?? 0);
      return make("tr", {}, make("th", { scope: "row", text: name && name !== "." ? name : TEXT.noName }), make("td", { text: open }), make("td", { text: done }));
    });
    return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  }

  ahead() {
    let last = this.at;
    while (this.cards.has(last)) last++;
    if (last < this.total && last - this.at < AHEAD * 2) coming(this, last);
    this.prelabel();
  }

  // Pre-labels of the plates that come next, one request at a time; the one that is shown gets its own when it is there.
  async prelabel() {
    if (this.reading || this.failed || this.gone || this.view !== "label") return;
    const next = [...Array(AHEAD).keys()].map((step) => this.cards.get(this.at + step));
    const wanted = next.filter((card) => card && !card.read && !card.asked).slice(0, 3);
    if (!wanted.length) return;
    this.reading = true;
    for (const card of wanted) card.asked = true;
    try {
      const body = { ids: wanted.map((card) => card.id) };
      for (const found of await api.post("/api/plates/prelabels", body)) this.arrived(found);
    } catch (error) {
      this.failed = true;
      if (this.card) this.badges(this.card);
      this.shell.say(TEXT.noPrelabels(error.message));
      return;
    } finally {
      this.reading = false;
    }
    this.prelabel();
  }

  arrived(found) {
    const card = [...this.cards.values()].find((one) => one.id === found.id);
    if (!card || card.read) return;
    const untouched = this.card === card && get("text").value === card.text && !drafts.get(card.id);
    for (const name of ["reading", "confidence", "read", "model", "characters"]) card[name] = found[name];
    if (!card.version) Object.assign(card, { text: found.text, state: found.state });
    if (untouched) this.show();
    else if (this.card === card) this.badges(card);
  }

  show() {
    if (this.gone) return;
    const card = this.card;
    get("conflict").hidden = true;
    this.calm();
    this.shell.say("");
    get("field").hidden = !card;
    get("crop").parentElement.hidden = !card;
    get("about").hidden = !card;
    if (!card) {
      get("place").textContent = "";
      this.shell.say(this.finished());
      return;
    }
    if (this.view === "review") localStorage.setItem(PLACE, card.id);
    const draft = drafts.get(card.id);
    const text = draft ? draft.text : card.text;
    get("place").textContent = TEXT.place(card.path, this.at + 1, this.total);
    get("crop").src = card.image.src;
    this.field.show(text, text === card.reading ? card.characters : [], "ltr");
    get("text").select();
    this.badges(card);
    if (draft) this.shell.say(TEXT.draft);
    this.ahead();
  }

  finished() {
    if (!this.counts.total) return TEXT.nothing;
    return this.view === "review" ? TEXT.reviewed : TEXT.finished;
  }

  badges(card) {
    const badges = [];
    if (card.state === "labelled") badges.push(["labelled", TEXT.labelled(card.author)]);
    else if (card.state === "skipped") badges.push(["skipped", TEXT.skipped(card.author)]);
    if (card.reading) badges.push(["pre", TEXT.prelabel(card.reading, card.confidence)]);
    else if (card.read) badges.push(["pre", TEXT.unread]);
    else if (this.view === "label" && !this.failed) badges.push(["", TEXT.reading]);
    get("about").replaceChildren(...badges.map(([name, text]) => make("span", { class: `badge ${name}`, text })));
  }

  // What is typed is taken in the alphabet's case; what no plate holds is refused, and said.
  typing(event) {
    const typed = event.data ?? event.dataTransfer?.getData("text/plain");
    if (!typed || event.isComposing) return;
    const { alphabet, shown } = this.rules;
    const folded = [...typed].map((char) => (alphabet.includes(char) ? char : char.toUpperCase()));
    const kept = folded.filter((char) => alphabet.includes(char)).join("");
    const strange = folded.filter((char) => !alphabet.includes(char) && char.trim());
    if (strange.length) this.refuse(TEXT.strange(strange.join(" "), shown));
    if (kept === typed) return;
    event.preventDefault();
    if (kept && !document.execCommand("insertText", false, kept)) {
      get("text").setRangeText(kept, get("text").selectionStart, get("text").selectionEnd, "end");
      this.field.onInput();
    }
  }

  // Said for a moment: long enough to be read while typing goes on.
  refuse(text) {
    get("wrong").textContent = text;
    get("field").classList.add("refused");
    clearTimeout(this.fading);
    this.fading = setTimeout(() => this.calm(), 4000);
  }

  calm() {
    clearTimeout(this.fading);
    if (this.gone) return;
    get("wrong").textContent = "";
    get("field").classList.remove("refused");
  }

  edited() {
    drafts.set(this.card.id, this.field.text, this.card.version);
  }

  key(event) {
    if (this.view === "faults") {
      this.faults.key(event);
      return;
    }
    if (this.ended || event.isComposing || event.target.closest?.("header")) return;
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
    if (event.key === "q" && event.ctrlKey) this.take(event, () => this.quit());
    else if (!plain || (!get("conflict").hidden && event.key !== "[")) return;
    else if (event.key === "Enter" && !event.shiftKey) this.take(event, () => this.done());
    else if (event.key === "Escape") this.take(event, () => this.skip());
    else if (event.key === "[") this.take(event, () => this.go(this.at - 1));
    else if (event.key === "Tab" && !event.shiftKey && this.card) this.take(event, () => this.field.nextUncertain());
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
    if (!text) this.refuse(TEXT.empty);
    else this.send(card, { text, verdict: text === card.reading ? "accepted" : "edited" });
  }

  skip() {
    if (this.card) this.send(this.card, { text: null, verdict: "skipped" });
  }

  send(card, saving) {
    drafts.drop(card.id);
    const state = saving.text ? "labelled" : "skipped";
    if (card.state !== state || card.text !== saving.text) {
      this.tally(card.state, state);
      Object.assign(card, { state, text: saving.text ?? card.text, author: this.shell.state.author });
      this.shell.outbox.add(card.id, { ...saving, version: card.version });
    }
    if (this.one) location.hash = "#plates/faults";
    else this.go(this.at + 1);
  }

  tally(before, after) {
    const { states } = this.counts;
    states[before] = (states[before] ?? 1) - 1;
    states[after] = (states[after] ?? 0) + 1;
    for (const name of [before, after]) get(`count-${name}`).textContent = states[name].toLocaleString("en");
    this.shell.counted((states.labelled ?? 0) + (states.skipped ?? 0), this.counts.total, TEXT.count);
  }

  told(event, line, detail) {
    if (this.view === "faults") {
      this.faults.told(event, line, detail);
      return;
    }
    const [at, card] = [...this.cards].find(([, one]) => one.id === line) ?? [];
    if (event === "saved") {
      if (card) Object.assign(card, { version: detail.version });
      return;
    }
    drafts.set(line, detail.saving.text ?? "", detail.saving.version);
    if (event === "refused") {
      if (card) this.go(at);
      this.shell.say(STRINGS.refused(detail.error.message));
    } else if (card) this.conflict(at, card, detail.saving, detail.error.body.current);
  }

  // Somebody else was quicker: both labels are shown, and the person decides.
  conflict(at, card, saving, current) {
    this.at = at;
    this.show();
    const box = get("conflict");
    const row = (label, text, button, act) => {
      const choose = () => {
        box.hidden = true;
        drafts.drop(card.id);
        Object.assign(card, { version: current.version, state: current.text ? "labelled" : "skipped", text: current.text ?? card.reading, author: current.author });
        act();
      };
      return make("div", {}, make("b", { text: label }), make("p", { text: text ?? TEXT.states.skipped }), make("button", { type: "button", text: button, onclick: choose }));
    };
    box.replaceChildren(
      make("p", { text: TEXT.conflict(current.author) }),
      row(STRINGS.theirs, current.text, STRINGS.keepTheirs, () => this.show()),
      row(STRINGS.mine, saving.text, STRINGS.keepMine, () => this.send(card, saving)),
    );
    box.hidden = false;
    box.querySelector("button").focus();
  }

  async quit() {
    this.ended = true;
    if (this.card && this.field.text !== this.card.text) this.edited();
    await this.shell.outbox.flush();
    this.shell.say(this.shell.outbox.count ? STRINGS.leftWaiting : TEXT.left);
    get("field").hidden = true;
  }

  leave() {
    this.gone = true;
    clearTimeout(this.fading);
    this.faults?.leave();
  }
}
