"""What a person wrote in a note's text, carried over when lines of a page are split, joined, moved, taken out or added.

The text is changed only where the lines are: each line of the file that belongs to one line of the page goes where
that one goes, everything else stays as it is, with the person's own line ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rapidfuzz.distance import LCSseq, Levenshtein

from .align import align
from .texts import clean, decode

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def carried(place: int, source: str, target: str) -> int:
    """Which place of `target` (0 to its length) corresponds to a place of `source`, by their cheapest alignment."""
    for code in Levenshtein.opcodes(source, target):
        if code.src_start <= place <= code.src_end:
            if code.tag == "equal":
                return code.dest_start + place - code.src_start
            if place == code.src_start:
                return code.dest_start
            if place < code.src_end:
                share = (place - code.src_start) / (code.src_end - code.src_start)
                return code.dest_start + round(share * (code.dest_end - code.dest_start))
    return len(target)


@dataclass
class NoteText:
    """The text of a note as a person left it, and which of its lines belongs to which line of the pages."""

    lines: list[str]
    end: str
    mark: bytes
    encoding: str
    owner: dict[int, str] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, content: bytes, original: Sequence[str], rows: Sequence[tuple[str, int, str]], where: Path
    ) -> NoteText:
        """The content of the file `where`; `original` are the lines of the untouched copy.

        `rows` are (id, line of that copy from 1, reading) in order.
        A text with as many lines as the copy was corrected in place; else the readings are laid over it, and only
        whole lines have an owner. Raises BadInput when it is no text in Unicode.
        """
        decode(content, where)  # refuses what is no text
        mark, encoding = next(((mark, name) for mark, name in _BOMS if content.startswith(mark)), (b"", "utf-8"))
        text = content[len(mark) :].decode(encoding)
        end = "\r\n" if "\r\n" in text else "\n"
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        found = cls(lines, end, mark, encoding)
        if len(lines) == len(original):
            found.owner = {line - 1: id for id, line, _ in rows}
        else:
            numbered = [(number, clean(line)) for number, line in enumerate(lines, start=1) if clean(line)]
            aligned = align([reading for _, _, reading in rows], numbered)
            found.owner = {one.first - 1: row[0] for one, row in zip(aligned, rows, strict=True) if one.kept}
        return found

    def said(self) -> dict[str, str]:
        """The text of each line of the pages that has one here."""
        return {id: clean(self.lines[at]) for at, id in self.owner.items()}

    def rewritten(self, before: Sequence[str], after: Sequence[str], texts: Mapping[str, str]) -> bytes:
        """The text with the lines of one page, `before`, in their new order, `after`; `texts` are those of new lines.

        A line that stays where it was keeps its text untouched.
        """
        staying = _longest_kept(before, after)
        own = {id: self.lines[at] for at, id in self.owner.items()}
        gone = set(before) - staying
        entries = [(line, self.owner.get(at, "")) for at, line in enumerate(self.lines)]
        entries = [entry for entry in entries if entry[1] not in gone]
        last = ""
        for number, id in enumerate(after):
            if id not in staying:
                line = own[id] if id in own and id not in texts else texts.get(id, "")
                entries.insert(self._place(entries, last, after[number + 1 :]), (line, id))
            if any(owner == id for _, owner in entries):
                last = id
        return self.mark + self.end.join(line for line, _ in entries).encode(self.encoding)

    def _place(self, entries: Sequence[tuple[str, str]], last: str, following: Sequence[str]) -> int:
        """After the line before it, else before the next one that is there, else at the end."""
        owners = [owner for _, owner in entries]
        if last:
            return owners.index(last) + 1
        there = [owners.index(id) for id in following if id in owners]
        end = len(entries) - (1 if entries and not entries[-1][0] else 0)
        return min(there, default=end)


def _longest_kept(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """Lines of both that may stay where they are: the most that stand in the same order."""
    matching = LCSseq.editops([*before], [*after]).as_matching_blocks()
    return {id for block in matching for id in before[block.a : block.a + block.size]}
