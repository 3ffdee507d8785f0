// A whole page and its text, line by line: the lines are corrected here, and set right where the reader cut them wrong.
import * as api from "./api.js";
import { showConflict } from "./conflict.js";
import { get, make } from "./dom.js";
import { Field, UNSURE } from "./field.js";
import { Leases } from "./leases.js";
import { Options } from "./options.js";
import { drafts } from "./outbox.js";
import { Changes, median } from "./page-changes.js";
import { Picture } from "./page-picture.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.pages;
const LAST = "emendo:page";
const PAUSE = 150;

export class Mode {
  constructor(shell, main, tools) {
    this.shell = shell;
    this.lines = [];
    this.at = -1;
    this.changes = new Changes(this);
    this.picture = new Picture({
      picked: (id) => this.activate(this.lines.findIndex((line) => line.id === id)),
      drawn: (stroke, around) => this.changes.make({ what: "add", [around ? "outline" : "middle"]: stroke }),
      shaped: (band) => this.changes.placed(band),
      dropped: () => this.activate(this.at),
    });
    main.append(this.view(), this.text());
    tools.append(...this.tools());
    this.editor = this.row();
    this.field = new Field(this.area, this.mirror, () => this.edited());
    this.options = new Options(this.choices, this.field);
    this.leases = new Leases(() => (this.line ? [this.line.id] : []), (others) => this.taken(others));
  }

  view() {
    const button = (text, title, act) => make("button", { type: "button", text, title, "aria-label": title, onclick: act });
    const zoom = make(
      "div",
      { class: "zoom", role: "toolbar", "aria-label": WORDS.zoom },
      button("−", WORDS.farther, () => this.picture.zoom(-1)),
      button("⤢", WORDS.fit, () => this.picture.zoom(0)),
      button("+", WORDS.nearer, () => this.picture.zoom(1)),
    );
    return make("section", { class: "view", "aria-label": WORDS.pane }, this.picture.element, zoom);
  }

  text() {
    const keys = WORDS.keys.flatMap(([key, what]) => [make("dt", { text: key }), make("dd", { text: what })]);
    const help = make("details", { class: "help" }, make("summary", { text: WORDS.help }), make("dl", { class: "keys" }, ...keys));
    this.list = make("ol", { class: "rows", id: "rows", "aria-label": WORDS.rows });
    this.box = make("div", { class: "conflict", id: "conflict", role: "alertdialog", "aria-label": WORDS.question, hidden: true });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.box.querySelector("button:last-of-type")?.click();
      event.stopPropagation();
    });
    return make("section", { class: "text", "aria-label": WORDS.rows }, this.box, this.list, help);
  }

  tools() {
    const turn = (step) => () => this.turn(step);
    this.chooser = make("select", { id: "document", onchange: (event) => this.load(event.target.value, 1) });
    this.undoing = make("button", { type: "button", id: "undo", text: WORDS.undo, title: WORDS.undoTitle, onclick: () => this.changes.undo() });
    this.number = make("output", { id: "number" });
    return [
      make("label", { text: `${WORDS.document} ` }, this.chooser),
      make("button", { type: "button", text: "‹", title: WORDS.before, "aria-label": WORDS.before, onclick: turn(-1) }),
      this.number,
      make("button", { type: "button", text: "›", title: WORDS.next, "aria-label": WORDS.next, onclick: turn(1) }),
      this.undoing,
    ];
  }

  // What the line in work is edited in; it moves from line to line.
  row() {
    this.area = make("textarea", {
      id: "text", rows: 1, spellcheck: "false", autocomplete: "off", autocapitalize: "off", autocorrect: "off", "aria-label": STRINGS.field,
    });
    this.mirror = make("div", { class: "mirror", "aria-hidden": "true" });
    this.choices = make("ol", { class: "options", id: "options", "aria-live": "polite" });
    this.crop = make("img", { id: "crop", alt: STRINGS.crop });
    const { changes } = this;
    const acts = [
      ["split", () => changes.split()], ["merge", () => changes.merge()], ["up", () => changes.shift(-1)], ["down", () => changes.shift(1)],
      ["below", () => changes.below()], ["outline", () => changes.outline()], ["delete", () => changes.delete()],
    ];
    const buttons = acts.map(([name, act]) =>
      make("button", { type: "button", tabindex: "-1", text: WORDS.acts[name][0], title: WORDS.acts[name][1], onclick: act }),
    );
    return make(
      "div",
      { class: "editor" },
      make("div", { class: "crop" }, this.crop),
      make("div", { class: "field" }, this.mirror, this.area),
      this.choices,
      make("div", { class: "acts", role: "toolbar", "aria-label": WORDS.toolbar }, ...buttons),
    );
  }

  get line() {
    return this.lines[this.at];
  }

  async open(document, number, id) {
    const [state, documents] = await Promise.all([api.state(), api.notes()]);
    this.shell.counted(state.done, state.total);
    this.chooser.replaceChildren(...documents.map((one) => make("option", { value: one.document, text: one.document })));
    const last = JSON.parse(localStorage.getItem(LAST) ?? "null");
    const known = (name) => documents.find((one) => one.document === name);
    const start = document ? { document, number: Number(number) || 1 } : last && known(last.document) ? last : null;
    const first = start ?? (documents.length ? { document: documents[0].document, number: documents[0].page } : null);
    if (!first) this.shell.say(STRINGS.nothing);
    else await this.load(first.document, first.number, id);
  }

  async load(document, number, id) {
    try {
      const page = await api.pageState(document, number);
      if (!this.gone) this.show(page, id);
    } catch (error) {
      this.shell.say(error.message);
    }
  }

  show(page, id, caret) {
    this.page = page;
    this.lines = page.lines;
    const { document, number, pages, undo } = page;
    localStorage.setItem(LAST, JSON.stringify({ document, number }));
    history.replaceState(null, "", `#page/${encodeURIComponent(document)}/${number}`);
    this.chooser.value = document;
    this.number.textContent = WORDS.number(number, pages);
    this.undoing.disabled = !undo;
    this.picture.usual = median(page.lines.map((line) => line.height)) || page.size[1] / 40;
    this.picture.show(api.pageOf({ document, page: number }), page.size, page.lines);
    this.list.replaceChildren(...page.lines.map((line) => this.item(line)));
    const place = this.lines.findIndex((line) => line.id === id);
    const waiting = this.lines.findIndex((line) => !line.verdict);
    this.activate(place >= 0 ? place : Math.max(0, waiting), caret);
    if (!this.lines.length) this.shell.say(WORDS.empty);
  }

  item(line) {
    const shown = make("span", { class: "said", dir: line.direction });
    const item = make("li", { "data-line": line.id, onclick: () => this.line !== line && this.activate(this.lines.indexOf(line)) });
    item.append(make("span", { class: "number", text: line.number }), shown, make("span", { class: "state", role: "img" }));
    this.fill(item, line);
    return item;
  }

  fill(item, line) {
    const text = drafts.get(line.id)?.text ?? line.text;
    const known = text === line.reading && !line.verdict ? line.characters : [];
    const parts = known.map(([one, sure]) => (sure < UNSURE ? make("mark", { class: sure < 0.5 ? "very" : null, text: one }) : one));
    item.querySelector(".said").replaceChildren(...(parts.length ? parts : [text || WORDS.noText]));
    const state = drafts.get(line.id) ? "draft" : line.verdict;
    item.className = state || "open";
    const mark = item.querySelector(".state");
    [mark.textContent, mark.title] = WORDS.states[state] ?? ["", ""];
    mark.setAttribute("aria-label", mark.title);
    this.picture.done(line.id, line.verdict);
  }

  refresh(line) {
    const item = [...this.list.children].find((one) => one.dataset.line === line?.id);
    if (item) this.fill(item, line);
  }

  activate(at, caret) {
    const before = this.line;
    if (before) this.refresh(before);
    if (before && !before.verdict && at !== this.at) this.leases.free([before.id]);
    this.at = Math.min(at, this.lines.length - 1);
    const { line } = this;
    for (const item of this.list.children) item.setAttribute("aria-current", item.dataset.line === line?.id);
    this.options.clear();
    this.box.hidden = true;
    this.picture.forget();
    this.picture.mark(line);
    if (!line) {
      this.editor.remove();
      return;
    }
    const item = this.list.children[this.at];
    item.append(this.editor);
    this.crop.src = api.imageOf(line.id);
    this.crop.parentElement.dir = line.direction;
    const draft = drafts.get(line.id);
    const text = draft ? draft.text : line.text;
    this.field.show(text, text === line.reading ? line.characters : [], line.direction);
    if (caret !== undefined) this.area.setSelectionRange(caret, caret);
    item.scrollIntoView({ block: "nearest" });
    clearTimeout(this.pause);
    this.pause = setTimeout(() => {
      this.options.load(line, () => this.line);
      this.leases.keep();
    }, PAUSE);
  }

  // Who else has the line in work is told; what holds in the end is the version that a save names.
  taken(others) {
    if (this.line && others[this.line.id]) this.shell.say(STRINGS.held(others[this.line.id]));
  }

  // Whose history Ctrl+H shows.
  get unit() {
    return this.line ?? null;
  }

  restored(line, held) {
    Object.assign(line, { text: held.text ?? line.reading, version: held.version, verdict: held.verdict });
    drafts.drop(line.id);
    if (this.line === line) this.activate(this.at);
  }

  edited() {
    this.options.hide();
    drafts.set(this.line.id, this.field.text, this.line.version);
  }

  key(event) {
    if (event.isComposing || this.changes.busy || event.target.closest?.("header, .pane")) return;
    const act = this.meant(event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  // What a key means; null for every key that types.
  meant(event) {
    const { key, ctrlKey: ctrl, altKey: alt, shiftKey: shift, metaKey } = event;
    const { changes } = this;
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (metaKey || (ctrl && alt)) return null;
    if (ctrl && key === "q") return () => this.quit();
    if (key === "PageUp" || key === "PageDown") return ctrl || alt ? null : () => this.turn(key === "PageUp" ? -1 : 1);
    if (!this.line || event.target !== this.area) return ctrl && key === "z" && this.page?.undo ? () => changes.undo() : null;
    if (ctrl && key === "Enter") return shift ? () => changes.below() : () => changes.split();
    if (ctrl && key === "Backspace" && !this.area.selectionStart && !this.area.selectionEnd) return () => changes.merge();
    if (ctrl && key === "Delete") return () => changes.delete();
    if (ctrl && key === "e") return () => changes.outline();
    if (ctrl && key === "z" && !shift && this.field.text === this.field.before && this.page.undo) return () => changes.undo();
    if (ctrl && step) return () => this.picture.zoom(-step);
    if (alt && step) return () => changes.shift(step);
    if (ctrl || alt) return null;
    if (key === "Enter" && !shift) return () => this.done();
    if (key === "Escape") return () => this.skip();
    if (key === "[") return () => this.activate(Math.max(0, this.at - 1));
    if (key === "Tab" && !shift) return () => this.options.offer();
    if (step && !shift) return () => this.options.choose(step) || this.activate(Math.max(0, this.at + step));
    return null;
  }

  done() {
    const { line } = this;
    const text = this.field.text.trim();
    if (!text) {
      this.shell.say(WORDS.emptyText);
      return;
    }
    line.text = text;
    this.send(line, { text, verdict: text === line.reading ? "accepted" : "edited" });
  }

  skip() {
    this.send(this.line, { text: null, verdict: "skipped" });
  }

  send(line, saving) {
    drafts.drop(line.id);
    line.verdict = saving.verdict;
    this.shell.say("");
    this.shell.outbox.add(line.id, { ...saving, version: line.version });
    if (this.at + 1 < this.lines.length) this.activate(this.at + 1);
    else this.turn(1);
  }

  told(event, id, detail) {
    const line = this.lines.find((one) => one.id === id);
    if (event === "saved") {
      this.shell.counted(this.shell.done + (detail.version === 1 ? 1 : 0), this.shell.total);
      if (line) Object.assign(line, { version: detail.version, verdict: detail.verdict });
      if (line && line !== this.line) this.refresh(line);
      return;
    }
    drafts.set(id, detail.saving.text ?? "", detail.saving.version);
    if (event === "conflict" && line && detail.error.body.current) this.conflict(line, detail.saving, detail.error.body.current);
    else this.shell.say(STRINGS.refused(detail.error.message));
  }

  conflict(line, saving, current) {
    this.activate(this.lines.indexOf(line));
    const theirs = () => {
      Object.assign(line, { text: current.text ?? line.reading, verdict: current.verdict });
      drafts.drop(line.id);
      this.activate(this.lines.indexOf(line));
    };
    line.version = current.version;
    showConflict(this.box, { direction: line.direction, saving, current, keep: { theirs, mine: () => this.send(line, saving) } });
  }

  async turn(step) {
    const next = (this.page?.number ?? 1) + step;
    if (!this.page || next < 1 || next > this.page.pages) this.shell.say(step > 0 ? WORDS.last : "");
    else await this.load(this.page.document, next);
  }

  // Text as it stands in the browser, saved or not.
  now(line) {
    return line === this.line ? this.field.text : (drafts.get(line.id)?.text ?? line.text);
  }

  async quit() {
    await this.shell.outbox.flush();
    this.shell.say(this.shell.outbox.count ? STRINGS.leftWaiting : STRINGS.left);
    this.editor.remove();
  }

  leave() {
    clearTimeout(this.pause);
    this.leases.end();
    this.gone = true;
  }
}
