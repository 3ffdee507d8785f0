// What a line costs: key presses, and the seconds in which the person was at it. A held key is one press; Shift and its
// like, and dead keys, are none. A pause counts as 30 seconds at most, a hidden page not at all.
const MOST = 30_000;
const SILENT = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "ScrollLock", "Fn", "Dead"]);

let shown = null;
let keys = 0;
let spent = 0;
let last = 0;

function seen() {
  const now = performance.now();
  if (shown !== null && !document.hidden) spent += Math.min(now - last, MOST);
  last = now;
}

function pressed(event) {
  seen();
  if (shown !== null && !event.repeat && !SILENT.has(event.key)) keys += 1;
}

// Before the mode's own listeners: the key that ends a line belongs to that line.
document.addEventListener("keydown", pressed, { capture: true });
for (const kind of ["pointerdown", "pointermove", "wheel"]) {
  document.addEventListener(kind, seen, { capture: true, passive: true });
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden && shown !== null) spent += Math.min(performance.now() - last, MOST);
  last = performance.now();
});

// A line is shown; shown again before its verdict, its count goes on.
export function start(line) {
  if (line === shown) return;
  shown = line;
  keys = 0;
  spent = 0;
  last = performance.now();
}

// The verdict is given: what the line took.
export function stop() {
  seen();
  const taken = { keys, seconds: Math.round(spent / 10) / 100 };
  shown = null;
  return taken;
}
