// What was said and is not on the server's disk yet: kept in the browser, sent in order, again until it arrives. All
// tabs of a person share one outbox; one of them sends.
import { ApiError, save } from "./api.js";
import { kept, tab } from "./kept.js";

const RETRY = [500, 1000, 2000, 3000];
// without locks between tabs (plain http at a foreign host) a tab leaves others' entries to them for so long
const PATIENCE = 15000;
const GREETING = 1000;
const BARRED = 401;

let author = "";
const draftKey = (line) => `emendo:draft:${author}:${line}`;

export class Outbox {
  // Calls `told(event, line, detail)` with "saved", "conflict", "refused", "barred" or "waiting".
  constructor(told) {
    this.told = told;
    this.failed = 0;
    this.made = 0;
    this.sending = null;
    this.current = null;
  }

  // From now on it is this person's; what somebody else left in this browser waits for them. What is there is sent
  // before anything is shown, unless that takes long.
  open(name) {
    author = name;
    this.prefix = `emendo:save:${name}:`;
    this.channel = new BroadcastChannel(this.prefix);
    this.channel.addEventListener("message", ({ data }) => {
      if (data.event === "saved" || data.by === tab) this.told(data.event, data.line, data.detail);
    });
    window.addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.prefix)) this.waiting();
    });
    this.waiting();
    return Promise.race([this.flush(), new Promise((done) => setTimeout(done, GREETING))]);
  }

  get keys() {
    return kept.keys(this.prefix);
  }

  get count() {
    return this.keys.length;
  }

  // A line that was said anew before it was sent is sent once.
  add(line, saving) {
    for (const key of this.keys) if (key !== this.current && kept.get(key)?.line === line) kept.drop(key);
    const number = String(this.made++).padStart(6, "0");
    kept.set(`${this.prefix}${String(Date.now()).padStart(15, "0")}-${number}`, { line, saving, by: tab, at: Date.now() });
    this.waiting();
    this.flush();
  }

  waiting() {
    this.told("waiting", null, this.count);
  }

  flush() {
    const send = () => this.send();
    this.sending ??= (navigator.locks ? navigator.locks.request(this.prefix, send) : send()).finally(() => {
      this.sending = null;
      if (this.count) setTimeout(() => this.flush(), RETRY[Math.min(this.failed++, RETRY.length - 1)]);
    });
    return this.sending;
  }

  next() {
    const mine = (entry) => navigator.locks || entry.by === tab || Date.now() - entry.at > PATIENCE;
    return this.keys.map((key) => [key, kept.get(key)]).find(([, entry]) => entry && mine(entry)) ?? [];
  }

  async send() {
    for (let [key, entry] = this.next(); key; [key, entry] = this.next()) {
      this.current = key;
      try {
        const held = await save(entry.line, entry.saving);
        this.failed = 0;
        // what is said of the same line after this rests on what was just saved
        for (const later of this.keys) {
          const one = kept.get(later);
          if (later > key && one?.line === entry.line) kept.set(later, { ...one, saving: { ...one.saving, version: held.version } });
        }
        this.done(key, entry, "saved", held);
      } catch (error) {
        this.current = null;
        if (!(error instanceof ApiError) || error.status >= 500) return;
        if (error.status === BARRED) {
          this.told("barred", entry.line, entry);
          return;
        }
        const { message, status, body } = error;
        drafts.set(entry.line, entry.saving.text ?? "", entry.saving.version);
        const event = body.current ? "conflict" : "refused";
        this.done(key, entry, event, { error: { message, status, body }, saving: entry.saving });
      }
    }
  }

  done(key, { line, by }, event, detail) {
    kept.drop(key);
    this.current = null;
    this.waiting();
    if (event === "saved" || by === tab) this.told(event, line, detail);
    this.channel.postMessage({ event, line, by, detail });
  }
}

// Unfinished texts: each tab has its own of a line; the newest is shown, and goes when its line is done.
const shown = new Map();

export const drafts = {
  get(line) {
    const all = Object.entries(kept.get(draftKey(line)) ?? {});
    shown.set(line, all.map(([name]) => name));
    return all.map(([, draft]) => draft).sort((one, other) => other.at - one.at)[0] ?? null;
  },

  // `more` is kept with it.
  set(line, text, version, more = {}) {
    kept.set(draftKey(line), { ...kept.get(draftKey(line)), [tab]: { text, version, at: Date.now(), ...more } });
  },

  drop(line) {
    const left = { ...kept.get(draftKey(line)) };
    for (const name of [tab, ...(shown.get(line) ?? [])]) delete left[name];
    if (Object.keys(left).length) kept.set(draftKey(line), left);
    else kept.drop(draftKey(line));
  },
};
