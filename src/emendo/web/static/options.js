// What else could stand at an uncertain place of the field: asked of the server, listed, chosen by the arrow keys.
import * as api from "./api.js";
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

export class Options {
  constructor(list, field) {
    this.list = list;
    this.field = field;
    this.clear();
  }

  clear() {
    this.places = [];
    this.hide();
  }

  hide() {
    this.list.replaceChildren();
    this.options = [];
  }

  // One line is asked for at a time; when another one is in work by then, that one is asked for next.
  async load(card, current) {
    if (!card.characters.length || this.asking) return;
    this.asking = true;
    try {
      const found = await api.alternatives(card.id);
      if (current() === card) this.places = found;
    } catch {
      this.places = [];
    } finally {
      this.asking = false;
      if (current() && current() !== card) this.load(current(), current);
    }
  }

  // To the next uncertain character, and what else it could be.
  offer() {
    const at = this.field.nextUncertain();
    if (at < 0) return;
    this.options = this.places.find((place) => place.at === this.field.characters[at][2])?.options ?? [];
    this.chosen = -1;
    this.shown = this.field.characters[at][0];
    this.draw();
  }

  draw() {
    const rows = this.options.map(([text], number) =>
      make("li", { class: number === this.chosen ? "chosen" : null, text: text.trim() ? text : text ? "␣" : STRINGS.nothingThere }),
    );
    this.list.replaceChildren(...rows);
  }

  // Whether there was something to choose from.
  choose(step) {
    if (!this.options.length) return false;
    const count = this.options.length + 1;
    this.chosen = ((this.chosen + 1 + step + count) % count) - 1;
    const { options } = this;
    this.field.put(this.chosen < 0 ? this.shown : options[this.chosen][0]);
    this.options = options;
    this.draw();
    return true;
  }
}
