// Somebody else was quicker: both texts are shown, and the person decides.
import { make } from "./dom.js";
import { STRINGS } from "./strings.js";

// Fills `box`; `keep.theirs` or `keep.mine` is called after the box is closed.
export function showConflict(box, { direction, saving, current, keep }) {
  const row = (label, text, button, act) => {
    const close = () => {
      box.hidden = true;
      act();
    };
    const knob = make("button", { type: "button", text: button, onclick: close });
    return make("div", {}, make("b", { text: label }), make("p", { dir: direction, text: text ?? "" }), knob);
  };
  box.replaceChildren(
    make("p", { text: STRINGS.conflict(current.author) }),
    row(STRINGS.theirs, current.text, STRINGS.keepTheirs, keep.theirs),
    row(STRINGS.mine, saving.text, STRINGS.keepMine, keep.mine),
  );
  box.hidden = false;
  box.querySelector("button").focus();
}

// A question with two answers; Escape is the second one.
export function ask(box, question, yes, no, act, leave) {
  const close = (then) => () => {
    box.hidden = true;
    then();
  };
  box.replaceChildren(
    make("p", { text: question }),
    make("button", { type: "button", text: yes, onclick: close(act) }),
    make("button", { type: "button", text: no, onclick: close(leave) }),
  );
  box.hidden = false;
  box.querySelector("button").focus();
}
