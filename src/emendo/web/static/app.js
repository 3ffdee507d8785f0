// The shell: who is here, which mode is open, what is saved. A mode is a row of MODES and a module.
import * as api from "./api.js";
import { get, make } from "./dom.js";
import { History } from "./history.js";
import { kept } from "./kept.js";
import { Outbox } from "./outbox.js";
import { STRINGS } from "./strings.js";

// name of the address (#lines/...): the module that exports `Mode`, the role that it needs, and the count of the state
// without which it is not offered
const MODES = {
  lines: { module: "./lines.js" },
  page: { module: "./page.js" },
  fields: { module: "./fields.js", has: "fields" },
  read: { module: "./read.js" },
  models: { module: "./models.js", needs: "reviewer" },
  monitor: { module: "./monitor.js", needs: "reviewer" },
  effort: { module: "./effort-view.js" },
  search: { module: "./search.js" },
  exchange: { module: "./exchange.js", needs: "reviewer" },
  differences: { module: "./differences.js", needs: "reviewer" },
  people: { module: "./people.js", needs: "admin" },
  plates: { module: "./plates.js", has: "plates" },
};
const FIRST = "lines";
const RANKS = ["annotator", "reviewer", "admin"];

class Shell {
  constructor() {
    this.outbox = new Outbox((event, line, detail) => this.told(event, line, detail));
    this.history = new History(this);
    this.mode = null;
    this.turn = 0;
  }

  async begin() {
    this.state = await api.state();
    for (const [name, row] of Object.entries(MODES)) {
      if ((row.needs && !this.may(row.needs)) || (row.has && !this.state[row.has])) continue;
      get("modes").append(make("a", { href: `#${name}`, id: `to-${name}`, text: STRINGS.modes[name] }));
    }
    get("modes").hidden = get("modes").childElementCount < 2;
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("online", () => this.outbox.flush());
    window.addEventListener("hashchange", () => this.route());
    window.addEventListener("unhandledrejection", (event) => this.unheard(event));
    this.counted(this.state.done, this.state.total);
    await this.outbox.open(this.state.author);
    await this.route();
  }

  // Ctrl+K searches; Ctrl+H shows the history of what is in work, in every mode that has a `unit` ({id, direction}).
  key(event) {
    const unit = this.mode?.unit;
    if (event.key === "k" && event.ctrlKey) {
      event.preventDefault();
      location.hash = "search";
    } else if (event.key === "h" && event.ctrlKey && unit) {
      event.preventDefault();
      this.history.open(unit, (held) => this.mode?.restored?.(unit, held));
    } else this.mode?.key?.(event);
  }

  may(role) {
    return RANKS.indexOf(this.state.role) >= RANKS.indexOf(role);
  }

  // The address says which mode is open and what it shows: #page/notes/3
  async route() {
    const turn = ++this.turn;
    const [asked, ...places] = location.hash.slice(1).split("/").map(decodeURIComponent);
    const open = asked in MODES && (!MODES[asked].needs || this.may(MODES[asked].needs));
    const first = this.state.plates ? "plates" : this.state.fields ? "fields" : FIRST;
    const name = open ? asked : this.state.total ? FIRST : first;
    for (const link of get("modes").children) {
      if (link.id === `to-${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    await this.mode?.leave?.();
    this.mode = null;
    this.say("");
    const { Mode } = await api.reached(import(MODES[name].module));
    if (turn !== this.turn) return; // another place was asked for meanwhile
    const main = get("main");
    main.className = name;
    main.replaceChildren();
    get("tools").replaceChildren();
    this.mode = new Mode(this, main, get("tools"));
    await this.mode.open(...places);
  }

  // A request that failed and that no mode says anything of.
  unheard(event) {
    if (!(event.reason instanceof api.ApiError || event.reason instanceof api.Unreachable)) return;
    event.preventDefault();
    this.say(event.reason.message);
  }

  told(event, line, detail) {
    if (event === "waiting") {
      const late = kept.full ? STRINGS.full : STRINGS.waiting(detail);
      get("saved").textContent = detail ? late : STRINGS.saved;
      get("saved").classList.toggle("late", detail > 1 || kept.full);
    } else if (event === "barred") this.say(STRINGS.barred);
    else this.mode?.told?.(event, line, detail);
  }

  counted(done, total, count = STRINGS.count) {
    this.done = done;
    this.total = total;
    get("count").textContent = count(done, total);
    get("bar").setAttribute("aria-valuemax", total);
    get("bar").setAttribute("aria-valuenow", done);
    get("fill").style.width = `${total ? (100 * done) / total : 0}%`;
  }

  say(text) {
    get("note").textContent = text;
  }
}

const shell = new Shell();
shell.begin().catch((error) => shell.say(error.message));
