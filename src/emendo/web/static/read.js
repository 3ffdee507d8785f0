// A document in, its text out: sent as it is, read by the server, its lines shown over the picture of the page.
import * as api from "./api.js";
import { get, make, shape } from "./dom.js";
import { STRINGS } from "./strings.js";
import { truthCard } from "./truth.js";

const WORDS = STRINGS.read;
const SOON = 700;
const KINDS = ".pdf,.png,.jpg,.jpeg,.tif,.tiff,.webp";

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    main.append(make("div", { class: "sheet" }, this.sending(), make("section", { id: "documents", "aria-label": WORDS.documents }), make("section", { id: "result", hidden: true, "aria-labelledby": "result-title" })));
  }

  sending() {
    const file = make("input", { type: "file", id: "file", accept: KINDS, multiple: true, class: "hidden-input" });
    file.addEventListener("change", () => {
      this.send([...file.files]);
      file.value = "";
    });
    const keep = make("input", { type: "checkbox", id: "keep" });
    const box = make(
      "div",
      { class: "card drop", id: "drop" },
      file,
      make("label", { for: "file", class: "button main", text: WORDS.choose }),
      make("span", { class: "soft", text: WORDS.drop }),
    );
    if (this.shell.may("reviewer")) box.append(make("label", { class: "keep" }, keep, make("span", { text: WORDS.keep })));
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
      box.addEventListener(kind, (event) => {
        event.preventDefault();
        box.classList.toggle("over", kind === "dragenter" || kind === "dragover");
        if (kind === "drop") this.send([...event.dataTransfer.files]);
      });
    }
    return box;
  }

  async open(key, page) {
    this.document = key;
    this.page = Math.max(1, Number(page) || 1);
    await this.list();
    if (key) await this.show();
  }

  async send(files) {
    const faults = [];
    for (const file of files) {
      this.shell.say(WORDS.sending(file.name));
      try {
        if (file.size > this.most) throw new Error(WORDS.tooLarge(file.name, this.most));
        const query = new URLSearchParams({ name: file.name, keep: Boolean(get("keep")?.checked) });
        const taken = await api.asked(`/api/documents?${query}`, { method: "POST", body: file });
        this.wanted = taken.id;
      } catch (error) {
        faults.push(error.message);
      }
    }
    this.shell.say(faults.join(" "));
    await this.list();
  }

  // The documents so far; while one waits or is read, asked again and again.
  async list() {
    if (this.gone) return;
    clearTimeout(this.timer);
    const found = await api.asked("/api/documents");
    if (this.gone) return;
    this.most = found.most_bytes;
    this.draw(found.documents);
    const done = found.documents.find((one) => one.id === this.wanted);
    if (done?.state === "read") {
      this.wanted = null;
      this.shell.say(WORDS.done(done.name));
      location.hash = `#read/${done.id}/1`;
    }
    if (found.documents.some((one) => one.state === "waiting" || one.state === "reading")) {
      this.timer = setTimeout(() => this.list(), SOON);
    }
  }

  // Drawn anew only when something changed; what had the focus keeps it.
  draw(documents) {
    const state = JSON.stringify([documents, this.document]);
    if (state === this.drawn) return;
    this.drawn = state;
    const held = document.activeElement?.getAttribute("aria-label");
    const rows = documents.map((one) => this.row(one));
    get("documents").replaceChildren(...(rows.length ? [make("ul", { class: "rows card" }, ...rows)] : []));
    if (held) [...get("documents").querySelectorAll("[aria-label]")].find((one) => one.getAttribute("aria-label") === held)?.focus();
  }

  row(one) {
    const parts = [make("b", {}, make("bdi", { text: one.name })), make("span", { class: one.state === "failed" ? "tag bad" : "tag quiet", text: WORDS.states[one.state] })];
    const told = one.state === "failed" ? one.fault : WORDS.told(one);
    const below = [make("p", { class: "soft", text: one.notice ? `${told} ${one.notice}` : told })];
    if (one.state === "reading") {
      const bar = make("div", { class: "progress wide", role: "progressbar", "aria-label": WORDS.states.reading, "aria-valuemax": one.expected, "aria-valuenow": one.done }, make("span"));
      bar.firstElementChild.style.width = `${one.expected ? (100 * one.done) / one.expected : 3}%`;
      below.push(bar);
    }
    return make(
      "li",
      { class: one.id === this.document ? "chosen" : "" },
      make("div", {}, ...parts, ...below),
      make("a", { class: "button", href: `#read/${one.id}/1`, text: WORDS.open, "aria-label": `${WORDS.open}: ${one.name}`, hidden: one.state !== "read" }),
      make("button", { type: "button", text: WORDS.remove, "aria-label": `${WORDS.remove}: ${one.name}`, hidden: one.state === "reading", onclick: () => this.remove(one.id) }),
    );
  }

  async remove(key) {
    try {
      await api.asked(`/api/documents/${key}`, { method: "DELETE" });
    } catch (error) {
      this.shell.say(error.message);
    }
    if (key === this.document) location.hash = "#read";
    else await this.list();
  }

  async show() {
    const base = `/api/documents/${encodeURIComponent(this.document)}`;
    let lines;
    try {
      this.shown = await api.asked(base);
      lines = await api.asked(`${base}/pages/${this.page}`);
    } catch (error) {
      this.shell.say(error.message);
      return;
    }
    if (this.gone) return;
    const [width, height] = lines[0]?.size ?? [1, 1];
    const layer = shape("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    const list = make("ol", { class: "text", id: "read-lines" });
    lines.forEach((line, number) => this.line(line, number, layer, list));
    const figure = make("figure", { id: "read-page" }, make("img", { src: `${base}/pages/${this.page}/image`, alt: WORDS.page(this.page, this.shown.pages) }), layer);
    const over = make("input", { type: "checkbox", id: "over" });
    over.addEventListener("change", () => figure.classList.toggle("over", over.checked));
    const step = (by, text) => {
      const to = this.page + by;
      const there = to >= 1 && to <= this.shown.pages;
      return make("a", { class: "button", href: there ? `#read/${this.document}/${to}` : null, "aria-disabled": there ? null : "true", text });
    };
    get("result").replaceChildren(
      make("h2", { id: "result-title" }, make("bdi", { text: this.shown.name })),
      make(
        "p",
        { class: "row" },
        ...(this.shown.pages > 1 ? [step(-1, WORDS.before), make("span", { text: WORDS.page(this.page, this.shown.pages) }), step(1, WORDS.next)] : []),
        make("label", {}, over, make("span", { text: WORDS.over })),
        make("span", { class: "space" }),
        make("a", { class: "button main", id: "get-text", href: `${base}/text`, download: "", text: WORDS.text }),
        make("a", { class: "button", id: "get-xml", href: `${base}/pages/${this.page}/xml`, download: "", text: WORDS.xml, hidden: !lines.length }),
      ),
      lines.length ? make("div", { class: "beside" }, figure, list) : make("div", {}, make("p", { text: WORDS.empty }), figure),
      truthCard(this.shown, this.page, (text) => this.shell.say(text)),
    );
    get("result").hidden = false;
  }

  // A line in the list and its outline on the picture light up together.
  line(line, number, layer, list) {
    const outline = shape("polygon", { points: line.polygon.map((point) => point.join(",")).join(" ") });
    const xs = line.polygon.map(([x]) => x);
    const ys = line.polygon.map(([, y]) => y);
    const [left, top, right, bottom] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    const words = shape("text", { x: line.direction === "rtl" ? right : left, y: bottom - (bottom - top) * 0.18, "font-size": bottom - top, textLength: right - left, lengthAdjust: "spacingAndGlyphs", direction: line.direction });
    words.textContent = line.text;
    layer.append(outline, words);
    const row = make("li", { tabindex: "0", dir: line.direction, text: line.text || " ", title: WORDS.sure(line.confidence) });
    const light = (on) => () => {
      outline.classList.toggle("chosen", on);
      row.classList.toggle("chosen", on);
    };
    for (const element of [row, outline]) {
      element.addEventListener("pointerenter", light(true));
      element.addEventListener("pointerleave", light(false));
    }
    row.addEventListener("focus", () => {
      light(true)();
      outline.scrollIntoView({ block: "nearest" });
    });
    row.addEventListener("blur", light(false));
    row.addEventListener("keydown", (event) => {
      const to = event.key === "ArrowDown" ? row.nextElementSibling : event.key === "ArrowUp" ? row.previousElementSibling : null;
      if (!to) return;
      event.preventDefault();
      to.focus();
    });
    outline.addEventListener("click", () => list.children[number].focus());
    list.append(row);
  }

  leave() {
    this.gone = true;
    clearTimeout(this.timer);
  }
}
