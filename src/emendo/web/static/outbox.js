// What was said and is not on the server's disk yet: kept in the browser, sent in order, again until it arrives.
import { ApiError, save } from "./api.js";

const KEY = "emendo:outbox";
const RETRY = [500, 1000, 2000, 5000, 10000];

function read(key, nothing) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? nothing;
  } catch {
    return nothing;
  }
}

export class Outbox {
  // Calls `told(event, line, detail)` with "saved", "conflict", "refused" or "waiting".
  constructor(told) {
    this.told = told;
    this.waiting = read(KEY, []);
    this.failed = 0;
    this.sending = null;
  }

  get count() {
    return this.waiting.length;
  }

  // A line that was said anew before it was sent is sent once.
  add(line, saving) {
    this.waiting = this.waiting.filter((one) => one.line !== line || one === this.current);
    this.waiting.push({ line, saving });
    this.keep();
    this.flush();
  }

  keep() {
    localStorage.setItem(KEY, JSON.stringify(this.waiting));
    this.told("waiting", null, this.count);
  }

  flush() {
    this.sending ??= this.send().finally(() => {
      this.sending = null;
      if (this.count) setTimeout(() => this.flush(), RETRY[Math.min(this.failed++, RETRY.length - 1)]);
    });
    return this.sending;
  }

  async send() {
    while (this.count) {
      this.current = this.waiting[0];
      const { line, saving } = this.current;
      try {
        const held = await save(line, saving);
        this.failed = 0;
        // what is said of the same line after this rests on what was just saved
        for (const later of this.waiting.slice(1)) if (later.line === line) later.saving.version = held.version;
        this.done();
        this.told("saved", line, held);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status >= 500) return;
        this.done();
        this.told(error.status === 409 ? "conflict" : "refused", line, { error, saving });
      }
    }
  }

  done() {
    this.waiting.shift();
    this.current = null;
    this.keep();
  }
}

export const drafts = {
  get: (line) => read(`emendo:draft:${line}`, null),
  set: (line, text, version) => localStorage.setItem(`emendo:draft:${line}`, JSON.stringify({ text, version })),
  drop: (line) => localStorage.removeItem(`emendo:draft:${line}`),
};
