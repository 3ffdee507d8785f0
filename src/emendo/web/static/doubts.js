// Texts that are likely wrong: judged by the server in the background, shown with what a model reads instead.
import * as api from "./api.js";
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.doubts;
const LOOK = 1000;

export class Judging {
  constructor(shell) {
    this.shell = shell;
  }

  put() {
    this.told = make("output", { class: "judging", "aria-live": "polite" });
    this.knob = make("button", { type: "button", id: "judge", text: WORDS.start, hidden: true, onclick: () => this.start() });
    this.look();
    return make("span", { class: "doubts" }, this.knob, this.told);
  }

  async start() {
    await api.judge();
    this.look();
  }

  // Tells how far it is until it is done; stops when the bar is gone.
  async look(was = false) {
    const state = await api.doubts();
    this.knob.hidden = state.running || !this.shell.may("reviewer");
    this.told.textContent = state.running ? WORDS.running(state.done, state.total) : state.error || WORDS.open(state.open);
    if (state.running) setTimeout(() => this.told.isConnected && this.look(true), LOOK);
    else if (was && !state.error) this.shell.route();
  }
}

// Why the text of a line is doubted: the chance, and the reading with what the text has not.
export function doubtOf(doubt, direction) {
  const pieces = doubt.reading.map(([text, other]) => (other ? make("mark", { text }) : text));
  return [make("b", { text: WORDS.why(Math.round(doubt.wrong * 100), doubt.model) }), make("p", { dir: direction }, ...pieces)];
}
