// Which way a text runs, and marks that only steer the display: they are kept out of the field, for no text needs them.
const MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const RIGHT_TO_LEFT = /\p{Script=Arabic}|\p{Script=Hebrew}|\p{Script=Syriac}|\p{Script=Thaana}|\p{Script=Nko}|\p{Script=Adlam}/u;
const LETTER = /\p{L}/u;

export const withoutMarks = (text) => text.replaceAll(MARKS, "");

// The direction of a text that has letters; `other` for one that has none.
export function directionOf(text, other) {
  const letters = [...text].filter((one) => LETTER.test(one));
  if (!letters.length) return other;
  return letters.some((one) => RIGHT_TO_LEFT.test(one)) ? "rtl" : "ltr";
}

// Whatever comes into the field in one piece (paste, drop, a word from the keyboard of a telephone) comes without marks.
export function keepOutMarks(area) {
  area.addEventListener("beforeinput", (event) => {
    const text = event.data ?? event.dataTransfer?.getData("text/plain");
    if (!text || !event.cancelable || withoutMarks(text) === text) return;
    event.preventDefault();
    const clean = withoutMarks(text).replaceAll(/\s+/g, " ");
    if (clean) document.execCommand("insertText", false, clean);
  });
}
