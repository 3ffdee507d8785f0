from __future__ import annotations

from pathlib import Path

from emendo.mine import workspace_advice, workspace_queue
from emendo.mine.workspace import learning_points
from emendo.types import Character, Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry, Line


def fill(workspace: Workspace) -> None:
    rows = []
    for number, (text, sure) in enumerate([("le soir", 0.99), ("la nuit", 0.6), ("midi", 0.9), ("minuit", 0.8)], 1):
        name = f"{number:016x}"
        line = Line(
            id=name, document="journal", number=number, text_line=number, page=1 + number // 3, image="x", sha256=name
        )
        rows.append((line, Reading(text, sure, tuple(Character(c, sure, 0, 1) for c in text), "base")))
    with workspace.store() as store:
        store.put_document("journal", rows)
        entry = Entry(line=rows[3][0].id, reading="minuit", text="minuit", verdict=Verdict.ACCEPTED, author="a")
        store.add_correction(entry)


def decision(champion: str, lines: int, before: int, after: int) -> dict[str, object]:
    figures = {"lines": 40, "characters": 2000, "edits_champion": before, "edits_candidate": after}
    return {
        "champion": champion,
        "candidate": f"m{lines}@ff",
        "findings": [{"name": "lines", "figures": {}}, {"name": "better", "figures": figures}],
        "in_use": champion.partition("@")[0],
        "trained_on": {"usable": lines, "samples": lines + 1},
    }


def test_queue_of_a_workspace(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    fill(workspace)
    found = workspace_queue(workspace)
    assert [line.number for line, _ in found] == [3, 1, 2]  # line 2 is four times as unsure as usual: hopeless
    assert len(workspace_queue(workspace, most=2)) == 2


def test_advice_without_any_run(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    assert workspace_advice(workspace).sentence.startswith("Correct about")
    fill(workspace)
    advice = workspace_advice(workspace)
    assert advice.now.lines == 1
    assert advice.pages[0][1].lines == 10  # five pages of two lines


def test_advice_from_the_log_of_the_gate(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    with workspace.store() as store:
        store.add_event("gate", decision("base@00", 75, 400, 200))
        store.add_event("gate", decision("m75@ff", 150, 200, 150))
    advice = workspace_advice(workspace)
    assert [(p.lines, p.cer) for p in advice.measured] == [(0, 0.2), (75, 0.1), (150, 0.075)]
    assert "from 7.5 % to" in advice.sentence


def test_a_refused_bundle_leaves_no_point() -> None:
    assert learning_points([{"in_use": "base", "candidate": "x", "findings": [], "trained_on": {}}]) == []
    unknown = decision("m@00", 75, 9, 8)
    unknown["trained_on"] = {}
    assert learning_points([unknown]) == []
