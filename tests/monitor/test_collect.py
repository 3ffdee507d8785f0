"""Pictures that were captured and what people said of them become samples, and are forgotten with their author."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from emendo.cli import main
from emendo.image.load import sample_image
from emendo.monitor import Captures, Seen, SeenLine, Truth
from emendo.monitor.captures import Picture
from emendo.monitor.collect import collect
from emendo.monitor.seen import new_id
from emendo.types import Origin
from emendo.workspace.folder import Workspace

from ..serve.served import png_of

NOW = datetime.now(UTC)
PAGE = np.full((100, 200, 3), 255, np.uint8)
PAGE[10:30, 20:120] = 0
BOX = ((20.0, 10.0), (120.0, 10.0), (120.0, 30.0), (20.0, 30.0))


def seen(
    held: Captures, kind: str = "line", *lines: SeenLine, picture: bytes | None = None, document: str = ""
) -> Seen:
    """A reading among the captures."""
    content = Picture(png_of(PAGE) if picture is None else picture, NOW)
    image = content.name if content.content else ""
    one = Seen(id=new_id(), at=NOW, kind=kind, lines=lines, document=document, image=image, model="base@1")
    held.add([one], [content] if image else [])
    return one


def told(held: Captures, one: Seen, text: str, line: int | None = None, author: str = "ann", later: int = 0) -> None:
    at = NOW + timedelta(seconds=later)
    held.add_truths([Truth(id=one.id, at=at, author=author, text=text, line=line)])


def test_a_line_with_the_last_that_was_said_of_it(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    wrong = seen(held, "line", SeenLine("ein Wrt", 0.5), document="book 1")
    right = seen(held, "line", SeenLine("zwei", 0.9))
    seen(held, "line", SeenLine("nobody said anything", 0.9))
    told(held, wrong, "ein Mord")
    told(held, wrong, "ein Wort", later=1)
    told(held, right, "zwei", author="bob")
    first, second = collect(held).samples
    assert (first.id, first.text, first.group, first.origin) == (wrong.id, "ein Wort", "book 1", Origin.CORRECTED)
    assert first.attributes["author"] == "ann" and first.attributes["reading"] == "ein Wrt"
    assert sample_image(first).shape == (100, 200, 3)
    assert (second.group, second.origin) == (right.id, Origin.ACCEPTED)
    assert [one.id for one in collect(held, without_authors={"ann"}).samples] == [right.id]
    assert [one.id for one in collect(held, since=NOW + timedelta(seconds=1)).samples] == [wrong.id]


def test_the_lines_of_a_page_are_cut_out_where_they_stand(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    lines = (SeenLine("eins", 0.5, None, BOX), SeenLine("zwo", 0.5, None, BOX), SeenLine("", 0.1, None, BOX))
    page, other = seen(held, "page", *lines), seen(held, "page", *lines)
    told(held, page, "eins\nzwei\n")
    told(held, page, "Eins", line=0, later=1)
    told(held, other, "only one line")
    found = collect(held)
    assert [(one.id, one.text) for one in found.samples] == [(f"{page.id}:0", "Eins"), (f"{page.id}:1", "zwei")]
    assert {one.group for one in found.samples} == {page.id} and sample_image(found.samples[0]).mean() < 20
    assert [one.what for one in found.rejects] == [
        f"nothing stands in {page.id}:2",
        f"3 lines of {other.id} were read and 1 are right: which is which?",
    ]


def test_plates_are_grouped_by_what_they_say_and_documents_have_fields(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    plate = seen(held, "plate", SeenLine("AB0", 0.5))
    document = seen(held, "document")
    told(held, plate, "ABO")
    held.add_truths([Truth(id=document.id, at=NOW, author="ann", fields={"total": "9.00"})])
    first, second = collect(held).samples
    assert (first.subset, first.group) == ("plate", "plate AB0") and second.fields == {"total": "9.00"}


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    bare = seen(held, "line", SeenLine("a", 0.5), picture=b"")
    gone = Seen(id=new_id(), at=NOW, kind="line")
    told(held, bare, "b")
    told(held, gone, "b")
    found = collect(held)
    assert not found.samples
    assert [one.what for one in found.rejects] == [
        f"the picture of {bare.id} was not kept",
        f"the reading {gone.id} is not among the captures",
    ]


def test_a_data_set_to_train_with_and_without_who_is_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", str(tmp_path / "ws")]
    workspace = Workspace.init(tmp_path / "ws")
    held = Captures(workspace.captures)
    assert main(["monitor", "collect", *place]) == 2 and "no truth of a captured picture" in capsys.readouterr().err
    for number in range(6):
        one = seen(held, "line", SeenLine("read", 0.5), document=f"book {number}")
        told(held, one, f"right {number}", author="ann" if number % 2 else "bob")
    assert main(["monitor", "collect", *place, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["samples"], said["groups"], said["origins"], said["existed"]) == (6, 6, {"corrected": 6}, False)
    assert main(["monitor", "collect", *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["existed"]
    assert main(["forget", "--author", "ann", *place, "--no-rebuild"]) == 0
    assert not (workspace.datasets / said["id"]).exists()
    capsys.readouterr()
    assert main(["monitor", "collect", *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 3
    assert main(["monitor", "collect", *place, "--since", "soon"]) == 2
