"""`emendo read --fields`: documents to checked fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import output
from .context import Context

if TYPE_CHECKING:
    from ..pages.fieldfiles import FieldsFile


def read_to_fields(
    inputs: list[Path], context: Context, *, reader: str, out: Path | None, again: bool, log: Path | None, json: bool
) -> int:
    """Write the fields of each document, and log what may be wrong in the folder `log`; the exit status."""
    from ..pages.fieldfiles import read_fields

    opened = context.document_reader(reader=reader)

    def logged(path: Path, file: FieldsFile | None) -> None:
        from ..mine.errorlog import log_error
        from ..tools.files import sha256_file

        if log is not None:
            # documents of one name in two folders are two, and one that is read again is the same
            name = f"{path.stem}-{sha256_file(path)[:8]}"
            log_error(log, name, path, file.fields if file else None, model=opened.model)

    with output.progress("reading", quiet=json) as bar:
        result = read_fields(
            inputs, reader=opened, settings=context.settings, out=out, again=again, progress=bar, done=logged
        )
    for failure in result.failures:
        output.complain(failure)
    output.show(result.summary(), result.sentences(), json=json)
    return 2 if result.failures else 0
