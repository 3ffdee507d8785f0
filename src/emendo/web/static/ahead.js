// Cards of an order that are not here yet: those that come next, and the one that is wanted now.
import { ApiError } from "./api.js";

const RETRY = 1000; // milliseconds until the server, which was away, is asked again

// The stretch from `start` on, without a word where it fails: it is asked for again when it is wanted.
export function coming(mode, start) {
  const quiet = () => {};
  mode.loading ??= mode.load(start).then(quiet, quiet).finally(() => (mode.loading = null));
}

// To the card at a place, which is shown when it is here; as long as the server is away the person is told so.
export async function arrive(mode, at) {
  if (at < 0 || at > mode.total) return;
  mode.at = at;
  while (!mode.card && at < mode.total) {
    try {
      await mode.load(at);
      break;
    } catch (error) {
      if (mode.at !== at || mode.gone) return;
      mode.shell.say(error.message);
      if (error instanceof ApiError && error.status < 500) return;
      await new Promise((done) => setTimeout(done, RETRY));
      if (mode.at !== at || mode.gone) return;
    }
  }
  if (mode.at === at) mode.show();
}
