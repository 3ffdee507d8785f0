// Doubtful labels of plates as a list: up and down choose one, left and right its fix, Enter does it, [ takes it back.
import * as api from "./api.js";
import { get, make } from "./dom.js";
import { STRINGS } from "./strings.js";

const TEXT = STRINGS.plates.faults;

export class Faults {
  constructor(shell, main) {
    Object.assign(this, { shell, main, chosen: 0, done: [], versions: new Map() });
  }

  async open() {
    this.list = make("ol", { id: "faults", role: "listbox", tabindex: "0", "aria-label": TEXT.list });
    const keys = TEXT.keys.flatMap(([key, what]) => [make("dt", { text: key }), make("dd", { text: what })]);
    this.main.append(
      make("section", { class: "faults" }, make("p", { class: "place", id: "faults-count", "aria-live": "polite" }), this.list, make("dl", { class: "keys" }, ...keys)),
    );
    await this.load();
    this.list.focus({ preventScroll: true });
  }

  async load() {
    await this.shell.outbox.flush();
    const found = await api.asked("/api/plates/faults");
    if (this.gone) return;
    this.rows = found.map((fault) => ({ fault, fix: 0 }));
    for (const { fault } of this.rows) for (const plate of fault.plates) this.versions.set(plate.id, plate.version);
    this.show();
  }

  show() {
    this.chosen = Math.max(0, Math.min(this.chosen, this.rows.length - 1));
    get("faults-count").textContent = this.rows.length ? TEXT.count(this.rows.length) : TEXT.none;
    this.list.replaceChildren(...this.rows.map((row, at) => this.row(row, at)));
    const chosen = this.list.children[this.chosen];
    if (!chosen) {
      this.list.removeAttribute("aria-activedescendant");
      return;
    }
    this.list.setAttribute("aria-activedescendant", chosen.id);
    if (this.chosen) chosen.scrollIntoView({ block: "nearest" });
    else this.main.scrollTop = 0;
  }

  row({ fault, fix }, at) {
    const pictures = fault.plates.map((plate) =>
      make("figure", {}, make("img", { src: api.plateImage(plate), alt: STRINGS.plates.picture }), make("figcaption", {}, make("b", { text: plate.text }), ` ${plate.path}`)),
    );
    const fixes = fault.fixes.map((one, number) => {
      const act = () => {
        Object.assign(this.rows[at], { fix: number });
        this.chosen = at;
        this.mend();
      };
      const label = this.named(fault, one);
      const pressed = at === this.chosen && number === fix;
      const key = pressed ? "Enter" : one.name === "skip" ? "Esc" : "";
      const button = make("button", { type: "button", tabindex: "-1", "aria-pressed": String(pressed), text: label, onclick: act });
      if (key && at === this.chosen) button.append(make("kbd", { text: key }));
      return button;
    });
    const selected = String(at === this.chosen);
    return make(
      "li",
      { id: `fault-${at}`, role: "option", "aria-selected": selected, "aria-label": `${fault.what}: ${this.named(fault, fault.fixes[fix])}` },
      make("p", { class: `what ${fault.severity}`, text: fault.what }),
      make("div", { class: "pair" }, ...pictures),
      make("div", { class: "fixes" }, ...fixes),
    );
  }

  named(fault, fix) {
    const path = fault.plates.find((plate) => plate.id === fix.plates[0])?.path ?? "";
    return TEXT.fixes[fix.name](fix.text, path.split("/").at(-1), fix.plates.length);
  }

  key(event) {
    if (event.isComposing || event.target.closest?.("header")) return;
    const { key, ctrlKey } = event;
    if (key === "q" && ctrlKey) this.take(event, () => this.quit());
    else if (key === "[" || (key === "z" && ctrlKey)) this.take(event, () => this.undo());
    else if (ctrlKey || event.altKey || event.metaKey || !this.rows?.length) return;
    else if (key === "ArrowDown" || key === "ArrowUp") this.take(event, () => this.choose(key === "ArrowDown" ? 1 : -1));
    else if (key === "ArrowRight" || key === "ArrowLeft") this.take(event, () => this.turn(key === "ArrowRight" ? 1 : -1));
    else if (key === "Enter") this.take(event, () => this.mend());
    else if (key === "Escape") this.take(event, () => this.mend("skip"));
  }

  take(event, act) {
    event.preventDefault();
    act();
  }

  choose(step) {
    this.chosen += step;
    this.show();
  }

  turn(step) {
    const row = this.rows[this.chosen];
    const many = row.fault.fixes.length;
    row.fix = (row.fix + step + many) % many;
    this.show();
  }

  // The chosen fix, or the one of that name.
  mend(name = null) {
    const row = this.rows[this.chosen];
    const fix = name ? row?.fault.fixes.find((one) => one.name === name) : row?.fault.fixes[row.fix];
    if (!fix) return;
    if (fix.name === "edit") {
      location.hash = `#plates/review/${fix.plates[0]}`;
      return;
    }
    if (fix.name === "keep") this.keep(row.fault.key, true);
    else for (const id of fix.plates) this.save(id, fix.name === "use" ? fix.text : null);
    const gone = this.rows.filter((one) => one === row || (fix.name !== "keep" && fix.plates.some((id) => one.fault.plates.some((plate) => plate.id === id))));
    this.done.push({ fix, row, gone, at: this.chosen });
    this.rows = this.rows.filter((one) => !gone.includes(one));
    this.shell.say(TEXT.mended[fix.name](fix.text));
    this.show();
  }

  save(id, text) {
    const version = this.versions.get(id) ?? 0;
    this.shell.outbox.add(id, { text, verdict: text ? "edited" : "skipped", version });
  }

  keep(key, kept) {
    api.post("/api/plates/keep", { key, kept }).catch((error) => this.shell.say(STRINGS.refused(error.message)));
  }

  async undo() {
    const last = this.done.pop();
    if (!last) {
      this.shell.say(TEXT.nothingToUndo);
      return;
    }
    await this.shell.outbox.flush();
    if (last.fix.name === "keep") this.keep(last.row.fault.key, false);
    else for (const id of last.fix.plates) this.save(id, last.row.fault.plates.find((plate) => plate.id === id).text);
    this.rows.splice(last.at, 0, ...last.gone);
    this.chosen = last.at;
    this.shell.say(TEXT.undone);
    this.show();
  }

  // What was fixed may be a fault of another kind now: the list is made anew when all is saved.
  told(event, line, detail) {
    if (event === "saved") this.versions.set(line, detail.version);
    else {
      this.shell.say(STRINGS.refused(detail.error.message));
      this.load();
    }
  }

  async quit() {
    await this.shell.outbox.flush();
    this.shell.say(this.shell.outbox.count ? STRINGS.leftWaiting : STRINGS.plates.left);
    this.list.replaceChildren();
    this.rows = [];
  }

  leave() {
    this.gone = true;
  }
}
