// Bars side by side or on top of each other as SVG: `names` under the axis, series of one value for each.
import { make, shape } from "./dom.js";
import { rounded, short } from "./plot.js";

const HEIGHT = 220;
const NAME = 64; // pixels that a name below the axis takes
const EDGE = { left: 46, right: 12, top: 12, bottom: 30 };

export function bars({ label, names, series, width, stacked = false }) {
  const drawing = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label });
  const text = (content, properties) => {
    const element = shape("text", properties);
    element.textContent = content;
    drawing.append(element);
  };
  const bottom = HEIGHT - EDGE.bottom;
  const heights = names.map((_, at) => series.map((one) => one.values[at] ?? 0));
  const [top, marks] = rounded(Math.max(...heights.map((row) => (stacked ? row.reduce((sum, value) => sum + value, 0) : Math.max(...row)))));
  const y = (value) => bottom - (value / top) * (bottom - EDGE.top);
  for (let mark = 0; mark <= marks; mark++) {
    const value = (top * mark) / marks;
    drawing.append(shape("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }));
    text(short(value), { x: EDGE.left - 10, y: y(value) + 4, "text-anchor": "end" });
  }
  const step = (width - EDGE.left - EDGE.right) / names.length;
  const each = Math.min(28, (0.76 * step) / (stacked ? 1 : series.length));
  heights.forEach((row, at) => {
    const middle = EDGE.left + step * (at + 0.5);
    let under = 0;
    row.forEach((value, which) => {
      const x = stacked ? middle - each / 2 : middle + (which - row.length / 2) * each;
      const from = stacked ? under : 0;
      if (value > 0) drawing.append(shape("rect", { class: `bar ${series[which].tone ?? ""}`, x, y: y(from + value), width: Math.max(1, each - 1), height: y(from) - y(from + value) }));
      under += value;
    });
  });
  const every = Math.ceil((names.length * NAME) / (width - EDGE.left - EDGE.right));
  names.forEach((name, at) => at % every === 0 && text(name, { x: EDGE.left + step * (at + 0.5), y: bottom + 18, "text-anchor": "middle" }));
  const legend = series.map((one) => make("li", { class: one.tone ?? "", text: one.name }));
  return make("figure", { class: "plot" }, drawing, make("ul", { class: "legend", "aria-hidden": "true" }, ...legend));
}
