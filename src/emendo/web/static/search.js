// Search in all text: the lines as pictures with the match marked. Enter opens a line, and saving goes on to the next hit.
import * as api from "./api.js";
import { get, make } from "./dom.js";
import { addressOf } from "./filters.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.search;
const CHUNK = 30;
const PAUSE = 120;

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    this.asked = 0;
    this.shown = 0;
    const input = make("input", {
      id: "query", type: "search", maxlength: 400, dir: "auto", spellcheck: "false", autocomplete: "off",
      placeholder: WORDS.placeholder, "aria-label": WORDS.title, "aria-controls": "hits", oninput: () => this.typed(),
    });
    const more = make("button", { id: "more", type: "button", text: WORDS.more, hidden: true, onclick: () => this.more() });
    const hits = make("ol", { id: "hits", class: "hits", "aria-label": WORDS.hits });
    main.append(make("div", { class: "ask" }, input, make("output", { id: "found", "aria-live": "polite" })), hits, more);
  }

  async open(query = "") {
    get("query").value = query;
    get("query").focus();
    await this.find();
  }

  typed() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.find(), PAUSE);
  }

  async find() {
    const query = get("query").value;
    const turn = ++this.asked;
    history.replaceState(null, "", `#search${query ? `/${encodeURIComponent(query)}` : ""}`);
    const found = await api.search(query, 0, query.trim() ? CHUNK : 0);
    if (turn !== this.asked || this.gone) return;
    this.query = query;
    this.shown = 0;
    get("hits").replaceChildren();
    this.add(found);
    get("found").textContent = query.trim() ? WORDS.count(found.total) : WORDS.help;
  }

  async more() {
    const turn = this.asked;
    const found = await api.search(this.query, this.shown, CHUNK);
    if (turn !== this.asked || this.gone) return;
    const first = this.shown;
    this.add(found);
    get("hits").children[first]?.firstElementChild.focus();
  }

  add(found) {
    get("hits").append(...found.hits.map((hit) => this.hit(hit)));
    this.shown += found.hits.length;
    get("more").hidden = this.shown >= found.total;
  }

  hit(hit) {
    const pieces = hit.text.map(([text, match]) => (match ? make("mark", { text }) : text));
    const href = addressOf("document", { verdict: "any", text: this.query }, hit.id);
    return make(
      "li",
      {},
      make(
        "a",
        { href, dir: hit.direction },
        make("img", { src: api.imageOf(hit.id), alt: "", loading: "lazy" }),
        make("span", { class: "text" }, ...pieces),
        make("span", { class: "where", dir: "ltr", text: WORDS.where(hit) }),
      ),
    );
  }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    const links = [...get("hits").querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const typing = document.activeElement === get("query");
    if (event.key === "ArrowDown" && (typing || at >= 0)) this.focus(event, links[at + 1] ?? get("more"));
    else if (event.key === "ArrowUp" && at >= 0) this.focus(event, links[at - 1] ?? get("query"));
    else if (event.key === "Enter" && typing) this.focus(event, links[0]);
    else if (event.key === "Escape" && at >= 0) this.focus(event, get("query"));
  }

  focus(event, element) {
    event.preventDefault();
    element?.focus();
  }

  leave() {
    clearTimeout(this.pause);
    this.gone = true;
  }
}
