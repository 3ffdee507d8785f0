// A small line plot as SVG: series of [x, y] on a left or a right axis, both from 0; [x, y, low, high] has an interval,
// drawn as a band around a line and as a bar through a dot.
import { make, shape } from "./dom.js";

const WIDTH = 720;
const HEIGHT = 250;
const NAME = 90; // pixels that a name below the axis takes
const EDGE = { left: 46, right: 46, top: 12, bottom: 34 };

// A round number at least as large as `value`, and the number of equal steps in which the axis is marked.
export function rounded(value) {
  if (!(value > 0)) return [1, 2];
  const size = 10 ** Math.floor(Math.log10(value));
  const top = [1, 2, 2.5, 4, 5, 8, 10].find((one) => one * size >= value) * size;
  return [top, [2.5, 5, 10].includes(Math.round((top / size) * 10) / 10) ? 5 : 4];
}

// The outline of a band, there along its upper and back along its lower edge; of a single point a narrow box.
function around(points, x, y) {
  const half = points.length > 1 ? 0 : 6;
  const edge = (at, rows) => rows.flatMap((row) => (half ? [[x(row[0]) - half, y(row[at])], [x(row[0]) + half, y(row[at])]] : [[x(row[0]), y(row[at])]]));
  return [...edge(3, points), ...(half ? edge(2, points).reverse() : edge(2, [...points].reverse()))];
}

export const short = (value) => String(Number(value.toPrecision(3)));

// `width` is that of the place where it will stand, so that the letters keep their size. `names` puts words under the
// axis in place of numbers, one for each x from 0.
export function plot({ label, series, end = 0, across = "", names = null, width = WIDTH }) {
  const furthest = Math.max(end, ...series.flatMap((one) => one.points.map(([x]) => x)), 1);
  const from = names ? -0.5 : 0;
  const until = names ? names.length - 0.5 : furthest;
  const x = (value) => EDGE.left + ((value - from) / (until - from)) * (width - EDGE.left - EDGE.right);
  const drawing = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label });
  const text = (content, properties) => {
    const element = shape("text", properties);
    element.textContent = content;
    drawing.append(element);
  };
  const bottom = HEIGHT - EDGE.bottom;
  for (const right of [false, true]) {
    const mine = series.filter((one) => Boolean(one.right) === right && one.points.length);
    if (!mine.length) continue;
    const [top, marks] = rounded(Math.max(...mine.flatMap((one) => one.points.map(([, y, , high]) => high ?? y))));
    const y = (value) => bottom - (value / top) * (bottom - EDGE.top);
    for (let mark = 0; mark <= marks; mark++) {
      const value = (top * mark) / marks;
      if (!right) drawing.append(shape("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }));
      text(short(value), { x: right ? width - EDGE.right + 10 : EDGE.left - 10, y: y(value) + 4, "text-anchor": right ? "start" : "end" });
    }
    for (const one of mine) {
      const at = one.points.map(([px, py]) => [x(px), y(py)]);
      const bounds = one.points.filter(([, , low]) => low !== undefined);
      if (one.kind === "band" && bounds.length) drawing.append(shape("polygon", { class: "band", points: around(bounds, x, y).map((pair) => pair.join(",")).join(" ") }));
      else drawing.append(...bounds.map(([px, , low, high]) => shape("line", { class: `bound ${one.tone ?? ""}`, x1: x(px), x2: x(px), y1: y(low), y2: y(high) })));
      if (one.kind !== "dots" || at.length > 1) drawing.append(shape("polyline", { class: `series ${one.kind} ${one.tone ?? ""}`, points: at.map((pair) => pair.join(",")).join(" ") }));
      if (one.kind === "dots") drawing.append(...at.map(([cx, cy]) => shape("circle", { class: `dot ${one.tone ?? ""}`, cx, cy, r: 4 })));
    }
  }
  const every = names ? Math.ceil((names.length * NAME) / (width - EDGE.left - EDGE.right)) : 1;
  if (names) names.forEach((name, at) => at % every === 0 && text(name, { x: x(at), y: bottom + 18, "text-anchor": "middle" }));
  else for (let mark = 0; mark <= 4; mark++) text(short(Math.round((until * mark) / 4)), { x: x((until * mark) / 4), y: bottom + 16, "text-anchor": "middle" });
  if (across) text(across, { x: width / 2, y: HEIGHT - 2, "text-anchor": "middle" });
  const legend = series.filter((one) => one.points.length).map((one) => make("li", { class: `${one.kind} ${one.tone ?? ""}`, text: one.name }));
  return make("figure", { class: "plot" }, drawing, make("ul", { class: "legend", "aria-hidden": "true" }, ...legend));
}
