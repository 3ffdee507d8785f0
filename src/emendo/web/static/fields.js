// Receipts and invoices: the document beside its fields. What is typed is checked while it is typed.
import { arrive, coming } from "./ahead.js";
import * as api from "./api.js";
import { showConflict } from "./conflict.js";
import { get, make } from "./dom.js";
import * as effort from "./effort.js";
import { differing, draftOf } from "./fields-drafts.js";
import { findingItems } from "./fields-findings.js";
import { Form } from "./fields-form.js";
import { Ahead, Prefill } from "./fields-prefill.js";
import { textOf, toolbar, united, Words } from "./fields-words.js";
import { Leases } from "./leases.js";
import { drafts } from "./outbox.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.fields;
const CHUNK = 6;
const AHEAD = 2;
const PAUSE = 120;

export class Mode {
  constructor(shell, main, tools) {
    this.shell = shell;
    this.tools = tools;
    this.cards = new Map();
    this.total = 0;
    this.at = 0;
    this.words = new Words({
      chosen: (words, add) => this.chosen(words, add),
      said: (text) => this.shell.say(text),
      left: () => this.form.focus(this.form.at),
    });
    main.append(make("section", { class: "view", "aria-label": WORDS.pane }, this.words.element, toolbar(this.words, (step) => this.turn(step))), this.side());
    this.leases = new Leases(() => this.inWork(), (others) => this.held(others));
  }

  side() {
    const keys = WORDS.keys.flatMap(([key, what]) => [make("dt", { text: key }), make("dd", { text: what })]);
    this.box = make("div", { class: "conflict", id: "conflict", role: "alertdialog", hidden: true });
    this.box.addEventListener("keydown", (event) => event.stopPropagation());
    this.place = make("p", { class: "place", id: "place" });
    this.findings = make("ul", { class: "findings", id: "findings", "aria-live": "polite", "aria-label": WORDS.checks });
    this.json = make("pre", { class: "json", id: "json", tabindex: "0", "aria-label": WORDS.json });
    return make(
      "section",
      { class: "side", id: "side", "aria-label": WORDS.form },
      this.place,
      this.box,
      make("div", { id: "form" }),
      this.findings,
      make("details", { class: "source", open: true }, make("summary", { text: WORDS.json }), this.json),
      make("details", { class: "help" }, make("summary", { text: WORDS.help }), make("dl", { class: "keys" }, ...keys)),
    );
  }

  get card() {
    return this.cards.get(this.at);
  }

  get unit() {
    return this.card ? { id: this.card.id, direction: "ltr" } : null;
  }

  restored(unit, held) {
    const card = [...this.cards.values()].find((one) => one.id === unit.id);
    Object.assign(card, { fields: JSON.parse(held.text ?? "{}"), version: held.version, verdict: held.verdict });
    drafts.drop(unit.id);
    if (this.card === card) this.show();
  }

  inWork() {
    return [...this.cards].filter(([at]) => at >= this.at).map(([, card]) => card.id);
  }

  held(others) {
    for (const card of this.cards.values()) card.holder = others[card.id] ?? (card.holder in others ? "" : card.holder);
    if (others[this.card?.id]) this.shell.say(STRINGS.held(others[this.card.id]));
  }

  // #fields/DOCUMENT, or #fields//ORDER
  async open(document = "", order = "waiting") {
    this.order = document ? "all" : order in WORDS.orders ? order : "waiting";
    this.spec = await api.fieldsForm();
    this.form = new Form(this.spec, { changed: () => this.changed(), focused: (path, source) => this.focused(path, source) });
    this.prefill = new Prefill(this.spec.unsure, { took: (value, source) => this.form.take(this.form.at, value, source) });
    this.ahead = new Ahead(this);
    get("form").replaceWith(this.form.element);
    const options = Object.keys(this.spec.orders).map((name) => make("option", { value: name, text: WORDS.orders[name] ?? name, selected: name === this.order }));
    const go = (event) => (location.hash = `fields//${event.target.value}`);
    this.learning = make("output", { id: "learning" });
    this.tools.append(make("label", { text: `${WORDS.order} ` }, make("select", { id: "order", onchange: go }, ...options)), this.learning);
    this.at = await this.load(0, true, document);
    this.show();
  }

  async load(start, fresh = false, at = "") {
    const found = await api.fieldDocuments({ order: this.order, start, count: CHUNK, fresh, at });
    if (this.gone) {
      this.leases.free(found.documents.map((card) => card.id));
      return found.start;
    }
    this.total = found.total;
    this.elsewhere = found.elsewhere;
    this.shell.counted(found.done, found.all, WORDS.count);
    this.learning.textContent = WORDS.learning(found.prefill);
    found.documents.forEach((card, number) => {
      if (!this.cards.has(found.start + number)) this.cards.set(found.start + number, card);
    });
    return found.start;
  }

  // The next documents, and the words of the very next, are here before they are asked for.
  coming() {
    let last = this.at;
    while (this.cards.has(last)) last++;
    if (last < this.total && last - this.at <= AHEAD) coming(this, last);
    const next = this.cards.get(this.at + 1);
    if (next && !next.first) {
      next.picture = Object.assign(new Image(), { src: api.fieldImage(next.id, 1) });
      next.first = api.fieldPage(next.id, 1).catch(() => (next.first = null));
    }
  }

  // `caret` is where the person was typing, should the fields change around it.
  show(caret = null) {
    if (this.gone) return;
    const { card } = this;
    this.warned = null;
    this.box.hidden = true;
    this.shell.say("");
    get("main").classList.toggle("empty", !card);
    if (!card) {
      this.place.textContent = "";
      const end = this.total || this.shell.total ? WORDS.end : WORDS.none;
      this.shell.say(this.elsewhere ? STRINGS.elsewhere(this.elsewhere) : end);
      return;
    }
    effort.start(card.id);
    const draft = draftOf(card);
    this.place.textContent = WORDS.place(card);
    this.page = 0;
    this.turn(1);
    this.form.show(draft?.fields ?? card.fields);
    this.shown = JSON.stringify(this.form.fields);
    this.prefill.show(card, this.form);
    if (draft && !caret) this.shell.say(STRINGS.draft);
    else if (card.holder && card.holder !== this.shell.state.author) this.shell.say(STRINGS.held(card.holder));
    else if (card.fault && !card.version) this.shell.say(WORDS.notFilled(card.fault));
    else if (card.comes) this.shell.say(WORDS.comes);
    else if (card.prefilled && !card.version) this.shell.say(card.given ? WORDS.prefilled : WORDS.filled(this.prefill.doubts.length));
    this.checked = null;
    this.check();
    if (caret) this.form.back(caret);
    else {
      this.form.first(this.prefill.doubts[0] ?? (this.prefill.active && card.prefilled ? this.form.paths[0] : null));
      get("side").scrollTop = 0;
    }
    if (draft && draft.version < card.version) this.sides(card, { text: draft.text, verdict: "edited" }, { ...card, text: JSON.stringify(card.fields) });
  }

  // ---- the picture
  async turn(step) {
    const { card } = this;
    const page = Math.min(Math.max(this.page + step, 1), card?.pages ?? 1);
    if (!card || page === this.page) return;
    this.page = page;
    get("number").textContent = WORDS.page(page, card.pages);
    get("turning").hidden = card.pages < 2;
    const source = api.fieldImage(card.id, page);
    const picture = (page === 1 && card.picture) || Object.assign(new Image(), { src: source });
    try {
      const asked = (page === 1 && card.first) || api.fieldPage(card.id, page);
      asked.catch(() => {}); // told below, where the document is still shown
      await picture.decode();
      if (this.card !== card || this.page !== page) return;
      this.words.show(source, [picture.naturalWidth, picture.naturalHeight], []);
      const found = await asked;
      if (this.card !== card || this.page !== page || !found) return;
      this.words.show(source, found.size, found.words);
      this.placed();
      this.located(this.form.at ? this.form.sourceOf(this.form.at) : null);
      this.coming();
    } catch (error) {
      if (this.card === card) this.shell.say(error.message);
    }
  }

  focused(path, source) {
    this.prefill.focused(path);
    this.located(source);
  }

  placed() {
    const places = this.prefill.active ? this.form.sources(this.page) : [];
    this.words.taken(places.map(({ path, box }) => ({ box, doubt: this.prefill.doubtful(path) })));
  }

  located(source) {
    if (source && source.page !== this.page && this.card) this.turn(source.page - this.page);
    else this.words.source(source?.box ?? null);
  }

  // Words of the document go into the field, and where they stood is kept with it.
  chosen(words, add) {
    const path = this.form.at;
    if (!path) {
      this.shell.say(WORDS.whole);
      return;
    }
    this.shell.say("");
    const block = this.form.kindOf(path) === "block";
    const said = textOf(words, block ? "\n" : " ");
    const before = add ? String(this.form.value(path)) : "";
    const old = add ? this.form.sourceOf(path) : null;
    const box = old?.page === this.page ? united([{ box: old.box }, ...words]) : united(words);
    this.form.take(path, before ? `${before}${block ? "\n" : " "}${said}` : said, { page: this.page, box: box.map((value) => Math.round(10 * value) / 10) });
  }

  // ---- checking
  changed() {
    const { card } = this;
    if (!card) return;
    drafts.set(card.id, JSON.stringify(this.form.fields), card.version, { early: card.comes });
    if (card.version && !card.kept) this.leases.keep([card.id]);
    card.kept = true;
    this.warned = null;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.check(), PAUSE);
  }

  async check() {
    clearTimeout(this.pause);
    const fields = this.form.fields;
    const said = JSON.stringify(fields);
    if (this.checked?.said === said) return this.checked;
    try {
      const found = await api.checkFields(fields);
      if (said !== JSON.stringify(this.form.fields)) return this.check();
      this.checked = { ...found, said };
    } catch (error) {
      this.checked = null;
      const item = make("li", { class: "warning", text: error.message });
      this.findings.replaceChildren(item);
      return null;
    }
    const findings = this.checked.findings.map((one) => ({ ...one, paths: one.paths.map((path) => this.form.shownPath(path)) }));
    this.form.mark({ values: this.checked.values, findings });
    this.prefill.checked(findings);
    this.placed();
    this.findings.replaceChildren(...findingItems(findings, this.checked.checked, this.form));
    this.json.textContent = JSON.stringify(JSON.parse(this.checked.text), null, 2);
    return this.checked;
  }

  // ---- keys
  key(event) {
    if (event.isComposing || event.target.closest?.("header") || !this.box.hidden) return;
    const { key, ctrlKey: ctrl, altKey: alt, shiftKey: shift } = event;
    if (event.metaKey) return;
    const on = (act) => {
      event.preventDefault();
      act();
    };
    const button = event.target.tagName === "BUTTON" || event.target.tagName === "SUMMARY";
    if (ctrl && key === "q") on(() => this.quit());
    else if (!this.card) return;
    else if (ctrl && key === "Enter") on(() => this.done());
    else if (alt && key === "ArrowDown") on(() => this.form.addHere());
    else if (alt && "123".includes(key)) on(() => this.prefill.choose(Number(key) - 1));
    else if (ctrl && key === "Delete") on(() => this.form.removeHere());
    else if (ctrl && (key === "ArrowUp" || key === "ArrowDown")) on(() => this.form.move(key === "ArrowDown" ? 1 : -1));
    else if (ctrl && key === "z") this.undo(event);
    else if (alt && (key === "PageUp" || key === "PageDown")) on(() => this.turn(key === "PageDown" ? 1 : -1));
    else if (ctrl || alt) return;
    else if (key === "Enter" && !shift && !button) on(() => this.onward());
    else if (key === "Escape") on(() => this.skip());
    else if (key === "F2") on(() => this.words.start(this.form.at ? this.form.sourceOf(this.form.at)?.box : null));
    else if (key === "PageUp" || key === "PageDown") on(() => this.go(this.at + (key === "PageDown" ? 1 : -1)));
    else if ((key === "ArrowUp" || key === "ArrowDown") && this.form.go(key === "ArrowDown" ? 1 : -1)) event.preventDefault();
  }

  // What was typed in the field at hand is taken back as a whole, as is every other change.
  undo(event) {
    event.preventDefault();
    this.shell.say(this.form.undo() ? WORDS.undone : WORDS.nothingToUndo);
  }

  go(at) {
    arrive(this, at);
  }

  // To the next field that a person should look at; where none is left, the document is right.
  async onward() {
    const { card } = this;
    if (this.prefill.active && !this.prefill.findings.length && !this.checked) await this.check();
    if (this.card !== card) return;
    this.prefill.look(this.form.at);
    const next = this.prefill.next(this.form.at);
    this.placed();
    if (next) this.form.focus(next);
    else this.done();
  }

  // ---- saving
  async done() {
    const { card } = this;
    if (this.saving) return;
    this.saving = true;
    const checked = await this.check().finally(() => (this.saving = false));
    if (this.card !== card) return;
    const fields = this.form.fields;
    const text = JSON.stringify(fields);
    if (!Object.keys(fields).some((name) => name !== "sources")) {
      this.shell.say(WORDS.nothing);
      return;
    }
    const unread = checked?.findings.find(({ rule }) => rule === "value");
    if (unread) {
      const path = this.form.shownPath(unread.paths[0]);
      this.form.focus(path);
      this.shell.say(WORDS.unread(this.form.labelOf(path)));
      return;
    }
    if (checked?.findings.some(({ severity }) => severity === "error") && this.warned !== text) {
      this.warned = text;
      this.shell.say(WORDS.again);
      return;
    }
    if (checked) card.fields = checked.values;
    const said = checked?.text ?? text;
    drafts.drop(card.id);
    this.send(card, { text: said, verdict: said === card.reading ? "accepted" : "edited" });
  }

  // What was filled in stays in this browser, should the document be looked at again.
  skip() {
    if (this.card) this.send(this.card, { text: null, verdict: "skipped" });
  }

  send(card, saving) {
    this.shell.outbox.add(card.id, { ...saving, ...effort.stop(), version: card.version });
    this.go(this.at + 1);
  }

  told(event, line, detail) {
    const [at, card] = [...this.cards].find(([, one]) => one.id === line) ?? [];
    if (event === "saved") {
      this.shell.counted(this.shell.done + (detail.version === 1 ? 1 : 0), this.shell.total, WORDS.count);
      if (card) Object.assign(card, { version: detail.version, verdict: detail.verdict, author: detail.author });
      if (card?.model) this.ahead.look(true);
    } else if (event === "conflict" && card) {
      this.at = at;
      this.show();
      this.sides(card, detail.saving, detail.error.body.current);
    } else if (event === "refused") this.shell.say(STRINGS.refused(detail.error.message));
  }

  // Somebody else was quicker: what differs is shown, and the person decides.
  sides(card, saving, current) {
    const [theirs, mine] = differing(current.text, saving.text);
    const keep = {
      theirs: () => {
        drafts.drop(card.id);
        Object.assign(card, { fields: JSON.parse(current.text ?? "{}"), version: current.version });
        this.show();
      },
      mine: () => {
        Object.assign(card, { version: current.version });
        drafts.drop(card.id);
        this.send(card, saving);
      },
    };
    const shown = { ...current, text: theirs ?? STRINGS.verdicts[current.verdict] };
    showConflict(this.box, { direction: "ltr", saving: { ...saving, text: mine ?? STRINGS.verdicts[saving.verdict] }, current: shown, keep });
  }

  async quit() {
    await this.shell.outbox.flush();
    this.shell.say(this.shell.outbox.count ? STRINGS.leftWaiting : STRINGS.left);
    get("main").classList.add("empty");
    this.leases.free();
  }

  leave() {
    this.gone = true;
    this.leases.end();
    clearTimeout(this.pause);
    this.ahead?.end();
  }
}
