"""Label files: `path<TAB>text`, one a line, made by appending (`labels.txt`).

A later line for the same image holds (it is the review of the earlier one). `__SKIP__` as text means that a person
chose not to label the image. A line that begins with `# `, or with `#` and has no tab, is a comment.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import FormatError
from ..settings import Limits
from ..tools.files import append_line, write_text
from ..types import Sample
from .base import Collector, Content, Folder, ReadOptions, Refusal, Reject, bounded_lines, clean_text
from .images import place_line

SKIP = "__SKIP__"
NAMES = ("labels.txt", "labels.tsv", "rec_gt.txt")
_LOOK = 4096
_BOM = "\ufeff".encode()


def detect(path: Path) -> bool:
    """A `.txt` or `.tsv` file whose first line that is no comment has a tab, or a folder with a `labels.txt`."""
    if path.is_dir():
        return _in(path) is not None
    if path.suffix not in (".txt", ".tsv"):
        return False
    with path.open("rb") as stream:
        lines = stream.read(_LOOK).removeprefix(_BOM).split(b"\n")
    return b"\t" in next((line for line in lines if line.strip() and not _is_comment(line)), b"")


def _in(folder: Path) -> Path | None:
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def read(path: Path, options: ReadOptions) -> Content:
    """One sample per labelled image, in the order of the labels that hold."""
    file = path if path.is_file() else _in(path)
    if file is None:
        raise FileNotFoundError(path)
    collector = Collector(file, strict=options.strict)
    folder = Folder(options.root or file.parent)
    kept = held(file, options.limits.manifest_line_bytes, collector)
    for name, (number, text) in kept.items():
        if text == SKIP:
            collector.note(number, f"{name}: skipped")
            continue
        try:
            collector.add(Sample(id=name, image=folder.find(name), text=text), number)
        except Refusal as refusal:
            collector.reject(number, refusal.what, refusal.remedy)
    return collector.content()


def read_labels(file: Path, limits: Limits | None = None) -> tuple[dict[str, str], tuple[Reject, ...]]:
    """The label that holds of each path in one file (`SKIP` for those that were skipped), and the lines that are wrong.

    Whether the paths name anything is not looked at. Raises OSError, and FormatError for thousands of wrong lines.
    """
    collector = Collector(file)
    found = held(file, (limits or Limits()).manifest_line_bytes, collector)
    return {name: text for name, (_, text) in found.items()}, collector.rejects


def held(file: Path, limit: int, collector: Collector) -> dict[str, tuple[int, str]]:
    """The label that holds for each image, and its line in the file; lines that are wrong go to the collector."""
    kept: dict[str, tuple[int, str]] = {}
    for number, line in bounded_lines(file, limit):
        try:
            if line is None:
                raise Refusal(f"the line is longer than {limit:,} bytes")
            name, text, changed = _parse(line)
        except Refusal as refusal:
            collector.reject(number, refusal.what, refusal.remedy)
            continue
        if changed:
            collector.note(number, "the text was not NFC and was normalised")
        if name:
            earlier = kept.pop(name, None)
            if earlier is not None:
                collector.note(earlier[0], f"{name}: line {number} holds instead of this one")
            kept[name] = (number, text)
    return kept


def _is_comment(line: bytes) -> bool:
    return line.startswith(b"# ") or (line.startswith(b"#") and b"\t" not in line)


def _parse(line: bytes) -> tuple[str, str, bool]:
    try:
        text = line.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Refusal(f"byte {error.start + 1} of the line is not UTF-8", "save the file as UTF-8") from error
    if not text.strip() or _is_comment(line):
        return "", "", False
    name, tab, label = text.partition("\t")
    if not tab:
        raise Refusal("the line has no tab", "write path<TAB>text")
    label, changed = clean_text(label)
    return name, label, changed


def append(file: Path, name: str, text: str) -> None:
    """Add one label so that it is on the disk when this returns. Raises FormatError for what a line cannot hold.

    A torn last line (the leftover of a crash) is ended first, so that it can never swallow the new one.
    """
    if any(char in name for char in "\t\n\r") or any(char in text for char in "\n\r") or name.startswith("# "):
        raise FormatError("a label cannot hold a line end, nor its path a tab or '# ' at its start", where=file)
    append_line(file, f"{name}\t{text}")


def write(samples: Sequence[Sample], target: Path) -> Path:
    """`labels.txt` and `images/` into the folder `target`. Raises FormatError for a text of several lines or none."""
    file = target / NAMES[0]
    used: set[str] = set()
    lines = []
    for sample in samples:
        image = place_line(sample, target / "images", used)
        if sample.text is None or any(char in sample.text for char in "\n\r") or sample.text == SKIP:
            raise FormatError(f"sample {sample.id!r} has no text that one line can hold", where=file)
        lines.append(f"{image.relative_to(target).as_posix()}\t{sample.text}\n")
    write_text(file, "".join(lines))
    return file
