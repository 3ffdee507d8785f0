"""A workspace in which one document and one author have left traces everywhere, and a call that is killed."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from emendo.correct import samples
from emendo.datasets.build import build
from emendo.fields import Document, canonical
from emendo.fields.schema import read_document
from emendo.flows.forget import forget
from emendo.mine.errorlog import log_error
from emendo.monitor import Captures, Seen, SeenLine, Truth
from emendo.settings import Settings
from emendo.tools.files import sha256_file
from emendo.types import Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.people import People
from emendo.workspace.roles import Role
from emendo.workspace.rows import Kind, Line
from emendo.workspace.seconds import Seconds
from emendo.workspace.store import Entry

SECRET = "zanzibar ümlaut quokka 4711"
"""Stands in the document that is to go, and nowhere else."""
OWN = "wombat of the author"
"""What the author wrote, in whichever document."""
KEPT = "a harmless sentence"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def note(workspace: Workspace, name: str, lines: list[tuple[str, str, str]]) -> None:
    """A note as `emendo read` leaves it, corrected by people: (read, right, author) a line."""
    root = workspace.root
    folder = root / f"{name}_lines"
    folder.mkdir(parents=True)
    (root / f"{name}.pdf").write_bytes(f"%PDF {name} {lines[0][0]}".encode())
    rows, stored = [], []
    for at, (read, _, _) in enumerate(lines, start=1):
        image = folder / f"line_{at:03}.png"
        image.write_bytes(f"picture {name} {at}".encode())
        sha = sha256_file(image)
        rows.append({"id": sha[:16], "number": at, "text_line": at, "page": 1, "image": image.name, "text": read})
        line = Line(
            id=sha[:16],
            document=name,
            number=at,
            text_line=at,
            page=at,
            image=image.relative_to(root).as_posix(),
            sha256=sha,
        )
        stored.append((line, Reading(read, 0.5, (), "base")))
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / f"{name}.txt.orig").write_text("".join(f"{read}\n" for read, _, _ in lines))
    (root / f"{name}.txt").write_text("".join(f"{right}\n" for _, right, _ in lines))
    (folder / ".read.json").write_text(
        json.dumps({"job": {"source": f"{name}.pdf", "document": "", "layout": "", "model": "base", "dpi": 200}})
    )
    with workspace.store() as store, store.transaction() as transaction:
        transaction.put_document(name, stored)
        for (line, reading), (_, right, author) in zip(stored, lines, strict=True):
            source = f"note:{name}.txt:{line.text_line}"
            entry = Entry(
                line=line.id, reading=reading.text, text=right, verdict=Verdict.EDITED, author=author, source=source
            )
            transaction.add_corrections([entry])
        transaction.set_signature(name, "collected")
        transaction.add_event(
            "collect", {"document": name, "new": len(lines), "left_out": [f"{name} line 9: {SECRET}"]}
        )


def invoice(workspace: Workspace, name: str, seller: str, author: str) -> None:
    """A document whose fields somebody filled in, with its words, an entry in the log of errors, and its file."""
    root = workspace.root
    (root / name).write_bytes(f"%PDF {seller}".encode())
    sha = sha256_file(root / name)
    line = Line(
        id=sha[:16],
        document=name,
        number=1,
        text_line=1,
        page=1,
        image=name,
        sha256=sha,
        kind=Kind.DOCUMENT,
        attributes={"pages": 1},
    )
    filled = read_document({"seller": seller}).document
    with workspace.store() as store:
        store.put_document(name, [(line, Reading(canonical(Document()), 0.5, (), "base"))], kind=Kind.DOCUMENT)
        store.add_correction(
            Entry(line=line.id, reading="{}", text=canonical(filled), verdict=Verdict.EDITED, author=author)
        )
    words = workspace.hidden / "documents"
    words.mkdir(exist_ok=True)
    (words / f"{line.id}.1.json").write_text(json.dumps([[seller, 0, 0, 1, 1, 0, 1.0]]))
    log_error(workspace.hidden / "errors", name, root / name, None, truth=filled)
    (root / name).with_suffix(".fields.json").write_text(json.dumps({"document": name, "fields": {"seller": seller}}))


def learned(workspace: Workspace, model: str, without: tuple[str, ...] = (), base: str = "") -> str:
    """A data set of the lines that were corrected by now, a run, a kept report, and its model in use."""
    with workspace.store() as store:
        rows = list(samples(workspace, store, without_authors=without))
        mark = store.mark()
    built = build(rows, workspace, name="corrections")
    run = workspace.runs / f"{built.id}-{mark}-{model}" if base else workspace.runs / f"{built.id}-{mark}"
    run.mkdir()
    (run / "report.json").write_text(json.dumps({"model": model}))
    (run / "run.yaml").write_text(json.dumps({"base": {"id": base}}))
    (run / "first.log").write_text("".join(f"{row.text}\n" for row in rows))
    bundle(workspace.models / model, model, base)
    report = workspace.hidden / "reports" / built.id / model
    report.mkdir(parents=True)
    (report / "lines.jsonl").write_text(
        "".join(json.dumps({"id": row.id, "reference": row.text}) + "\n" for row in rows)
    )
    head = {"format": "emendo-report/1", "model": model, "dataset_hash": built.dataset.hash, "split": ""}
    (report / "report.json").write_text(json.dumps(head))
    workspace.set_champion(model, "better")
    return built.id


def bundle(folder: Path, model: str, base: str = "") -> None:
    """What of a bundle tells where it comes from."""
    folder.mkdir(parents=True)
    told = {"family": "ctc", "run": {"base": {"id": base}}, "parity": {"bundle": model}}
    (folder / "bundle.yaml").write_text(json.dumps(told))


def full_workspace(root: Path) -> Workspace:
    """`trips/secret.pdf` and `bill.pdf` hold SECRET, ben wrote OWN into `shared`, whose other lines are anna's."""
    workspace = Workspace.init(root)
    note(workspace, "plain", [("a harmles sentence", KEPT, "anna"), ("anoter one", "another one", "anna")])
    learned(workspace, "free")
    (root / "trips").mkdir()
    note(workspace, "trips/secret", [(f"{SECRET} as read", SECRET, "anna"), ("x", f"{SECRET} again", "anna")])
    invoice(workspace, "bill.pdf", SECRET, "anna")
    invoice(workspace, "other.pdf", "Harmless Ltd", "anna")
    note(workspace, "shared", [("womba of te author", OWN, "ben"), ("an her line", "and her line", "anna")])
    note(workspace, "own", [("womba twice", f"{OWN}, twice", "ben")])
    learned(workspace, "owing")
    learned(workspace, "child", base="owing")
    captures = Captures(workspace.captures)
    picture = captures.put_image(f"picture {SECRET}".encode(), AT)
    captures.add(
        [
            Seen(
                id="1", at=AT, kind="line", document="trips/secret.pdf", lines=(SeenLine(SECRET, 1.0),), image=picture
            ),
            Seen(id="2", at=AT, kind="line", document="plain.pdf", lines=(SeenLine(KEPT, 1.0),), caller="anna"),
            Seen(id="3", at=AT, kind="line", lines=(SeenLine(OWN, 1.0),), caller="ben"),
        ]
    )
    captures.add_truths(
        [Truth(id="1", at=AT, author="anna", text=f"{SECRET}!"), Truth(id="2", at=AT, author="ben", text=OWN)]
    )
    with workspace.store() as store:
        People(store.database).add("ben", Role.ANNOTATOR)
        line = store.lines("plain")[0].id
        with store.database.write() as connection:
            Seconds(store.database, 1.0).add(connection, line, f"{OWN}, second", Verdict.EDITED, "ben")
    return workspace


def holding(root: Path, text: str) -> list[str]:
    """Every file under `root` in whose bytes a text stands, as it is or as JSON writes it."""
    needles = (text.encode(), json.dumps(text)[1:-1].encode())
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return [str(path.relative_to(root)) for path in files if any(needle in path.read_bytes() for needle in needles)]


def killed(workspace: Workspace, step: int, document: str) -> int:
    """Erase a document in a process that dies with -9 when it tells this step; how it ended (`-signal`)."""
    child = get_context("fork").Process(target=_until, args=(workspace.root, step, document))
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _until(root: Path, step: int, document: str) -> None:
    steps = iter(range(1, 100))

    def log(_: str) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    forget(Workspace.open(root), Settings(), document=document, erase=True, rebuild=False, log=log)
