// The workspace for other programs, and what they made of it back.
import * as api from "./api.js";
import { get, make } from "./dom.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.exchange;

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    this.main = main;
  }

  async open() {
    const [{ forms }, { documents }] = await Promise.all([api.exchange(), api.filters()]);
    const form = make("select", { id: "form", onchange: () => this.describe() }, ...forms.map((value) => make("option", { value, text: WORDS.forms[value] ?? value })));
    const whole = make("option", { value: "", text: WORDS.everything });
    const which = make("select", { id: "which" }, whole, ...documents.map((value) => make("option", { value, text: value })));
    const save = make("button", { id: "save", type: "button", text: WORDS.download, onclick: () => this.download() });
    const file = make("input", { id: "file", type: "file", accept: ".zip,.json,.jsonl,.txt,.xml", onchange: () => this.upload(get("file").files[0]) });
    const drop = make(
      "label",
      { class: "drop", ondragover: (event) => this.over(event, true), ondragleave: (event) => this.over(event, false), ondrop: (event) => this.dropped(event) },
      make("span", { text: WORDS.drop }),
      file,
    );
    this.main.append(
      make("section", { "aria-labelledby": "out" }, make("h2", { id: "out", text: WORDS.out }), make("p", { text: WORDS.outWhat }),
        make("div", { class: "row" }, make("label", { text: WORDS.form }, form), make("p", { id: "about", class: "soft" }),
          make("label", { text: WORDS.which }, which), save)),
      make("section", { "aria-labelledby": "in" }, make("h2", { id: "in", text: WORDS.in }), make("p", { text: WORDS.inWhat }), drop,
        make("div", { id: "result", role: "status", "aria-live": "polite" })),
    );
    this.describe();
  }

  describe() {
    get("about").textContent = WORDS.about[get("form").value] ?? "";
  }

  async download() {
    const knob = get("save");
    knob.disabled = true;
    this.shell.say(WORDS.packing);
    try {
      const { blob, name, left } = await api.exported(get("form").value, get("which").value);
      const link = make("a", { href: URL.createObjectURL(blob), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      this.shell.say(left ? WORDS.leftOut(left) : WORDS.packed(name));
    } catch (error) {
      this.shell.say(error.message);
    } finally {
      knob.disabled = false;
    }
  }

  over(event, inside) {
    event.preventDefault();
    event.currentTarget.classList.toggle("over", inside);
  }

  dropped(event) {
    this.over(event, false);
    this.upload(event.dataTransfer.files[0]);
  }

  async upload(file) {
    if (!file) return;
    const result = get("result");
    result.replaceChildren(make("p", { text: WORDS.taking(file.name) }));
    try {
      const done = await api.imported(file);
      result.replaceChildren(...done.told.map((text) => make("p", { text })), ...this.failures(done.failures));
    } catch (error) {
      result.replaceChildren(make("p", { class: "bad", text: error.message }));
    } finally {
      get("file").value = "";
    }
  }

  failures(sentences) {
    if (!sentences.length) return [];
    return [make("p", { class: "bad", text: WORDS.failed(sentences.length) }), make("ul", {}, ...sentences.map((text) => make("li", { text })))];
  }
}
