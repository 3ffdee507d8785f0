// The field in which a line is edited: uncertain characters are tinted behind the text, and Tab goes through them.
import { directionOf, keepOutMarks } from "./direction.js";

export const UNSURE = 0.9;

export class Field {
  constructor(text, mirror, changed) {
    this.area = text;
    this.mirror = mirror;
    this.changed = changed;
    this.characters = [];
    this.area.addEventListener("input", () => this.onInput());
    keepOutMarks(this.area);
  }

  // `characters` are [text, probability] of the reading; empty when the text is not the reading. Each keeps its place
  // in the reading, typed ones have -1.
  show(text, characters, direction) {
    const read = characters.map(([one, probability], at) => [one, probability, at]);
    this.characters = read.length ? read : [...text].map((one) => [one, 1, -1]);
    this.area.value = text;
    this.turn(direction);
    this.before = text;
    this.paint();
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(text.length, text.length);
  }

  // The field and what is tinted behind it run the same way.
  turn(direction) {
    this.area.dir = direction;
    this.mirror.dir = direction;
  }

  get text() {
    return this.area.value;
  }

  // Characters that were typed are certain; those before and after the change keep their tint.
  onInput() {
    const text = this.area.value.replaceAll("\n", " ");
    if (text !== this.area.value) this.area.value = text;
    const now = [...text];
    const old = this.characters;
    let first = 0;
    while (first < now.length && first < old.length && now[first] === old[first][0]) first++;
    let last = 0;
    while (last < now.length - first && last < old.length - first && now.at(-1 - last) === old.at(-1 - last)[0]) last++;
    const typed = now.slice(first, now.length - last).map((one) => [one, 1, -1]);
    this.characters = [...old.slice(0, first), ...typed, ...old.slice(old.length - last)];
    this.turn(directionOf(text, this.area.dir));
    this.paint();
    this.changed();
  }

  paint() {
    const parts = this.characters.map(([text, probability]) => {
      if (probability >= UNSURE) return document.createTextNode(text);
      const mark = document.createElement("mark");
      mark.textContent = text;
      mark.className = probability < 0.5 ? "very" : "";
      return mark;
    });
    this.mirror.replaceChildren(...parts, document.createTextNode("\u200b"));
    this.area.style.height = "auto";
    this.area.style.height = `${this.area.scrollHeight}px`;
  }

  // Place of a character as an offset into the text.
  offset(at) {
    return this.characters.slice(0, at).reduce((sum, [text]) => sum + text.length, 0);
  }

  // Selects the next uncertain character behind the caret, or the first; returns its place or -1.
  nextUncertain() {
    const caret = this.area.selectionEnd;
    const unsure = this.characters.flatMap(([, probability], at) => (probability < UNSURE ? [at] : []));
    if (!unsure.length) return -1;
    const at = unsure.find((one) => this.offset(one) >= caret) ?? unsure[0];
    this.select(at);
    return at;
  }

  select(at) {
    const start = this.offset(at);
    this.area.setSelectionRange(start, start + this.characters[at][0].length);
  }

  // Replaces the selection so that the browser's undo can take it back.
  put(text) {
    this.area.focus();
    const { selectionStart: start } = this.area;
    const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
    if (!done) {
      this.area.setRangeText(text, start, this.area.selectionEnd, "end");
      this.onInput();
    }
    this.area.setSelectionRange(start, start + text.length);
  }
}
