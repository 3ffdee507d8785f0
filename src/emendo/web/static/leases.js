// Lines in work are kept while somebody works on them, and given back when they leave.
import { freeLines, keepLines } from "./api.js";

const EVERY = 120_000;
const IDLE = 480_000;

export class Leases {
  // `lines()` are the ids that this page shows or will show next; `others(names)` is told who has which instead.
  constructor(lines, others) {
    this.lines = lines;
    this.others = others;
    this.seen = Date.now();
    this.touch = () => {
      const away = Date.now() - this.seen > EVERY;
      this.seen = Date.now();
      if (away) this.keep();
    };
    this.go = () => this.free();
    this.timer = setInterval(() => Date.now() - this.seen < IDLE && this.keep(), EVERY);
    document.addEventListener("keydown", this.touch, true);
    document.addEventListener("pointerdown", this.touch, true);
    window.addEventListener("pagehide", this.go);
  }

  async keep(lines = this.lines()) {
    if (!lines.length) return;
    const found = await keepLines(lines).catch(() => null);
    if (found) this.others(found.others);
  }

  free(lines = this.lines()) {
    if (lines.length) freeLines(lines).catch(() => {});
  }

  end() {
    this.free();
    clearInterval(this.timer);
    document.removeEventListener("keydown", this.touch, true);
    document.removeEventListener("pointerdown", this.touch, true);
    window.removeEventListener("pagehide", this.go);
  }
}
