"""What `emendo label` does before it serves plates: look at the folder, take in labels, read ahead."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from ..errors import EmendoError
from . import output

if TYPE_CHECKING:
    from ..label.desk import Desk


def take_plates(folder: Path, *, plates: bool) -> bool:
    """Make `folder` a workspace of plates when its pictures are crops; whether it is one."""
    from ..label.crops import plate_workspace

    return plate_workspace(folder, plates=plates) is not None


def begin_plates(desk: Desk) -> None:
    """Take in what is new in the folder and in `labels.txt`, say so, and let the model read ahead on a thread."""
    from ..label.plates import PlateBook

    book = PlateBook(desk.workspace, desk.store, reader=desk.plate_reader)
    seen = book.refresh()
    for failure in seen.failures:
        output.complain(failure)
    for sentence in seen.sentences():
        output.note(sentence)

    def read_ahead() -> None:
        try:
            book.prelabel(book.queue("waiting"))
        except EmendoError as error:
            output.complain(f"no pre-labels: {error}")

    Thread(target=read_ahead, daemon=True).start()
