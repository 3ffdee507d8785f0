// What was said of a line before: who, when, and its return. Arrows choose, Enter restores, Escape closes.
import * as api from "./api.js";
import { compared } from "./diff.js";
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

export class History {
  constructor(shell) {
    this.shell = shell;
    this.list = make("ol", { class: "versions", role: "listbox", tabindex: "0", "aria-label": STRINGS.history.title });
    this.hint = make("p", { class: "hint" });
    this.dialog = make("dialog", { class: "history", "aria-label": STRINGS.history.title }, make("h2", { text: STRINGS.history.title }), this.list, this.hint);
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.before?.focus?.());
    document.body.append(this.dialog);
  }

  // `unit` is {id, direction}; `restored` is told of the version that holds when one was brought back.
  async open(unit, restored) {
    if (this.dialog.open) return;
    this.before = document.activeElement;
    this.unit = unit;
    this.restored = restored;
    try {
      await this.load();
    } catch (error) {
      this.shell.say(error.message);
      return;
    }
    this.dialog.showModal();
    this.list.focus();
  }

  async load() {
    this.rows = (await api.history(this.unit.id)).reverse();
    this.at = 0;
    this.hint.textContent = this.rows.length ? (this.shell.may("reviewer") ? STRINGS.history.keys : STRINGS.history.look) : STRINGS.history.none;
    this.draw();
  }

  draw() {
    const options = this.rows.map((row, at) => {
      const before = this.rows[at + 1]?.text ?? "";
      const said = row.text === null ? make("p", { class: "compared", text: STRINGS.verdicts[row.verdict] }) : compared(row.text, at + 1 < this.rows.length ? before : row.text, this.unit.direction);
      const when = new Date(row.at).toLocaleString();
      const head = make("p", { class: "who", text: STRINGS.history.who(row, when) });
      const chosen = at === this.at;
      return make("li", { id: `version-${row.version}`, role: "option", "aria-selected": String(chosen), onclick: () => this.choose(at) }, head, said);
    });
    this.list.replaceChildren(...options);
    const shown = options[this.at];
    if (!shown) return;
    this.list.setAttribute("aria-activedescendant", shown.id);
    shown.scrollIntoView({ block: "nearest" });
  }

  choose(at) {
    this.at = Math.max(0, Math.min(this.rows.length - 1, at));
    this.draw();
  }

  key(event) {
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.choose(this.at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.restore();
    }
  }

  async restore() {
    const row = this.rows[this.at];
    if (!row || !this.shell.may("reviewer")) return;
    if (this.at === 0) {
      this.dialog.close();
      return;
    }
    try {
      const held = await api.restore(this.unit.id, row.version, this.rows[0].version);
      this.dialog.close();
      this.restored?.(held);
      this.shell.say(STRINGS.history.restored(row.version));
    } catch (error) {
      await this.load();
      this.hint.textContent = error.message;
    }
  }
}
