// The field of line mode: what is typed is right, and what follows it is foreseen anew at once. A machine that does the
// same without a browser is src/emendo/label/author.py; a test holds the two together key for key.
import { Field } from "./field.js";

const FRESH = 900;

export class Guided extends Field {
  // `foresee(before, between, kept)` gives { text, probabilities, stops } or null, as the server does.
  constructor(text, mirror, changed, foresee) {
    super(text, mirror, changed);
    this.foresee = foresee;
    this.stops = [];
    this.typed = [];
    this.asked = 0;
    text.addEventListener("beforeinput", (event) => {
      this.last = event;
    });
    text.addEventListener("compositionend", () => {
      this.last = null;
      this.ask();
    });
  }

  // `stops` are [at, start, end, options]: places of a line that is not edited yet, which begins at the first of them.
  begin(text, probabilities, stops, direction) {
    this.asked++;
    this.wait(false);
    this.stops = stops;
    this.show(text, [...text].map((one, at) => [one, probabilities[at] ?? 1]), direction);
    this.typed = this.characters.map(() => false);
    this.touched = false;
    this.fresh = null;
    if (stops.length) this.choose(this.spans()[0]);
  }

  // Places of all characters count code points; the browser counts UTF-16 units.
  get selection() {
    const { value, selectionStart, selectionEnd } = this.area;
    const start = [...value.slice(0, selectionStart)].length;
    return [start, start + [...value.slice(selectionStart, selectionEnd)].length];
  }

  choose([start, end]) {
    this.area.setSelectionRange(this.offset(start), this.offset(end));
  }

  spans() {
    return this.stops.map(([at]) => [at, Math.min(at + 1, this.characters.length)]);
  }

  // The stop behind the beginning of the selection, or the first of the line, is selected and returned.
  nextStop() {
    const [start, end] = this.selection;
    const past = start === end ? start : start + 1;
    const spans = this.spans();
    const found = spans.findIndex(([from, to]) => from >= past && !(from === start && to === end));
    const number = Math.max(0, found);
    if (spans.length) this.choose(spans[number]);
    return this.stops[number] ?? null;
  }

  // The stop that is selected.
  stop() {
    const [start, end] = this.selection;
    return this.stops[this.spans().findIndex(([from, to]) => from === start && to === end)] ?? null;
  }

  onInput() {
    if (this.quiet) return;
    const now = [...this.area.value.replaceAll("\n", " ")];
    const before = this.characters.length;
    const [caret] = this.selection;
    const kind = this.last?.inputType ?? "";
    const told = kind === "insertText" && this.last.data ? [...this.last.data].length : 0;
    let last = 0;
    const most = Math.min(now.length - caret, before);
    while (last < most && now.at(-1 - last) === this.characters.at(-1 - last)[0]) last++;
    let first = 0;
    const least = Math.min(now.length - last, before - last, told ? caret - told : Infinity);
    while (first < least && now[first] === this.characters[first][0]) first++;
    const length = now.length - last - first;
    this.touched = true;
    this.asked++;
    this.wait(false);
    super.onInput();
    this.moved(first, before - last, length, !kind.startsWith("history"));
    if (kind.startsWith("history")) return;
    if (length) this.ask();
    else this.hold(first);
  }

  // Characters [start, end) became `length` others.
  moved(start, end, length, typed) {
    const by = length - (end - start);
    this.typed.splice(start, end - start, ...Array(length).fill(typed));
    const behind = this.stops.filter((stop) => stop[1] >= end);
    const shifted = behind.map(([at, from, to, options]) => [at + by, from + by, to + by, options]);
    this.stops = [...this.stops.filter((stop) => stop[2] <= start), ...shifted];
    this.since = start;
  }

  // What is deleted does not come back: its neighbours are held together.
  hold(at) {
    if (at > 0) this.typed[at - 1] = true;
    if (at < this.typed.length) this.typed[at] = true;
  }

  // What follows the caret, up to the next character that was typed, is foreseen anew; an answer to what no longer
  // stands there is left aside.
  async ask() {
    if (this.last?.isComposing) return;
    const turn = ++this.asked;
    const texts = this.characters.map(([one]) => one);
    const [, caret] = this.selection;
    const fixed = this.typed.indexOf(true, caret);
    const kept = fixed < 0 ? texts.length : fixed;
    const since = this.since;
    this.wait(true);
    const parts = [texts.slice(0, caret), texts.slice(caret, kept), texts.slice(kept)].map((part) => part.join(""));
    const found = await this.foresee(...parts).catch(() => null);
    if (turn !== this.asked) return;
    this.wait(false);
    if (found) this.foreseen(found, caret, kept, since);
  }

  wait(on) {
    this.area.dataset.waiting = on ? "yes" : "";
  }

  // Put in by the browser's own command, so that its undo takes it back.
  foreseen({ text, probabilities, stops }, caret, kept, since) {
    const now = [...text];
    const rest = this.characters.length - kept;
    const between = now.slice(caret, now.length - rest);
    const old = this.characters.slice(caret, kept).map(([one]) => one);
    let first = 0;
    while (first < old.length && old[first] === between[first]) first++;
    let last = 0;
    while (last < Math.min(old.length, between.length) - first && old.at(-1 - last) === between.at(-1 - last)) last++;
    const from = caret + first;
    const end = between.length - last;
    this.stops = [...this.stops.filter((stop) => stop[0] < since), ...stops];
    this.typed.splice(caret, kept - caret, ...between.map(() => false));
    const read = between.map((one, at) => [one, probabilities[caret + at], -1]);
    const characters = [...this.characters.slice(0, caret), ...read, ...this.characters.slice(kept)];
    if (first < old.length || first < between.length) this.insert(from, kept - last, between.slice(first, end).join(""), text);
    this.characters = characters;
    this.fresh = [from, caret + end];
    this.paint();
    this.choose([caret, caret]);
    clearTimeout(this.faded);
    this.faded = setTimeout(() => this.fade(), FRESH);
    this.changed();
  }

  insert(start, end, text, whole) {
    this.choose([start, end]);
    this.quiet = true;
    const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
    this.quiet = false;
    if (!done || this.area.value !== whole) this.area.value = whole;
  }

  fade() {
    this.fresh = null;
    this.paint();
  }

  // Characters that were foreseen a moment ago are tinted like what is new, uncertain ones as ever.
  paint() {
    super.paint();
    if (!this.fresh) return;
    const [start, end] = this.fresh;
    const parts = [...this.mirror.childNodes].slice(start, end);
    for (const part of parts) {
      const mark = document.createElement("ins");
      part.replaceWith(mark);
      mark.append(part);
    }
  }
}
