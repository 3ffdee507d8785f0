// What this browser keeps. Where its storage is full or shut, things are kept as long as the page is open, and `full`
// says so.
const memory = new Map();
export const tab = tabName();

function tabName() {
  try {
    const known = sessionStorage.getItem("emendo:tab") ?? Math.random().toString(36).slice(2, 10);
    sessionStorage.setItem("emendo:tab", known);
    return known;
  } catch {
    return Math.random().toString(36).slice(2, 10);
  }
}

export const kept = {
  // Whether something is kept in the open page only.
  get full() {
    return memory.size > 0;
  },

  get(key) {
    if (memory.has(key)) return memory.get(key);
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  },

  set(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      memory.delete(key);
    } catch {
      memory.set(key, value);
    }
  },

  drop(key) {
    memory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // a storage that is shut holds nothing
    }
  },

  // Keys that begin so, in their order.
  keys(prefix) {
    let stored = [];
    try {
      stored = Object.keys(localStorage);
    } catch {
      // as above
    }
    return [...new Set([...stored, ...memory.keys()])].filter((key) => key.startsWith(prefix)).sort();
  },
};

window.addEventListener("beforeunload", (event) => {
  if (kept.full) event.preventDefault();
});
