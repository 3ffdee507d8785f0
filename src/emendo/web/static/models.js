// Training, the models, and how old and new read the same lines. The server decides what may be put in use.
import * as api from "./api.js";
import { get, make } from "./dom.js";
import { documentTotals, moved } from "./judged-documents.js";
import { marked } from "./marked.js";
import { plot } from "./plot.js";
import { STRINGS } from "./strings.js";

const WORDS = STRINGS.models;
const BUSY = new Set(["running", "stopping"]);
const SOON = 1500;
const LATER = 5000;

const percent = (share) => `${(100 * share).toFixed(2)} %`;
const points = (share) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(2)}`.replace("-", "−");
const day = (at) => (at ? at.slice(0, 16).replace("T", " ") : "");

export class Mode {
  constructor(shell, main) {
    this.shell = shell;
    this.admin = shell.may("admin");
    main.append(
      make(
        "div",
        { class: "sheet" },
        make("section", { class: "card", id: "training", "aria-labelledby": "training-title" }, ...this.training()),
        make("section", { class: "card", id: "runs", "aria-labelledby": "runs-title" }),
        make("section", { class: "card", id: "judged", "aria-labelledby": "judged-title", hidden: true }),
        make("section", { class: "card", id: "models", "aria-labelledby": "models-title" }),
      ),
    );
  }

  training() {
    const button = (name, act) => make("button", { type: "button", id: name, hidden: true, text: WORDS[name], onclick: act });
    return [
      make("h2", { id: "training-title", text: WORDS.training }),
      make("p", { id: "phase", role: "status" }),
      make("div", { class: "progress wide", role: "progressbar", id: "steps", "aria-label": WORDS.steps, hidden: true }, make("span")),
      make(
        "p",
        { class: "row" },
        button("start", () => this.act("/api/training")),
        button("stop", () => this.act("/api/training/stop")),
        button("giveUp", (event) => this.ask(event.target, WORDS.giveUpAsk, () => this.act("/api/training/give-up"))),
      ),
      make("div", { id: "curve" }),
      make("details", { id: "printed", hidden: true }, make("summary", { text: WORDS.printed }), make("pre", { id: "log", tabindex: "0" })),
    ];
  }

  async open(run) {
    this.run = run;
    await this.refresh();
    if (run) await this.compare(run);
    this.poll();
  }

  async refresh() {
    const found = await api.asked("/api/models");
    if (this.gone) return;
    this.listRuns(found.runs);
    this.listModels(found.models);
  }

  async poll() {
    if (this.gone) return;
    let pause = LATER;
    try {
      const status = await api.asked("/api/training");
      if (this.gone) return;
      const ended = this.busy && !BUSY.has(status.phase);
      this.busy = BUSY.has(status.phase);
      if (this.busy) pause = SOON;
      this.show(status);
      if (ended) await this.refresh();
    } catch (error) {
      this.shell.say(error.message);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(), pause);
  }

  async act(path) {
    this.shell.say("");
    try {
      this.show(await api.asked(path, { method: "POST" }));
    } catch (error) {
      this.shell.say(error.message);
    }
    await this.poll();
  }

  show(status) {
    const { phase, elsewhere } = status;
    get("phase").textContent = WORDS.phase(status);
    const resting = !this.busyPhase(phase);
    get("start").textContent = ["stopped", "failed"].includes(phase) ? WORDS.goOn : WORDS.start;
    get("start").hidden = !this.admin || !resting;
    get("stop").hidden = !this.admin || phase !== "running" || Boolean(elsewhere);
    get("giveUp").hidden = !this.admin || !["stopped", "failed"].includes(phase);
    get("steps").hidden = resting || !status.total;
    get("steps").setAttribute("aria-valuemax", status.total);
    get("steps").setAttribute("aria-valuenow", status.steps);
    get("steps").firstElementChild.style.width = `${status.total ? (100 * status.steps) / status.total : 0}%`;
    this.draw(status);
    get("printed").hidden = !status.log.length;
    const log = status.log.join("\n");
    if (get("log").textContent !== log) get("log").textContent = log;
  }

  busyPhase(phase) {
    return BUSY.has(phase);
  }

  draw({ run, losses, cers, steps, total }) {
    const width = get("curve").clientWidth;
    const state = [run, losses.length, steps, cers.length, width].join(" ");
    if (state === this.drawn) return;
    this.drawn = state;
    if (losses.length < 2) {
      get("curve").replaceChildren();
      return;
    }
    const drawn = plot({
      label: WORDS.curve(steps, total, losses.at(-1)[1], cers.map(([, cer]) => percent(cer))),
      end: total,
      width,
      across: WORDS.step,
      series: [
        { name: WORDS.loss, points: losses, kind: "faint" },
        { name: WORDS.mean, points: running(losses), kind: "line" },
        { name: WORDS.cer, points: cers.map(([step, cer]) => [step, 100 * cer]), kind: "dots", right: true },
      ],
    });
    get("curve").replaceChildren(drawn);
  }

  listRuns(runs) {
    const title = make("h2", { id: "runs-title", text: WORDS.runs });
    if (!runs.length) {
      get("runs").replaceChildren(title, make("p", { class: "soft", text: WORDS.noRuns }));
      return;
    }
    const rows = runs.map((run) =>
      make(
        "li",
        {},
        make(
          "div",
          {},
          make("b", { text: WORDS.run(run) }),
          this.tag(run),
          make("p", { class: "soft", text: `${WORDS.trained(run, percent)} ${run.reason}` }),
        ),
        make("a", { class: "button", href: `#models/${encodeURIComponent(run.name)}`, text: WORDS.compare, hidden: run.passed === null }),
      ),
    );
    get("runs").replaceChildren(title, make("ul", { class: "rows" }, ...rows));
  }

  tag(run) {
    const kind = run.state === "champion" ? "good" : run.passed === false ? "bad" : "quiet";
    return make("span", { class: `tag ${kind}`, text: WORDS.states[run.state === "candidate" ? String(run.passed) : run.state] });
  }

  listModels(models) {
    const heads = WORDS.heads.map((text) => make("th", { scope: "col", text }));
    const rows = models.map((one) =>
      make(
        "tr",
        { class: one.state === "champion" ? "chosen" : "" },
        make("th", { scope: "row" }, make("bdi", { text: one.name || one.id }), make("small", { text: one.name ? one.id : "" })),
        make("td", { text: WORDS.reads[one.reads] }),
        make("td", { text: WORDS.states[one.state] }),
        make("td", { text: day(one.since) }),
        make("td", { text: one.measured ? WORDS.measured(percent(one.measured.error), one.measured.tested, one.reads) : "–" }),
        make("td", { text: one.learned ?? "–" }),
        make("td", { class: "why", text: one.fault || one.why }),
      ),
    );
    const backs = Object.entries({ lines: "base", fields: "base-fields" }).map(([reads, first]) => {
      const back = make("button", { type: "button", id: `rollback-${reads}`, text: WORDS.rollback[reads], hidden: !this.admin });
      back.hidden ||= !models.some((one) => one.reads === reads && one.state === "champion" && one.id !== first);
      back.addEventListener("click", () => this.ask(back, WORDS.rollbackAsk, () => this.rollback(reads)));
      return back;
    });
    get("models").replaceChildren(
      make("h2", { id: "models-title", text: WORDS.title }),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "models-title" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows))),
      make("p", { class: "row" }, ...backs),
    );
  }

  // Asks once, in place of the button; No has the focus.
  ask(button, question, act) {
    const end = () => {
      box.remove();
      button.hidden = false;
      button.focus();
    };
    const yes = make("button", { type: "button", class: "bad", text: STRINGS.yes });
    const no = make("button", { type: "button", text: STRINGS.no, onclick: end });
    const box = make("span", { class: "ask", role: "alertdialog", "aria-label": question }, make("span", { text: question }), yes, no);
    yes.addEventListener("click", () => {
      end();
      act();
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") end();
    });
    button.hidden = true;
    button.after(box);
    no.focus();
  }

  async rollback(reads) {
    try {
      const back = await api.asked(`/api/models/rollback?reads=${reads}`, { method: "POST" });
      await this.refresh();
      this.shell.say(WORDS.rolledBack(back));
    } catch (error) {
      this.shell.say(error.message);
    }
  }

  async compare(run) {
    try {
      const found = await api.asked(`/api/runs/${encodeURIComponent(run)}`);
      if (!this.gone) this.judged(run, found);
    } catch (error) {
      this.shell.say(error.message);
    }
  }

  judged(run, found) {
    const put = make("button", { type: "button", id: "promote", class: "main", text: WORDS.promote, hidden: !this.admin });
    put.addEventListener("click", () => this.promote(run, put));
    const findings = found.findings.map((one) =>
      make("li", { class: one.good ? "good" : "bad" }, make("span", { class: "sign", "aria-hidden": "true", text: one.good ? "✓" : "✗" }), make("span", { text: `${one.good ? "" : WORDS.fault}${one.what}` })),
    );
    const parts = [
      make("h2", { id: "judged-title", tabindex: "-1", text: WORDS.judged }),
      make("p", { class: "soft" }, make("bdi", { text: WORDS.against(found) })),
    ];
    if (found.comparison) parts.push(this.totals(found.comparison));
    if (found.documents) parts.push(...documentTotals(found.documents));
    parts.push(make("ul", { class: "findings" }, ...findings));
    parts.push(make("p", { class: "row" }, put, make("span", { class: "soft", text: found.passed ? WORDS.mayPass : WORDS.mayNot })));
    if (found.comparison) {
      for (const name of ["worse", "worst", "better"]) parts.push(this.lines(name, found.comparison[name]));
    }
    if (found.documents) {
      for (const name of ["worse", "worst", "better"]) parts.push(moved(name, found.documents[name]));
    }
    get("judged").replaceChildren(...parts);
    get("judged").hidden = false;
    get("judged-title").scrollIntoView({ block: "start" });
    get("judged-title").focus({ preventScroll: true });
  }

  totals(seen) {
    const card = (name, value, note) => make("div", {}, make("dt", { text: name }), make("dd", {}, make("b", { text: value }), make("small", { text: note })));
    const bounds = (one) => WORDS.bounds(percent(one.cer_low), percent(one.cer_high));
    return make(
      "dl",
      { class: "figures" },
      card(WORDS.old, percent(seen.old.cer), bounds(seen.old)),
      card(WORDS.new, percent(seen.new.cer), bounds(seen.new)),
      card(WORDS.difference, points(seen.difference), WORDS.bounds(points(seen.difference_low), points(seen.difference_high))),
      card(WORDS.moved, `${seen.better.count} / ${seen.worse.count}`, WORDS.of(seen.new.samples)),
    );
  }

  lines(name, { count, lines }) {
    const list = make("details", { open: name !== "better" && count > 0 }, make("summary", { text: WORDS.lines[name](count) }));
    for (const line of lines) {
      const reading = (label, one) => [make("dt", { text: WORDS.reading(label, one.edits) }), make("dd", {}, ...marked(one.spans))];
      list.append(
        make(
          "article",
          {},
          make("img", { src: api.imageOf(line.id), alt: STRINGS.crop, loading: "lazy" }),
          make("dl", { class: "readings", dir: line.direction }, make("dt", { text: WORDS.truth }), make("dd", { text: line.truth }), ...reading(WORDS.old, line.old), ...reading(WORDS.new, line.new)),
        ),
      );
    }
    return list;
  }

  async promote(run, button) {
    button.disabled = true;
    this.shell.say(WORDS.judging);
    try {
      const decision = await api.asked(`/api/runs/${encodeURIComponent(run)}/promote`, { method: "POST" });
      await this.refresh();
      this.shell.say(WORDS.promoted(decision.reason));
    } catch (error) {
      await this.refresh();
      this.shell.say(error.message);
    } finally {
      button.disabled = false;
    }
  }

  leave() {
    this.gone = true;
    clearTimeout(this.timer);
  }
}

// Running mean of the losses, without the pull of a start value.
function running(losses, keep = 0.95) {
  let mean = 0;
  let weight = 0;
  return losses.map(([step, loss]) => {
    mean = keep * mean + (1 - keep) * loss;
    weight = keep * weight + (1 - keep);
    return [step, mean / weight];
  });
}
