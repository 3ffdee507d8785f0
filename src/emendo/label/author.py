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
from .predict import Option, Prediction, Stop

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
    options: tuple[Option, ...] = ()
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
        stop = next((stop for stop in self.stops if stop.at >= past and (stop.at, stop.at + 1) != selection), None)
        if stop is None and self.stops:
            stop = self.stops[0]
        return (stop.at, min(stop.at + 1, len(self.text))) if stop else None

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
            self.options = ()
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
        self.options = next((stop.options for stop in self.stops if stop.at == self.selection[0]), ())

    def _choose(self) -> None:
        """The next offered word in the place of the one before it."""
        if not self.options:
            return
        options, chosen = self.options, (self.chosen + 1) % len(self.options)
        option = options[chosen]
        end = option.end if self.chosen < 0 else option.start + len(options[self.chosen].text)
        self._put(option.start, end, option.text)
        self.options, self.chosen = options, chosen

    def _put(self, start: int, end: int, text: str) -> None:
        self._replace(start, end, text)
        self.options = ()
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
        self.text = self.text[:start] + text + self.text[end:]
        self.typed[start:end] = [True] * len(text)
        self.selection = (start + len(text), start + len(text))
        shift = len(text) - (end - start)
        moved = [Stop(stop.at + shift, tuple(_shifted(one, shift) for one in stop.options)) for stop in self.stops if stop.at >= end]
        self.stops = (*(stop for stop in self.stops if stop.at < start), *moved)

    def _delete(self, start: int, end: int) -> None:
        """What is deleted does not come back: its neighbours are held together."""
        self._replace(start, end, "")
        self.options = ()
        for at in (start - 1, start):
            if 0 <= at < len(self.text):
                self.typed[at] = True


def _shifted(option: Option, by: int) -> Option:
    return Option(option.start + by, option.end + by, option.text, option.probability)


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
    stop = next((stop for stop in editor.stops if any(one.start <= place <= one.end for one in stop.options)), None)
    if stop is not None and stop.at != place and editor.selection[0] != stop.at:
        there = _way(editor, lambda span: span == (stop.at, min(stop.at + 1, len(text))))
        if there and there[-1] == "Tab" and len(there) <= len(way) + DETOUR:
            return there
    if _only_in_the_way(text[place:], truth[place:]):
        return (*way, "Delete")
    return (*way, truth[place])

DETOUR = 0

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
    if editor.chosen >= 0:
        return 0
    for times, option in enumerate(editor.options, 1):
        begun = editor.text[: option.start] + option.text
        if option.start <= place <= option.end and truth.startswith(begun) and truth[len(begun) : len(begun) + 1] in ("", " "):
            wrong = Levenshtein.distance(editor.text[option.start : option.end], option.text)
            return times if times <= wrong else 0
    return 0


def _only_in_the_way(text: str, truth: str) -> bool:
    """Whether deleting one character here is all that is left to do."""
    return text[1:] == truth
