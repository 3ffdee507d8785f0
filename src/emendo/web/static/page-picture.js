// The picture of a page: outlines of its lines, zoom and pan, drawing a line that was missed, moving an outline by keys.
import { make, shape } from "./dom.js";
import { STRINGS } from "./strings.js";

const STEPS = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 6];
const FEW = 4; // screen pixels that a hand may shake in a click
const CLOSED = 0.3; // the ends of a stroke around a line come this near, as a share of its length
const MOST = 150; // points of a stroke that are sent

const points = (some) => some.map((point) => point.map((value) => value.toFixed(1)).join(",")).join(" ");
const far = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);
const length = (stroke) => stroke.slice(1).reduce((sum, point, at) => sum + far(stroke[at], point), 0);

export const isAround = (stroke) => stroke.length > 4 && far(stroke[0], stroke.at(-1)) < CLOSED * length(stroke);

export function thinned(stroke) {
  const step = Math.max(1, stroke.length / MOST);
  return [...Array(Math.ceil(stroke.length / step)).keys()].map((at) => stroke[Math.floor(at * step)]).concat([stroke.at(-1)]);
}

export class Picture {
  // `did` has picked(id), drawn(stroke, around), shaped({ middle, height }) and dropped().
  constructor(did) {
    this.did = did;
    this.zoomed = 1;
    this.size = [1, 1];
    this.lines = shape("g", { class: "outlines" });
    this.drawing = shape("g", { class: "drawing" });
    this.overlay = shape("svg", { preserveAspectRatio: "none", "aria-hidden": "true" }, this.lines, this.drawing);
    this.image = make("img", { alt: STRINGS.pages.picture, draggable: "false", id: "sheet" });
    this.sheet = make("figure", { class: "sheet" }, this.image, this.overlay);
    this.element = make("div", { class: "pane", id: "picture", tabindex: "0", role: "group", "aria-label": STRINGS.pages.pane }, this.sheet);
    this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.overlay.addEventListener("pointerdown", (event) => this.down(event));
    this.overlay.addEventListener("pointermove", (event) => this.move(event));
    this.overlay.addEventListener("pointerup", (event) => this.up(event));
    this.overlay.addEventListener("pointercancel", () => this.forget());
  }

  show(source, size, lines) {
    this.forget();
    this.size = size;
    if (!this.image.src.endsWith(source)) this.image.src = source;
    [this.image.width, this.image.height] = size;
    this.overlay.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    const outlines = lines.map((line) => {
      const title = shape("title");
      title.textContent = `${line.number}: ${line.text}`;
      return shape("polygon", { points: points(line.polygon), "data-line": line.id, class: line.verdict ? "done" : "" }, title);
    });
    this.lines.replaceChildren(...outlines);
  }

  // The line in work: its outline is filled and brought into view.
  mark(line) {
    for (const outline of this.lines.children) outline.classList.toggle("now", outline.dataset.line === line?.id);
    if (line) this.bring(line.polygon);
  }

  done(id, verdict) {
    for (const outline of this.lines.children) if (outline.dataset.line === id) outline.classList.toggle("done", Boolean(verdict));
  }

  bring(outline) {
    const scale = this.sheet.clientWidth / this.size[0];
    const { scrollTop: top, clientHeight: high } = this.element;
    const [first, last] = [Math.min(...outline.map(([, y]) => y)) * scale, Math.max(...outline.map(([, y]) => y)) * scale];
    if (first < top + 0.1 * high || last > top + 0.9 * high) this.element.scrollTop = (first + last) / 2 - high / 2;
    const { scrollLeft: start, clientWidth: wide } = this.element;
    const left = Math.min(...outline.map(([x]) => x)) * scale;
    if (this.zoomed > 1 && (left < start || left > start + 0.5 * wide)) this.element.scrollLeft = left - 0.05 * wide;
  }

  // Nearer or farther by one step, what is at (x, y) of the screen staying where it is.
  zoom(step, x, y) {
    const next = step ? STEPS[Math.min(Math.max(STEPS.indexOf(this.zoomed) + step, 0), STEPS.length - 1)] : 1;
    const box = this.element.getBoundingClientRect();
    const [dx, dy] = [(x ?? box.left + box.width / 2) - box.left, (y ?? box.top + box.height / 2) - box.top];
    const factor = next / this.zoomed;
    const [left, top] = [(this.element.scrollLeft + dx) * factor - dx, (this.element.scrollTop + dy) * factor - dy];
    this.zoomed = next;
    this.sheet.style.width = `${100 * next}%`;
    this.element.scrollTo(left, top);
  }

  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    if (event.deltaY) this.zoom(event.deltaY < 0 ? 1 : -1, event.clientX, event.clientY);
  }

  key(event) {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.altKey || event.metaKey) return;
    if (this.band && arrow) this.nudge(event, ...arrow);
    else if (this.band && event.key === "Enter") this.keep();
    else if (this.band && event.key === "Escape") this.drop();
    else if (arrow && !event.ctrlKey) this.element.scrollBy(60 * arrow[0], 60 * arrow[1]);
    else if (event.key === "+" || event.key === "=") this.zoom(1);
    else if (event.key === "-") this.zoom(-1);
    else if (event.key === "0") this.zoom(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // An outline that is placed by keys: `band` is { middle, height } in pixels of the page.
  place(band) {
    this.band = { middle: band.middle.map((point) => [...point]), height: band.height };
    this.shown();
    this.element.focus();
  }

  nudge(event, dx, dy) {
    const { band } = this;
    const step = Math.max(1, Math.round(band.height / 15));
    const middle = band.middle.map((point) => [...point]);
    let { height } = band;
    if (event.ctrlKey && dx) middle[0][0] += dx * step;
    else if (event.shiftKey && dx) middle.at(-1)[0] += dx * step;
    else if (event.shiftKey) height = Math.max(6, height - dy * step);
    else middle.forEach((point) => (point[0] += dx * step, point[1] += dy * step));
    const inside = middle.every(([x, y]) => x >= 0 && y >= 0 && x <= this.size[0] && y <= this.size[1]);
    if (!inside || length(middle) < 2 * step || middle[0][0] >= middle.at(-1)[0]) return;
    this.band = { middle, height };
    this.shown();
  }

  shown() {
    const { middle, height } = this.band;
    this.stroke(middle, height, false);
    this.bring(middle.flatMap(([x, y]) => [[x, y - height / 2], [x, y + height / 2]]));
  }

  keep() {
    const { band } = this;
    this.forget();
    this.did.shaped(band);
  }

  drop() {
    this.forget();
    this.did.dropped();
  }

  stroke(some, height, around) {
    const line = shape(around ? "polygon" : "polyline", { points: points(some), class: around ? "around" : "along" });
    if (!around) line.setAttribute("stroke-width", height);
    this.drawing.replaceChildren(line);
  }

  forget() {
    this.band = null;
    this.drawn = null;
    this.drawing.replaceChildren();
  }

  at(event) {
    const box = this.overlay.getBoundingClientRect();
    const inside = (value, most) => Math.min(Math.max(value, 0), most);
    return [
      inside(((event.clientX - box.left) / box.width) * this.size[0], this.size[0]),
      inside(((event.clientY - box.top) / box.height) * this.size[1], this.size[1]),
    ];
  }

  down(event) {
    if (event.button) return;
    event.preventDefault();
    this.forget();
    if (event.pointerType !== "touch") this.overlay.setPointerCapture(event.pointerId);
    this.drawn = { from: [event.clientX, event.clientY], stroke: [this.at(event)], on: event.target.dataset.line };
  }

  move(event) {
    if (!this.drawn || event.pointerType === "touch") return;
    const { from, stroke } = this.drawn;
    if (far(from, [event.clientX, event.clientY]) > FEW) this.drawn.moved = true;
    stroke.push(this.at(event));
    if (this.drawn.moved) this.stroke(stroke, this.usual, isAround(stroke));
  }

  up(event) {
    const { drawn } = this;
    if (!drawn) return;
    this.forget();
    if (!drawn.moved) {
      if (drawn.on) this.did.picked(drawn.on);
      return;
    }
    drawn.stroke.push(this.at(event));
    this.did.drawn(thinned(drawn.stroke), isAround(drawn.stroke));
  }
}
