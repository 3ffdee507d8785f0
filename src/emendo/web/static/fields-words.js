// The document of field mode: its words are chosen by mouse or by keys, and the source of a field is shown.
import { make, shape } from "./dom.js";
import { Picture } from "./page-picture.js";
import { STRINGS } from "./strings.js";

const READABLE = 15; // pixels of the screen that a field's source is high at least
const MOST_STEPS = 3;

const around = ([x0, y0, x1, y1]) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
const centre = ({ box: [x0, y0, x1, y1] }) => [(x0 + x1) / 2, (y0 + y1) / 2];
const inside = ([x, y], [x0, y0, x1, y1]) => x0 <= x && x <= x1 && y0 <= y && y <= y1;

export const united = (words) => [
  Math.min(...words.map(({ box }) => box[0])),
  Math.min(...words.map(({ box }) => box[1])),
  Math.max(...words.map(({ box }) => box[2])),
  Math.max(...words.map(({ box }) => box[3])),
];

// The text of words in reading order; `between` stands where a line ends.
export function textOf(words, between) {
  return words.map((word, at) => (at === 0 ? "" : word.line === words[at - 1].line ? " " : between) + word.text).join("");
}

export class Words {
  // `did` has chosen(words, add), said(text) and left().
  constructor(did) {
    this.did = did;
    this.words = [];
    this.picture = new Picture({
      picked: (id) => this.take([this.words[id]]),
      drawn: (stroke, closed) => this.drawn(stroke, closed),
      shaped: () => {},
      dropped: () => {},
    });
    this.places = shape("g", { class: "places" });
    this.picture.overlay.prepend(this.places);
    this.element = this.picture.element;
    this.element.setAttribute("aria-label", STRINGS.fields.pane);
    this.element.addEventListener("pointerdown", (event) => (this.adding = event.shiftKey), { capture: true });
    this.element.addEventListener("keydown", (event) => this.key(event), { capture: true });
    this.element.addEventListener("blur", () => this.stop());
  }

  show(source, size, words) {
    this.stop();
    this.words = words;
    const outlines = words.map((word, id) => ({ id, number: word.line + 1, text: word.text, polygon: around(word.box) }));
    this.picture.show(source, size, outlines);
  }

  // Where all values of the page were taken from: [{ box, doubt }].
  taken(places) {
    const rows = places.map(({ box: [x0, y0, x1, y1], doubt }) => shape("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: doubt ? "shaky" : "" }));
    this.places.replaceChildren(...rows);
  }

  // The place that a field was taken from, large enough to be read; none for null.
  source(box) {
    const { picture } = this;
    picture.drawing.replaceChildren();
    if (!box) return;
    const points = around(box);
    picture.drawing.append(shape("polygon", { points: points.map((point) => point.join(",")).join(" "), class: "source" }));
    const high = () => ((box[3] - box[1]) * picture.sheet.clientWidth) / picture.size[0];
    for (let step = 0; high() < READABLE && high() > 0 && step < MOST_STEPS; step++) picture.zoom(1);
    picture.bring(points);
  }

  take(words) {
    if (words.length && words[0]) this.did.chosen(words, this.adding);
    this.adding = false;
  }

  // A stroke around words takes them; one along words takes those that it crosses.
  drawn(stroke, closed) {
    const [xs, ys] = [stroke.map(([x]) => x), stroke.map(([, y]) => y)];
    const frame = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    this.take(this.words.filter((word) => (closed ? inside(centre(word), frame) : stroke.some((point) => inside(point, word.box)))));
  }

  // Words by keys, from the one nearest to `box` on.
  start(box) {
    if (!this.words.length) {
      this.did.said(STRINGS.fields.noWords);
      return;
    }
    const [x, y] = box ? centre({ box }) : [0, 0];
    const far = (word) => Math.hypot(centre(word)[0] - x, centre(word)[1] - y);
    this.at = this.words.reduce((best, word, at) => (far(word) < far(this.words[best]) ? at : best), 0);
    this.from = this.at;
    this.element.focus();
    this.mark();
    this.did.said(STRINGS.fields.choosing);
  }

  stop() {
    this.at = null;
    this.mark();
  }

  get marked() {
    if (this.at === null || this.at === undefined) return [];
    return this.words.slice(Math.min(this.at, this.from), Math.max(this.at, this.from) + 1);
  }

  mark() {
    const { marked } = this;
    [...this.picture.lines.children].forEach((outline, at) => outline.classList.toggle("now", marked.includes(this.words[at])));
    if (marked.length) this.picture.bring(around(united(marked)));
  }

  key(event) {
    if (this.at === null || this.at === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const steps = { ArrowLeft: () => this.at - 1, ArrowRight: () => this.at + 1, ArrowUp: () => this.beside(-1), ArrowDown: () => this.beside(1) };
    if (event.key in steps) {
      this.at = Math.min(Math.max(steps[event.key](), 0), this.words.length - 1);
      if (!event.shiftKey) this.from = this.at;
      this.mark();
      this.did.said(textOf(this.marked, " "));
    } else if (event.key === "Enter") {
      const { marked } = this;
      this.stop();
      this.did.left();
      this.did.chosen(marked, event.shiftKey);
    } else if (event.key === "Escape") {
      this.stop();
      this.did.left();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The word above or below: of the nearest line that way, the one whose middle is nearest.
  beside(way) {
    const here = this.words[this.at];
    const lines = this.words.map(({ line }) => line).filter((line) => (way > 0 ? line > here.line : line < here.line));
    if (!lines.length) return this.at;
    const line = way > 0 ? Math.min(...lines) : Math.max(...lines);
    const far = (word) => Math.abs(centre(word)[0] - centre(here)[0]);
    return this.words.reduce((best, word, at) => (word.line === line && (best < 0 || far(word) < far(this.words[best])) ? at : best), -1);
  }
}

export function toolbar(words, turned) {
  const button = (text, title, act) => make("button", { type: "button", text, title, "aria-label": title, onclick: act });
  const { zoom, nearer, farther, fit } = STRINGS.pages;
  const { before, next } = STRINGS.fields;
  return make(
    "div",
    { class: "zoom", role: "toolbar", "aria-label": zoom },
    make("span", { class: "turning", id: "turning" }, button("‹", before, () => turned(-1)), make("span", { id: "number" }), button("›", next, () => turned(1))),
    button("−", farther.replace(/ \(.*/, ""), () => words.picture.zoom(-1)),
    button("⤢", fit, () => words.picture.zoom(0)),
    button("+", nearer.replace(/ \(.*/, ""), () => words.picture.zoom(1)),
  );
}
