// Changes of a page's lines: split, merge, move, delete, add, another outline, undo. Each is one request, which names the
// state of the page that the person saw; what was typed and not saved goes along.
import * as api from "./api.js";
import { ask } from "./conflict.js";
import { drafts } from "./outbox.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.pages;

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export class Changes {
  constructor(mode) {
    this.mode = mode;
    this.busy = false;
  }

  split() {
    const text = this.mode.field.text;
    const at = [...text.slice(0, this.mode.area.selectionStart)].length;
    const caret = this.mode.area.selectionStart;
    const texts = this.typed(this.mode.line) ? [text.slice(0, caret), text.slice(caret)] : null;
    this.make({ what: "split", line: this.mode.line.id, at, text }, { texts });
  }

  merge() {
    const [above, line] = [this.mode.lines[this.mode.at - 1], this.mode.line];
    if (!above) return;
    const texts = { [above.id]: this.mode.now(above), [line.id]: this.mode.now(line) };
    const whole = this.typed(above, line) ? [`${texts[above.id]} ${texts[line.id]}`] : null;
    const then = { caret: texts[above.id].length, texts: whole };
    const act = () => this.make({ what: "merge", lines: [above.id, line.id], texts }, then);
    if (line.continues) act();
    else ask(this.mode.box, WORDS.apart, WORDS.mergeAnyway, WORDS.leave, act, () => this.mode.activate(this.mode.at));
  }

  shift(step) {
    const to = this.mode.at + step;
    if (to < 0 || to >= this.mode.lines.length) return;
    const before = this.mode.lines[step < 0 ? to : to + 1]?.id ?? "";
    this.make({ what: "move", line: this.mode.line.id, before }, { focus: this.mode.line.id });
  }

  delete() {
    const focus = (this.mode.lines[this.mode.at + 1] ?? this.mode.lines[this.mode.at - 1])?.id;
    this.make({ what: "delete", lines: [this.mode.line.id] }, { focus, say: WORDS.deleted });
  }

  // A line below the present one, of its height, to be moved by the arrow keys.
  below() {
    const { middle, height } = this.mode.line;
    const tops = this.mode.lines.map((line) => line.middle[0][1]);
    const steps = tops.slice(1).map((y, at) => y - tops[at]);
    const usual = median(steps.filter((step) => step > 0.5 * height && step < 4 * height)) ?? 1.4 * height;
    const step = Math.min(usual, this.mode.page.size[1] - Math.max(...middle.map(([, y]) => y)) - 1);
    this.making = { what: "add", after: this.mode.line.id };
    this.mode.picture.place({ middle: middle.map(([x, y]) => [x, y + step]), height });
    this.mode.shell.say(WORDS.placing);
  }

  outline() {
    this.making = { what: "shape", line: this.mode.line.id, text: this.mode.field.text };
    this.mode.picture.place(this.mode.line);
    this.mode.shell.say(WORDS.placing);
  }

  // The outline that `below` or `outline` began is where it should be.
  placed({ middle, height }) {
    const texts = this.making.what === "shape" && this.typed(this.mode.line) ? [this.making.text] : null;
    this.make({ ...this.making, middle, height }, { texts });
  }

  async undo() {
    const { document, number, version } = this.mode.page;
    await this.asked(() => api.undoPage({ document, number, version }), { say: WORDS.undone });
  }

  // What was typed and not saved goes on as a draft of the lines that are made of it (`then.texts`, in their order).
  async make(change, then = {}) {
    const { document, number, version } = this.mode.page;
    const before = this.mode.lines;
    await this.asked(async () => {
      const page = await api.changePage({ document, number, version, change });
      const there = new Map(page.lines.map((line) => [line.id, line]));
      for (const line of before) if (!there.has(line.id) && change.what !== "delete") drafts.drop(line.id);
      then.texts?.forEach((text, at) => {
        const line = there.get(page.fresh[at]);
        if (line && text.trim() !== line.text) drafts.set(line.id, text.trim(), line.version);
      });
      return page;
    }, then);
  }

  // Whether a line holds text that only this browser knows.
  typed(...lines) {
    return lines.some((line) => this.mode.now(line) !== line.text);
  }

  // One change at a time, and only when the server has every text that was said before.
  async asked(request, { focus, caret, say = "" }) {
    if (this.busy) return null;
    this.busy = true;
    this.mode.area.readOnly = true;
    this.mode.list.setAttribute("aria-busy", "true");
    try {
      await this.mode.shell.outbox.flush();
      if (this.mode.shell.outbox.count) throw new Error(WORDS.waiting);
      const page = await request();
      const done = (lines) => lines.filter((line) => line.verdict).length;
      const [more, judged] = [page.lines.length - this.mode.lines.length, done(page.lines) - done(this.mode.lines)];
      this.mode.shell.counted(this.mode.shell.done + judged, this.mode.shell.total + more);
      this.mode.shell.say(say);
      this.mode.show(page, focus ?? page.fresh[0] ?? this.mode.line?.id, caret);
      return page;
    } catch (error) {
      if (error.status === 409) await this.mode.load(this.mode.page.document, this.mode.page.number, this.mode.line?.id);
      this.mode.shell.say(error.message);
      this.mode.area.focus();
      return null;
    } finally {
      this.busy = false;
      this.mode.area.readOnly = false;
      this.mode.list.removeAttribute("aria-busy");
    }
  }
}
