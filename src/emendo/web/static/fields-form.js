// The form of field mode: one entry a field, a table where there are rows. It holds what stands in it and where each
// value came from; what it means is told by the server.
import { get, make } from "./dom.js";
import { kept } from "./kept.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.fields;
const MORE = "emendo:fields:more";
const FEW = new Set(["seller", "seller_address", "number", "date", "currency", "lines", "net", "tax", "total", "rounding", "discount"]);
const FEW_COLUMNS = new Set(["description", "quantity", "unit_price", "amount", "rate", "base"]);
const RIGHT = new Set(["money", "price", "number", "rate"]);
const TYPES = ["", "invoice", "receipt", "credit_note"];

const copy = (value) => JSON.parse(JSON.stringify(value ?? {}));
const idOf = (path) => `field-${path.replaceAll(".", "-")}`;

export class Form {
  // `spec` is the server's; `did` has changed(), focused(path, source) and sentences are shown by `mark`.
  constructor(spec, did) {
    this.spec = spec;
    this.did = did;
    this.kinds = new Map(spec.regions.flatMap(({ fields }) => fields.map(({ name, kind }) => [name, kind])));
    this.more = Boolean(kept.get(MORE));
    this.data = {};
    this.undone = [];
    this.element = make("form", { class: "entries", id: "entries", "aria-label": WORDS.form, autocomplete: "off", novalidate: true });
    this.element.addEventListener("submit", (event) => event.preventDefault());
    this.element.addEventListener("focusin", (event) => this.focused(event.target));
    this.element.addEventListener("input", (event) => this.typed(event.target));
    for (const [kind, on] of [["compositionstart", true], ["compositionend", false]]) this.element.addEventListener(kind, () => (this.composing = on));
    this.element.addEventListener("change", () => (this.before = copy(this.data)));
  }

  // ---- what stands in it
  show(fields) {
    this.data = copy(fields);
    for (const table of Object.keys(this.spec.tables)) this.data[table] ??= [];
    this.undone = [];
    this.at = null;
    this.draw();
  }

  // As JSON values, without rows in which nothing stands.
  get fields() {
    const found = {};
    for (const [name, value] of Object.entries(this.data)) {
      if (name in this.spec.tables) found[name] = value.filter((row) => Object.keys(row).some((key) => key !== "sources" && row[key]));
      else if (value !== "") found[name] = value;
    }
    for (const table of Object.keys(this.spec.tables)) if (!found[table].length) delete found[table];
    return found;
  }

  // The place of a path in the data: its holder, and its name in it.
  holder(path) {
    const parts = path.split(".");
    return parts.length === 3 ? [this.data[parts[0]][parts[1]], parts[2]] : [this.data, path];
  }

  value(path) {
    const [holder, name] = this.holder(path);
    return holder?.[name] ?? "";
  }

  sourceOf(path) {
    const [holder, name] = this.holder(path);
    return holder?.sources?.[name] ?? null;
  }

  kindOf(path) {
    const parts = path.split(".");
    if (parts.length < 3) return this.kinds.get(path);
    return this.spec.tables[parts[0]].find(({ name }) => name === parts[2]).kind;
  }

  labelOf(path) {
    const [table, row, column] = path.split(".");
    if (column) return WORDS.cell(WORDS.columns[column] ?? column, Number(row) + 1);
    const region = this.spec.regions.find(({ fields }) => fields.some(({ name }) => name === table));
    const label = WORDS.labels[table] ?? table;
    return /^(seller|buyer)/.test(table) ? WORDS.regionField(WORDS.regions[region.name], label) : label;
  }

  put(path, text, source) {
    const [holder, name] = this.holder(path);
    holder[name] = text;
    holder.sources = { ...holder.sources };
    if (source) holder.sources[name] = source;
    else delete holder.sources[name];
  }

  // ---- drawing
  draw(focus = this.at) {
    const regions = this.spec.regions.map((region) => this.region(region)).filter(Boolean);
    const label = this.more ? WORDS.fewer : WORDS.more;
    const knob = make("button", { type: "button", id: "more", text: label, "aria-expanded": String(this.more), onclick: () => this.toggle() });
    const known = new Set([...this.kinds.keys(), "sources", "schema"]);
    const extras = Object.keys(this.data).filter((name) => !known.has(name)).length;
    const note = extras ? [make("span", { class: "extras", text: WORDS.extra(extras) })] : [];
    this.element.replaceChildren(...regions, make("div", { class: "below" }, knob, ...note));
    this.grow();
    if (focus) this.focus(focus);
  }

  toggle() {
    this.more = !this.more;
    kept.set(MORE, this.more);
    this.draw(null);
    this.did.changed();
    get("more").focus();
  }

  region({ name, fields }) {
    const shown = fields.filter((field) => this.more || FEW.has(field.name) || (field.kind === "table" ? this.data[field.name].length : this.value(field.name)));
    if (!shown.length) return null;
    const entries = shown.map((field) => (field.kind === "table" ? this.table(field.name) : this.entry(field)));
    return make("fieldset", { class: name }, make("legend", { text: WORDS.regions[name] ?? name }), ...entries);
  }

  entry({ name, kind }) {
    const label = make("label", { for: idOf(name), text: WORDS.labels[name] ?? name });
    const sure = make("span", { class: "sure", id: `${idOf(name)}-sure` });
    const normal = make("span", { class: "normal", id: `${idOf(name)}-normal` });
    return make("div", { class: `entry ${kind}` }, label, this.control(name, kind), make("span", { class: "told" }, normal, sure));
  }

  control(path, kind) {
    const about = { id: idOf(path), "data-path": path, "aria-label": this.labelOf(path) };
    if (kind === "choice") {
      const options = TYPES.map((one) => make("option", { value: one, text: one.replace("_", " "), selected: one === this.value(path) }));
      return make("select", about, ...options);
    }
    const typing = { spellcheck: "false", autocapitalize: "off", autocorrect: "off", dir: "auto" };
    const control = kind === "block" ? make("textarea", { ...about, ...typing, rows: 1 }) : make("input", { ...about, ...typing, class: RIGHT.has(kind) ? "figures" : null });
    control.value = String(this.value(path));
    return control;
  }

  table(table) {
    const rows = this.data[table];
    const columns = this.spec.tables[table].filter(({ name }) => this.more || FEW_COLUMNS.has(name) || rows.some((row) => row[name]));
    const heads = columns.map(({ name, kind }) => make("th", { scope: "col", text: WORDS.columns[name] ?? name, class: RIGHT.has(kind) ? "figures" : name }));
    const body = rows.map((_, at) => {
      const cells = columns.map(({ name, kind }) => make("td", { class: name }, this.control(`${table}.${at}.${name}`, kind), make("span", { class: "normal", id: `${idOf(`${table}.${at}.${name}`)}-normal` })));
      const remove = make("button", { type: "button", tabindex: "-1", text: "×", "aria-label": WORDS.removeRow(at + 1), title: WORDS.removeRow(at + 1), onclick: () => this.remove(table, at) });
      return make("tr", {}, ...cells, make("td", { class: "remove" }, remove));
    });
    const add = make("button", { type: "button", class: "add", id: `add-${table}`, text: WORDS.add, title: WORDS.addKeys, onclick: () => this.add(table, rows.length) });
    const parts = rows.length ? [make("table", {}, make("thead", {}, make("tr", {}, ...heads, make("td", {}))), make("tbody", {}, ...body))] : [];
    return make("div", { class: "rows" }, ...parts, add);
  }

  grow() {
    for (const area of this.element.querySelectorAll("textarea")) {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight + 2}px`;
    }
  }

  // ---- what was filled in ahead
  get paths() {
    return [...this.element.querySelectorAll("[data-path]")].map((control) => control.dataset.path);
  }

  // Where the values of a page were taken from.
  sources(page) {
    const found = this.paths.map((path) => ({ path, source: this.value(path) ? this.sourceOf(path) : null }));
    return found.filter(({ source }) => source?.page === page).map(({ path, source }) => ({ path, box: source.box }));
  }

  // How sure a field is: `doubt` marks it, `text` says it, `shown` stands beside its name.
  tell(path, { doubt, text, shown }) {
    const control = get(idOf(path));
    control.classList.toggle("shaky", doubt);
    control.title = text;
    const beside = get(`${idOf(path)}-sure`);
    if (beside) beside.textContent = shown;
  }

  beside(path, element) {
    get(idOf(path))?.parentElement.append(element);
  }

  // ---- focus
  focus(path) {
    const control = get(idOf(path)) ?? this.element.querySelector("[data-path]");
    control?.focus();
    control?.select?.();
    if (control) control.scrollLeft = 0; // the beginning of a long value says more than its end
  }

  // Where the person is typing; null where the focus is in no field.
  get caret() {
    const control = document.activeElement;
    return control?.dataset?.path ? { path: control.dataset.path, selection: [control.selectionStart, control.selectionEnd] } : null;
  }

  // And there again, after the fields were drawn anew.
  back({ path, selection }) {
    const control = get(idOf(path));
    control?.focus();
    control?.setSelectionRange?.(...selection);
  }

  first(path = null) {
    const controls = [...this.element.querySelectorAll("[data-path]")];
    if (path) this.focus(path);
    else (controls.find((control) => !control.value) ?? controls[0])?.focus();
  }

  focused(control) {
    const { path } = control.dataset;
    if (!path) return;
    this.at = path;
    this.before = copy(this.data);
    this.did.focused(path, this.sourceOf(path));
  }

  typed(control) {
    const { path } = control.dataset;
    if (!path) return;
    if (this.before) this.keep(this.before);
    this.before = null;
    // what is typed over is no longer what stood there
    const source = control.value ? this.sourceOf(path) : null;
    this.put(path, control.value, source);
    if (control.tagName === "TEXTAREA") this.grow();
    this.did.changed();
  }

  // ---- changes of the whole, each of which can be taken back
  keep(before) {
    this.undone.push({ data: before, at: this.at });
    if (this.undone.length > 200) this.undone.shift();
  }

  change(act, focus) {
    this.keep(copy(this.data));
    act();
    this.draw(focus);
    this.did.changed();
  }

  take(path, text, source) {
    this.change(() => this.put(path, text, source), path);
  }

  add(table, at) {
    const column = this.spec.tables[table].find(({ name }) => FEW_COLUMNS.has(name)).name;
    this.change(() => this.data[table].splice(at, 0, {}), `${table}.${at}.${column}`);
  }

  remove(table, at) {
    const left = this.data[table].length - 1;
    const column = this.at?.split(".")[2] ?? "description";
    this.change(() => this.data[table].splice(at, 1), left ? `${table}.${Math.min(at, left - 1)}.${column}` : null);
    if (!left) get(`add-${table}`)?.focus();
  }

  // The row in which the focus is: its table, its place and the column; null outside of tables.
  get row() {
    const parts = document.activeElement?.dataset?.path?.split(".") ?? [];
    return parts.length === 3 ? { table: parts[0], at: Number(parts[1]), column: parts[2] } : null;
  }

  addHere() {
    const { row } = this;
    this.add(row?.table ?? "lines", row ? row.at + 1 : this.data.lines.length);
  }

  removeHere() {
    if (this.row) this.remove(this.row.table, this.row.at);
  }

  move(step) {
    const { row } = this;
    const to = row ? row.at + step : -1;
    if (to < 0 || to >= this.data[row.table].length) return;
    this.change(() => {
      const [moved] = this.data[row.table].splice(row.at, 1);
      this.data[row.table].splice(to, 0, moved);
    }, `${row.table}.${to}.${row.column}`);
  }

  // To the same column of the row above or below.
  go(step) {
    const { row } = this;
    if (!row || !get(idOf(`${row.table}.${row.at + step}.${row.column}`))) return false;
    this.focus(`${row.table}.${row.at + step}.${row.column}`);
    return true;
  }

  undo() {
    const last = this.undone.pop();
    if (!last) return false;
    this.data = last.data;
    this.draw(last.at);
    this.did.changed();
    return true;
  }

  // ---- what the server says of it
  mark({ values, findings }) {
    const bad = new Map();
    findings.forEach((one, at) => {
      for (const path of one.paths) if (one.severity !== "missing" || !bad.has(path)) bad.set(path, [one.severity, at]);
    });
    for (const control of this.element.querySelectorAll("[data-path]")) {
      const { path } = control.dataset;
      const [severity, at] = bad.get(path) ?? [];
      control.classList.toggle("bad", severity === "error");
      control.classList.toggle("unsure", severity === "warning");
      control.classList.toggle("lacks", severity === "missing");
      control.setAttribute("aria-invalid", String(severity === "error"));
      if (at === undefined) control.removeAttribute("aria-describedby");
      else control.setAttribute("aria-describedby", severity === "error" ? `finding-${at}` : "findings");
      const parts = path.split(".");
      const kept = parts.length === 3 ? values[parts[0]]?.[this.placeOf(parts[0], Number(parts[1]))]?.[parts[2]] : values[path];
      const shown = kept !== undefined && String(kept) !== control.value.trim() && control.tagName !== "TEXTAREA" ? WORDS.normal(kept) : "";
      const hint = get(`${idOf(path)}-normal`);
      if (hint) hint.textContent = shown;
    }
  }

  // Rows in which nothing stands are not sent: the place of a row among those that are.
  placeOf(table, at) {
    const filled = (row) => Object.keys(row).some((key) => key !== "sources" && row[key]);
    return filled(this.data[table][at]) ? this.data[table].slice(0, at).filter(filled).length : -1;
  }

  // And back: a path of what was sent, as it stands in the form.
  shownPath(path) {
    const [table, at, column] = path.split(".");
    if (!column) return path;
    const filled = this.data[table].flatMap((row, place) => (Object.keys(row).some((key) => key !== "sources" && row[key]) ? [place] : []));
    return `${table}.${filled[Number(at)] ?? at}.${column}`;
  }
}
