"""A simulated author at the line mode: knows what is right and works as a good user would, counting every key.

`LineEditor` is the field of the page as a state machine: what stands in it, what is selected, which characters were
typed, and what each key does (`web/static/field.js` and `lines.js` do the same; a browser test holds the two together
key for key). `correct` is the author. They look at what is on the screen and know what is right, but not what the next
prediction will be. From the left, they go to the first wrong place by the cheapest of Tab, arrows, word jumps, Home and
End; there they take an offered word if it is right, delete what is only in the way, or type what is right. A key that
is pressed while Ctrl or Shift is held counts once; the held key counts nothing; capitals count as one key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import Levenshtein

from ..metrics.editing import word_jumps
from ..text.normalize import normalize_text
from .predict import Prediction, Stop

MOVES = ("Tab", "ArrowRight", "ArrowLeft", "Control+ArrowRight", "Control+ArrowLeft", "Home", "End")
Span = tuple[int, int]
Predict = Callable[[str, str, str], Prediction | None]
"""From what is right, what stands behind it, and what was typed further on and stays, to the line."""


@dataclass
class LineEditor:
    """The field: its text, which characters were typed, the selection (the caret where both ends are equal)."""

    text: str
    stops: tuple[Stop, ...]
    predict: Predict
    typed: list[bool] = field(default_factory=list)
    selection: Span = (0, 0)
    offered: Stop | None = None
    chosen: int = -1
    keys: list[str] = field(default_factory=list)

    @classmethod
    def show(cls, reading: Prediction, predict: Predict) -> LineEditor:
        """A line as it comes on the screen: at its first stop, else the caret at its end."""
        made = cls(reading.text, reading.stops, predict, [False] * len(reading.text))
        end = len(made.text)
        made.selection = made.next_stop((-1, -1)) or (end, end)
        made._offer()
        return made

    def next_stop(self, selection: Span) -> Span | None:
        """The next stop behind the beginning of the selection, or the first of the line."""
        start, end = selection
        past = start if start == end else start + 1
        spans = [self._span(stop) for stop in self.stops]
        return next((span for span in spans if span[0] >= past and span != selection), spans[0] if spans else None)

    def _span(self, stop: Stop) -> Span:
        return stop.at, min(stop.at + 1, len(self.text))

    def moved(self, selection: Span, key: str) -> Span:
        """Where a key of `MOVES` leads."""
        start, end = selection
        last = len(self.text)
        if key == "Tab":
            return self.next_stop(selection) or selection
        if key == "Home":
            return 0, 0
        if key == "End":
            return last, last
        if key == "ArrowLeft":
            at = start if start < end else max(0, start - 1)
        elif key == "ArrowRight":
            at = end if start < end else min(last, end + 1)
        elif key == "Control+ArrowRight":
            at = word_jumps(self.text)[end]
        else:
            at = last - word_jumps(self.text[::-1])[last - start]
        return at, at

    def press(self, key: str) -> None:
        """One key; `Shift+End` selects the rest, any single character types."""
        self.keys.append(key)
        start, end = self.selection
        if key in MOVES:
            self.selection = self.moved(self.selection, key)
            self.offered = None
            if key == "Tab":
                self._offer()
        elif key == "Shift+End":
            self.selection = (start, len(self.text))
        elif key == "ArrowDown":
            self._choose()
        elif key in ("Backspace", "Delete"):
            if start == end:
                start, end = (max(0, start - 1), end) if key == "Backspace" else (start, end + 1)
            self._delete(start, end)
        else:
            self._put(start, end, key)

    def _offer(self) -> None:
        self.chosen = -1
        self.offered = next((stop for stop in self.stops if self._span(stop) == self.selection), None)

    def _choose(self) -> None:
        """The next offered word in the place of the one before it."""
        offered, chosen = self.offered, self.chosen + 1
        if offered is None or chosen >= len(offered.options):
            return
        shown = offered.end - offered.start if self.chosen < 0 else len(offered.options[self.chosen][0])
        text = offered.options[chosen][0]
        if text:
            self._put(offered.start, offered.start + shown, text)
        else:
            self._delete(offered.start, offered.start + shown)
        self.offered, self.chosen = offered, chosen

    def _put(self, start: int, end: int, text: str) -> None:
        """Typed or chosen: what stands behind it, up to the next character that was typed, is foreseen anew."""
        self._replace(start, end, text)
        at = start + len(text)
        kept = next((i for i in range(at, len(self.text)) if self.typed[i]), len(self.text))
        found = self.predict(self.text[:at], self.text[at:kept], self.text[kept:])
        if found is None:
            return
        gap = len(found.text) - at - (len(self.text) - kept)
        self.typed[at:kept] = [False] * gap
        self.text = found.text
        self.stops = (*(stop for stop in self.stops if stop.at < start), *found.stops)

    def _replace(self, start: int, end: int, text: str) -> None:
        by = len(text) - (end - start)
        self.text = self.text[:start] + text + self.text[end:]
        self.typed[start:end] = [True] * len(text)
        self.selection = (start + len(text), start + len(text))
        self.offered = None
        behind = (
            Stop(one.at + by, one.start + by, one.end + by, one.options) for one in self.stops if one.start >= end
        )
        self.stops = (*(one for one in self.stops if one.end <= start), *behind)

    def _delete(self, start: int, end: int) -> None:
        """What is deleted does not come back: its neighbours are held together."""
        self._replace(start, end, "")
        for at in (start - 1, start):
            if 0 <= at < len(self.text):
                self.typed[at] = True


def correct(editor: LineEditor, truth: str) -> list[str]:
    """The keys with which the author makes the field right, Enter as the last."""
    truth = normalize_text(truth)
    most = 20 * (len(truth) + len(editor.text)) + 20
    while editor.text.strip() != truth:
        for key in next_keys(editor, truth):
            editor.press(key)
        assert len(editor.keys) < most, f"no way from {editor.text!r} to {truth!r}"
    return [*editor.keys, "Enter"]


def next_keys(editor: LineEditor, truth: str) -> Sequence[str]:
    """The keys up to the next change of the text, or to the next look at what is offered."""
    text = editor.text
    place = _common(text, truth)
    times = _offered(editor, truth, place)
    if times:
        return ["ArrowDown"] * times
    way = _way(editor, lambda span: span[0] == place)
    if place == len(truth):
        rest = len(text) - place
        return (*way, *(["Delete"] * rest if rest <= 2 else ["Shift+End", "Delete"]))
    stop = next((stop for stop in editor.stops if stop.start <= place <= stop.end), None)
    if stop is not None and stop.at != place and editor.selection[0] != stop.at:
        there = _way(editor, lambda span: span == (stop.at, min(stop.at + 1, len(text))))
        if there and there[-1] == "Tab" and len(there) <= len(way):
            return there
    if _only_in_the_way(text[place:], truth[place:]):
        return (*way, "Delete")
    return (*way, truth[place])


def _common(text: str, truth: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(text, truth, strict=False)) if a != b), min(len(text), len(truth)))


def _way(editor: LineEditor, there: Callable[[Span], bool]) -> list[str]:
    """The fewest keys from the selection to one that will do."""
    before: dict[Span, tuple[Span, str] | None] = {editor.selection: None}
    waiting = deque([editor.selection])
    while waiting:
        at = waiting.popleft()
        if there(at):
            keys = []
            while (step := before[at]) is not None:
                at = step[0]
                keys.append(step[1])
            return keys[::-1]
        for key in MOVES:
            next_ = editor.moved(at, key)
            if next_ not in before:
                before[next_] = (at, key)
                waiting.append(next_)
    raise AssertionError("there is no way")


def _offered(editor: LineEditor, truth: str, place: int) -> int:
    """How often arrow down is pressed for a word that is right; 0 where none is offered, or typing is as quick."""
    offered, text = editor.offered, editor.text
    if offered is None or editor.chosen >= 0 or not offered.start <= place <= offered.end:
        return 0
    for times, (option, _) in enumerate(offered.options, 1):
        begun = text[: offered.start] + option
        whole = option.endswith(" ") or truth[len(begun) : len(begun) + 1] in ("", " ")
        if whole and truth.startswith(begun):
            wrong = Levenshtein.distance(text[offered.start : offered.end], option)
            return times if times <= wrong else 0
    return 0


def _only_in_the_way(text: str, truth: str) -> bool:
    """Whether deleting one character here is all that is left to do."""
    return text[1:] == truth
