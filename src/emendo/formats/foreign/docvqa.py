"""DocVQA (Mathew et al., WACV 2021): {"data": [{"questionId", "question", "image", "answers", "data_split", ...}]}.

One row a question: the text is the first answer, the question stands in `question`, all answers in `answers`. The
questions of one document are never split.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..base import Refusal
from .common import Images, Row, entry_of, head, jsons, load, members, part

_SPLITS = ("train", "val", "test")


def detect(path: Path) -> bool:
    """A JSON object with questions, or a folder with such files."""
    return any(b'"questionId"' in start and start.lstrip()[:1] == b"{" for start in map(head, jsons(path)))


def rows(path: Path, images: Images, limit: int) -> Iterator[tuple[int, Row | Refusal]]:
    """One row a question."""
    number = 0
    for file in (one for one in jsons(path) if detect(one)):
        content = load(file, dict, limit)
        for value in members(content, "data", file):
            number += 1
            try:
                yield number, _row(entry_of(value), images)
            except Refusal as refusal:
                yield number, refusal


def _row(entry: Row, images: Images) -> Row:
    answers = entry.get("answers")
    answers = [one for one in answers if isinstance(one, str)] if isinstance(answers, list) else []
    image = images.find(entry.get("image"), "", "documents")
    split = entry.get("data_split")
    return {
        "id": str(entry.get("questionId", "")) or image,
        "image": image,
        "language": "en",
        "subset": "docvqa",
        "group": str(entry.get("ucsf_document_id") or entry.get("docId") or image),
        "question": part(entry, "question", str),
        "answers": answers,
        **({"text": answers[0]} if answers else {}),
        **({"split": split} if split in _SPLITS else {}),
    }
