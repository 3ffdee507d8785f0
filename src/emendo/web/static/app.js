// The page: one line at a time. The next lines are here before they are asked for, and what was said is kept in the
// browser until the server has it on its disk.
import * as api from "./api.js";
import { Field } from "./field.js";
import { Outbox, drafts } from "./outbox.js";
import { STRINGS } from "./strings.js";

const AHEAD = 25;
const CHUNK = 40;
const PAUSE = 150;
const get = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.order = "document";
    this.cards = new Map();
    this.total = 0;
    this.at = 0;
    this.places = [];
    this.field = new Field(get("text"), get("mirror"), () => this.edited());
    this.outbox = new Outbox((event, line, detail) => this.told(event, line, detail));
  }

  get card() {
    return this.cards.get(this.at);
  }

  async begin() {
    this.dress();
    const state = await api.state();
    this.counted(state.done, state.total);
    for (const name of Object.keys(state.orders)) get("order").add(new Option(STRINGS.orders[name] ?? name, name));
    this.outbox.flush();
    await this.open(this.order);
  }

  dress() {
    for (const one of document.querySelectorAll("[data-text]")) one.textContent = STRINGS[one.dataset.text];
    get("text").setAttribute("aria-label", STRINGS.field);
    get("crop").alt = STRINGS.crop;
    get("page-image").alt = STRINGS.pageImage;
    for (const [key, what] of STRINGS.keys) {
      const term = Object.assign(document.createElement("dt"), { textContent: key });
      get("keys").append(term, Object.assign(document.createElement("dd"), { textContent: what }));
    }
    get("order").addEventListener("change", (event) => this.open(event.target.value));
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("online", () => this.outbox.flush());
  }

  async open(order) {
    this.order = order;
    this.cards.clear();
    this.at = 0;
    await this.load(0, true);
    this.show();
  }

  // Loads a stretch of the order, and the pictures with it.
  async load(start, fresh = false) {
    const order = this.order;
    const found = await api.cards(order, start, CHUNK, fresh);
    if (order !== this.order) return;
    this.total = found.total;
    found.cards.forEach((card, number) => {
      if (this.cards.has(start + number)) return;
      this.cards.set(start + number, card);
      card.picture = Object.assign(new Image(), { src: api.imageOf(card.id) });
    });
  }

  ahead() {
    let last = this.at;
    while (this.cards.has(last)) last++;
    if (last < this.total && last - this.at < AHEAD && !this.loading) {
      this.loading = this.load(last).finally(() => {
        this.loading = null;
      });
    }
    return this.loading;
  }

  show() {
    const card = this.card;
    this.places = [];
    get("options").replaceChildren();
    get("conflict").hidden = true;
    this.say("");
    get("field").hidden = !card;
    get("crop").hidden = !card;
    get("page").hidden = !card;
    if (!card) {
      get("place").textContent = "";
      this.say(this.total ? STRINGS.finished : STRINGS.nothing);
      return;
    }
    const draft = drafts.get(card.id);
    const text = draft ? draft.text : card.text;
    get("place").textContent = STRINGS.place(card);
    get("crop").src = card.picture.src;
    get("crop").parentElement.dir = card.direction;
    this.field.show(text, text === card.reading ? card.characters : [], card.direction);
    if (draft) this.say(STRINGS.draft);
    this.mark(card);
    this.ahead();
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.others(card), PAUSE);
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

  // What else the model sees at each place of its reading: asked when a line stays for a moment, one at a time.
  async others(card) {
    if (!card.characters.length || this.asking) return;
    this.asking = true;
    try {
      const found = await api.alternatives(card.id);
      if (this.card === card) this.places = found;
    } catch {
      this.places = [];
    } finally {
      this.asking = false;
      if (this.card && this.card !== card) this.others(this.card);
    }
  }

  edited() {
    get("options").replaceChildren();
    drafts.set(this.card.id, this.field.text, this.card.version);
  }

  key(event) {
    if (event.isComposing || event.target === get("order")) return;
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
    if (event.key === "q" && event.ctrlKey) this.take(event, () => this.leave());
    else if (!plain) return;
    else if (!get("conflict").hidden && event.key !== "[") return;
    else if (event.key === "Enter" && !event.shiftKey) this.take(event, () => this.done());
    else if (event.key === "Escape") this.take(event, () => this.skip());
    else if (event.key === "[") this.take(event, () => this.go(this.at - 1));
    else if (event.key === "Tab" && !event.shiftKey) this.take(event, () => this.offer(this.card ? this.field.nextUncertain() : -1));
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") this.choose(event, event.key === "ArrowDown" ? 1 : -1);
  }

  take(event, act) {
    event.preventDefault();
    act();
  }

  go(at) {
    if (at < 0 || at > this.total) return;
    this.at = at;
    if (this.card || at >= this.total) this.show();
    else this.load(at).then(() => this.show());
  }

  done() {
    const card = this.card;
    if (!card) return;
    const text = this.field.text.trim();
    if (!text) {
      this.say(STRINGS.empty);
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
    this.outbox.add(card.id, { ...saving, version: card.version });
    this.go(this.at + 1);
  }

  told(event, line, detail) {
    if (event === "waiting") {
      get("saved").textContent = detail ? STRINGS.waiting(detail) : STRINGS.saved;
      get("saved").classList.toggle("late", detail > 1);
      return;
    }
    const [at, card] = [...this.cards].find(([, one]) => one.id === line) ?? [];
    if (event === "saved") {
      this.counted(this.judged + (detail.version === 1 ? 1 : 0), this.lines);
      if (card) Object.assign(card, { version: detail.version, verdict: detail.verdict });
    } else if (event === "conflict") {
      drafts.set(line, detail.saving.text ?? "", detail.saving.version);
      if (card) this.conflict(at, card, detail.saving, detail.error.body.current);
    } else {
      drafts.set(line, detail.saving.text ?? "", detail.saving.version);
      this.say(STRINGS.refused(detail.error.message));
    }
  }

  // Somebody else was quicker: both texts are shown, and the person decides.
  conflict(at, card, saving, current) {
    this.at = at;
    this.show();
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

  offer(at) {
    if (at < 0) return;
    this.options = this.places.find((place) => place.at === this.field.characters[at][2])?.options ?? [];
    this.chosen = -1;
    this.shown = this.field.characters[at][0];
    this.list();
  }

  list() {
    const rows = this.options.map(([text], number) => {
      const row = Object.assign(document.createElement("li"), { textContent: text.trim() ? text : text ? "␣" : STRINGS.nothingThere });
      row.classList.toggle("chosen", number === this.chosen);
      return row;
    });
    get("options").replaceChildren(...rows);
  }

  choose(event, step) {
    if (!get("options").childElementCount) return;
    event.preventDefault();
    const { options, shown } = this;
    this.chosen = (this.chosen + 1 + step + options.length + 1) % (options.length + 1) - 1;
    this.field.put(this.chosen < 0 ? shown : options[this.chosen][0]);
    this.list();
  }

  async leave() {
    if (this.card && this.field.text !== this.card.text) drafts.set(this.card.id, this.field.text, this.card.version);
    await this.outbox.flush();
    this.say(this.outbox.count ? STRINGS.leftWaiting : STRINGS.left);
    get("field").hidden = true;
  }

  counted(done, total) {
    this.judged = done;
    this.lines = total;
    get("count").textContent = STRINGS.count(done, total);
    get("bar").setAttribute("aria-valuemax", total);
    get("bar").setAttribute("aria-valuenow", done);
    get("fill").style.width = `${total ? (100 * done) / total : 0}%`;
  }

  say(text) {
    get("note").textContent = text;
  }
}

const page = new Page();
page.begin().catch((error) => page.say(error.message));
