// What was filled in ahead of the person: how sure each field is, which one to look at next, what else could stand there.
import * as api from "./api.js";
import { make } from "./dom.js";
import { drafts } from "./outbox.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.fields;
const LOOK = 1000; // milliseconds between two looks whether the document at hand has been filled in
const AHEAD = 3;
const MOST = 20; // documents in one request

// A value as text; `path` is a name, or table.row.column.
function valueAt(fields, path) {
  const [table, row, column] = path.split(".");
  return String((column ? fields[table]?.[row]?.[column] : fields[table]) ?? "");
}

export class Prefill {
  // `did` has took(value, source) for a value that was chosen from those offered.
  constructor(unsure, did) {
    this.unsure = unsure;
    this.did = did;
    this.offer = make("div", { class: "offer", role: "group", "aria-label": WORDS.offered });
    this.card = null;
  }

  // Another document: nothing of it has been looked at yet.
  show(card, form) {
    this.card = card;
    this.form = form;
    this.seen = new Set();
    this.findings = [];
    this.offer.remove();
    this.before = new Map(Object.keys(card.sure).map((path) => [path, valueAt(card.fields, path)]));
    this.mark();
  }

  get active() {
    return Boolean(this.card?.model) && !this.card.given && !this.card.version;
  }

  // How sure a field is as it stands; null where a person has changed it since, or nothing is known of it.
  sureOf(path) {
    if (!this.active || !(path in this.card.sure) || !this.before.get(path)) return null;
    return this.form.value(path) === this.before.get(path) ? this.card.sure[path] : null;
  }

  // Whether a person should look: it is unsure, does not fit, or is missing.
  doubtful(path) {
    if (!this.active || this.seen.has(path)) return false;
    const sure = this.sureOf(path);
    return (sure !== null && sure < this.unsure) || this.findings.some(({ severity, paths }) => severity !== "warning" && paths[0] === path);
  }

  get doubts() {
    return this.form.paths.filter((path) => this.doubtful(path));
  }

  // The next field to look at after `path`, going round once; null where none is left.
  next(path) {
    const { paths } = this.form;
    const at = paths.indexOf(path);
    const found = [...paths.slice(at + 1), ...paths.slice(0, Math.max(at, 0))].find((one) => this.doubtful(one));
    return found ?? null;
  }

  look(path) {
    if (path) this.seen.add(path);
    this.mark();
  }

  checked(findings) {
    this.findings = findings;
    this.mark();
  }

  mark() {
    if (!this.form) return;
    const learnt = new Set(this.active ? this.card.learnt : []);
    for (const path of this.form.paths) {
      const sure = this.sureOf(path);
      this.form.tell(path, {
        doubt: this.doubtful(path),
        text: sure === null ? "" : WORDS.sure(sure, learnt.has(path)),
        shown: sure !== null && (sure < this.unsure || learnt.has(path)) ? WORDS.sureShort(sure, learnt.has(path)) : "",
      });
    }
  }

  // What else could stand in the field at hand.
  focused(path) {
    this.offer.remove();
    const others = this.active ? (this.card.others[path] ?? []) : [];
    this.others = others.filter(([value]) => value !== this.form.value(path));
    if (!this.others.length || this.sureOf(path) === null) return;
    const buttons = this.others.map(([value], at) =>
      make("button", { type: "button", tabindex: "-1", text: value, title: `Alt+${at + 1}`, onmousedown: (event) => event.preventDefault(), onclick: () => this.choose(at) }, make("kbd", { text: `Alt+${at + 1}` })),
    );
    this.offer.replaceChildren(make("span", { text: WORDS.or }), ...buttons);
    this.form.beside(path, this.offer);
  }

  choose(at) {
    if (!this.offer.isConnected || !this.others[at]) return false;
    const [value, page, ...box] = this.others[at];
    this.did.took(value, { page, box });
    return true;
  }
}

// What is filled in, or learnt, while documents are looked at: shown as long as the person has said nothing of them;
// where the person typed before anything was filled in, the rest is.
export class Ahead {
  // `mode` has cards, at, card, form, shown (the fields as they were shown), learning, and show().
  constructor(mode) {
    this.mode = mode;
    this.timer = setInterval(() => this.look(), LOOK);
  }

  // At the documents that are still to be filled in; `all`: at all that come, for a correction may have changed them.
  async look(all = false) {
    this.all ||= all;
    if (this.looking || document.hidden) return;
    const wanted = this.wanted(this.all);
    this.all = false;
    if (!wanted.length) return;
    this.looking = true;
    const found = await api.fieldCards(wanted.map(([, card]) => card.id)).catch(() => null);
    this.looking = false;
    if (found && !this.ended) this.take(wanted, found);
    if (this.all) this.look();
  }

  wanted(all) {
    const { cards, at } = this.mode;
    return [...cards].filter(([place, card]) => place >= at && !card.version && (all || (card.comes && place < at + AHEAD))).slice(0, MOST);
  }

  take(wanted, found) {
    const { mode } = this;
    mode.learning.textContent = WORDS.learning(found.prefill);
    const news = new Map(found.documents.map((card) => [card.id, card]));
    for (const [place, old] of wanted) {
      const card = news.get(old.id);
      const same = !card || card.version || (card.reading === old.reading && card.comes === old.comes);
      if (same || old.version || mode.cards.get(place) !== old) continue;
      const typed = old === mode.card && this.touched(old);
      if (typed && (!old.comes || mode.form.composing)) continue;
      mode.cards.set(place, Object.assign(card, { picture: old.picture, first: old.first }));
      if (place === mode.at) mode.show(typed ? mode.form.caret : null);
    }
  }

  touched(card) {
    return Boolean(drafts.get(card.id)) || JSON.stringify(this.mode.form.fields) !== this.mode.shown;
  }

  end() {
    this.ended = true;
    clearInterval(this.timer);
  }
}
