// Who the people are: an admin lets them in, gives roles, and keeps them out.
import * as api from "./api.js";
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

const ROLES = ["annotator", "reviewer", "admin"];
const S = STRINGS.people;

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    this.name = make("input", { id: "new-name", maxlength: "64", required: true, autocomplete: "off", placeholder: S.name });
    this.role = this.roles("annotator", S.role);
    const add = make("form", { class: "join", onsubmit: (event) => this.join(event) }, make("label", { for: "new-name", text: S.join }), this.name, this.role, make("button", { text: S.add }));
    this.token = make("section", { class: "token", role: "status", hidden: true });
    this.rows = make("tbody");
    const head = make("tr", {}, ...S.columns.map((text) => make("th", { scope: "col", text })));
    const table = make("table", {}, make("caption", { text: S.title }), make("thead", {}, head), this.rows);
    main.append(add, this.token, make("div", { class: "scroll" }, table), ...[S.may, S.owner].map((text) => make("p", { class: "hint", text })));
  }

  roles(chosen, label, properties = {}) {
    const options = ROLES.map((value) => make("option", { value, text: S.roles[value], selected: value === chosen }));
    return make("select", { "aria-label": label, ...properties }, ...options);
  }

  async open() {
    const { people, in_work: work } = await api.people();
    const rows = people.map((one) => this.row(one, work[one.name] ?? 0));
    this.rows.replaceChildren(...(rows.length ? rows : [make("tr", {}, make("td", { colspan: S.columns.length, text: S.nobody }))]));
    if (!this.opened) this.name.focus();
    this.opened = true;
  }

  row(one, work) {
    const own = one.name === this.shell.state.author;
    const change = (more) => this.act(() => api.changePerson({ name: one.name, ...more }));
    const role = this.roles(one.role, S.roleOf(one.name), { disabled: own, onchange: (event) => change({ role: event.target.value }) });
    const button = (text, act) => make("button", { type: "button", text, "aria-label": `${text}: ${one.name}`, onclick: act });
    const actions = [button(S.renew, () => this.act(async () => this.tell(one.name, (await api.renewPerson(one.name)).token)))];
    if (!own) {
      actions.unshift(button(one.active ? S.disable : S.enable, () => change({ active: !one.active })));
      actions.push(button(S.remove, () => confirm(S.sure(one.name)) && this.act(() => api.removePerson(one.name))));
    }
    return make(
      "tr",
      { class: one.active ? null : "out" },
      make("th", { scope: "row", text: one.name }),
      make("td", {}, role),
      make("td", { text: one.active ? S.active : S.out }),
      make("td", { text: String(work) }),
      make("td", { text: new Date(one.since).toLocaleDateString() }),
      make("td", { class: "actions" }, ...actions),
    );
  }

  async act(what) {
    this.shell.say("");
    try {
      await what();
    } catch (error) {
      this.shell.say(error.message);
    }
    await this.open();
  }

  join(event) {
    event.preventDefault();
    const name = this.name.value.trim();
    this.act(async () => {
      this.tell(name, (await api.addPerson(name, this.role.value)).token);
      this.name.value = "";
    });
  }

  // The address is shown once: the server keeps only a hash of the token.
  tell(name, token) {
    const address = `${location.origin}/?token=${encodeURIComponent(token)}`;
    const shown = make("input", { class: "address", readonly: true, value: address, "aria-label": S.addressOf(name) });
    const copy = make("button", { type: "button", text: S.copy, onclick: () => this.copy(shown) });
    const close = make("button", { type: "button", text: S.close, onclick: () => this.token.replaceChildren() || (this.token.hidden = true) });
    this.token.replaceChildren(make("p", { text: S.once(name) }), make("div", { class: "row" }, shown, copy, close));
    this.token.hidden = false;
    shown.focus();
    shown.select();
  }

  async copy(shown) {
    shown.select();
    const done = await navigator.clipboard?.writeText(shown.value).then(() => true, () => false);
    if (done || document.execCommand("copy")) this.shell.say(S.copied);
  }
}
