// Two texts side by side: what only one of them has is marked.
import { make } from "./dom.js";

const MOST = 4_000_000;

// Pieces [text, common] of `text` against `other`, by a longest common subsequence of their characters.
export function pieces(text, other) {
  const one = [...text];
  const two = [...other];
  let start = 0;
  while (start < one.length && start < two.length && one[start] === two[start]) start++;
  let end = 0;
  while (end < one.length - start && end < two.length - start && one.at(-1 - end) === two.at(-1 - end)) end++;
  const inner = one.slice(start, one.length - end);
  const common = [...one.slice(0, start).map(() => true), ...shared(inner, two.slice(start, two.length - end)), ...Array(end).fill(true)];
  const found = [];
  one.forEach((char, at) => {
    if (found.length && found.at(-1)[1] === common[at]) found.at(-1)[0] += char;
    else found.push([char, common[at]]);
  });
  return found;
}

function shared(one, two) {
  const common = one.map(() => false);
  if (one.length * two.length > MOST) return common;
  const width = two.length + 1;
  const best = new Uint32Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = two.length - 1; j >= 0; j--) {
      best[i * width + j] = one[i] === two[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    }
  }
  for (let i = 0, j = 0; i < one.length && j < two.length; ) {
    if (one[i] === two[j]) {
      common[i++] = true;
      j++;
    } else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) i++;
    else j++;
  }
  return common;
}

// A paragraph of `text` in which what `other` has not is marked.
export function compared(text, other, direction) {
  const parts = pieces(text, other).map(([piece, common]) => (common ? document.createTextNode(piece) : make("mark", { text: piece })));
  return make("p", { class: "compared", dir: direction }, ...parts);
}
