"""Several people at one workspace: lines in work, history and restore, second readings, people; on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emendo.workspace.folder import Workspace
from emendo.workspace.people import Role
from emendo.workspace.seconds import drawn

from ..drawn import drawn_rows
from .teams import Team, team_at

FIRST = f"{0:016x}"


@pytest.fixture
def team(empty_workspace: Workspace) -> Iterator[Team]:
    (empty_workspace.root / "emendo.toml").open("a").write("[label]\nsecond_share = 1\n")
    with empty_workspace.store() as store:
        store.put_document("notes", drawn_rows(12))
    with team_at(empty_workspace) as made:
        yield made


def cards(client: TestClient, count: int = 4, start: int = 0, order: str = "document", fresh: bool = False) -> Any:
    query: dict[str, Any] = {"order": order, "count": count, "start": start, "fresh": fresh}
    answer = client.get("/api/cards", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def numbers(client: TestClient, **more: Any) -> list[int]:
    return [card["number"] for card in cards(client, **more)["cards"]]


def save(client: TestClient, text: str | None, version: int = 0, line: str = FIRST, **more: Any) -> Any:
    verdict = "edited" if text else "skipped"
    sent = json.dumps({"text": text, "verdict": verdict, "version": version} | more)
    return client.post(f"/api/lines/{line}", content=sent, headers={"Content-Type": "application/json"})


def test_two_people_get_different_lines(team: Team) -> None:
    ann, bob = team.by("ann"), team.by("bob")
    assert numbers(ann) == [1, 2, 3, 4]
    assert numbers(bob, count=3) == [5, 6, 7]
    assert numbers(ann, start=4, count=2) == [8, 9]
    assert numbers(ann, count=6) == [1, 2, 3, 4, 8, 9], "going back shows the same lines"
    assert numbers(bob, start=3, count=9) == [10, 11, 12]
    asked = cards(bob, start=6)
    assert (asked["cards"], asked["total"], asked["elsewhere"]) == ([], 6, 6)
    assert cards(team.by("rita"))["total"] == 0
    ann.post("/api/leases/free", json={"lines": [f"{at:016x}" for at in (0, 7)]})
    assert numbers(bob, start=6) == [1, 8], "what others gave back comes at the end"


def test_a_fresh_round_leaves_out_what_is_done(team: Team) -> None:
    ann = team.by("ann")
    assert numbers(ann) == [1, 2, 3, 4]
    save(ann, "done")
    assert numbers(ann, fresh=True) == [2, 3, 4, 5]


def test_somebody_elses_line_is_not_changed(team: Team) -> None:
    ann, bob = team.by("ann"), team.by("bob")
    cards(ann)
    refused = save(bob, "mine")
    assert refused.status_code == 409 and refused.json()["holder"] == "ann"
    assert team.desk.store.history(FIRST) == []
    kept = bob.post("/api/leases", json={"lines": [FIRST, f"{11:016x}", "unknown"]}).json()
    assert kept == {"mine": [f"{11:016x}"], "others": {FIRST: "ann"}}
    assert save(ann, "hers").status_code == 200
    assert save(bob, "his", version=1).status_code == 200, "the verdict has ended the lease"


def test_history_is_shown_and_restored_by_reviewers(team: Team) -> None:
    ann, rita = team.by("ann"), team.by("rita")
    save(ann, "one")
    save(team.by("bob"), "two", version=1)
    save(ann, None, version=2)
    shown = ann.get(f"/api/lines/{FIRST}/history").json()
    assert [(one["version"], one["author"], one["text"]) for one in shown] == [
        (1, "ann", "one"),
        (2, "bob", "two"),
        (3, "ann", None),
    ]
    want = {"version": 2, "expected": 3}
    assert ann.post(f"/api/lines/{FIRST}/restore", json=want).status_code == 403
    assert rita.post(f"/api/lines/{FIRST}/restore", json=want | {"expected": 2}).status_code == 409
    assert rita.post(f"/api/lines/{FIRST}/restore", json=want | {"version": 9}).status_code == 400
    back = rita.post(f"/api/lines/{FIRST}/restore", json=want).json()
    assert (back["version"], back["text"], back["author"], back["verdict"]) == (4, "two", "rita", "edited")
    assert [one.text for one in team.desk.store.history(FIRST)] == ["one", "two", None, "two"]


def test_a_second_reader_does_not_see_the_first_text(team: Team) -> None:
    ann, bob = team.by("ann"), team.by("bob")
    save(ann, "what ann saw")
    save(ann, "the same", line=f"{1:016x}")
    assert cards(ann, order="second")["cards"] == [], "never the same person"
    shown = cards(bob, order="second")["cards"]
    assert [(one["text"], one["version"], one["second"], one["author"]) for one in shown] == [
        ("the rain fell 1", 0, True, ""),
        ("over the hills 2", 0, True, ""),
    ]
    assert "what ann saw" not in str(shown)
    assert save(ann, "mine again", second=True).status_code == 400
    assert save(bob, "what bob saw", second=True).json()["version"] == 0
    assert save(bob, "what Bob saw", second=True).status_code == 200, "changed his mind"
    save(bob, "the same", line=f"{1:016x}", second=True)
    assert team.desk.card(FIRST).text == "what ann saw", "the first text holds"
    assert cards(team.by("rita"), order="second")["cards"] == [], "two readers are enough"


def test_a_reviewer_decides_where_two_readers_differ(team: Team) -> None:
    ann, bob, rita = team.by("ann"), team.by("bob"), team.by("rita")
    for at, (first, second) in enumerate([("abcd", "abcx"), ("same", "same"), ("left", "lift"), ("word", None)]):
        save(ann, first, line=f"{at:016x}")
        save(bob, second, line=f"{at:016x}", second=True)
    assert ann.get("/api/differences").status_code == 403
    found = rita.get("/api/differences").json()
    assert [(one["first"], one["other"], one["version"]) for one in found] == [
        ("abcd", "abcx", 1),
        ("left", "lift", 1),
        ("word", None, 1),
    ]
    decided = rita.post(f"/api/differences/{FIRST}", json={"text": "abcx", "verdict": "edited", "version": 1})
    assert (decided.json()["version"], decided.json()["author"]) == (2, "rita")
    again = rita.post(f"/api/differences/{FIRST}", json={"text": "abcy", "verdict": "edited", "version": 2})
    assert again.status_code == 400 and "nothing is to be decided" in again.json()["error"]
    kept = {"text": "left", "verdict": "edited", "version": 1}
    assert rita.post(f"/api/differences/{2:016x}", json=kept).json()["version"] == 1, "the first reader was right"
    assert [one["first"] for one in rita.get("/api/differences").json()] == ["word"]
    assert save(bob, "later", second=True).status_code == 400, "decided"
    over_all, pair = rita.get("/api/agreement").json()
    assert pair["readers"] == ["ann", "bob"] and over_all["readers"] == []
    assert (pair["lines"], pair["refused"], pair["same"]) == (3, 1, 1)
    assert (pair["edits"], pair["characters"], pair["exact"]) == (2, 12, 0.25)
    assert pair["cer_low"] <= pair["cer"] <= pair["cer_high"]


def test_the_sample_is_drawn_by_id_and_of_its_size() -> None:
    ids = [f"{at:016x}" for at in range(20_000)]
    chosen = {one for one in ids if drawn(one, 0.05)}
    assert 900 < len(chosen) < 1100 and chosen < {one for one in ids if drawn(one, 0.1)}
    assert not any(drawn(one, 0) for one in ids) and all(drawn(one, 1) for one in ids)


def test_an_admin_says_who_the_people_are(team: Team) -> None:
    ada, ann = team.by("ada"), team.by("ann")
    token = ada.post("/api/people", json={"name": "cleo", "role": "annotator"}).json()["token"]
    assert team.at(token).get("/api/state").json()["author"] == "cleo"
    assert ada.post("/api/people", json={"name": "cleo"}).status_code == 400
    ada.post("/api/people/change", json={"name": "cleo", "role": "reviewer"})
    assert team.at(token).get("/api/state").json()["role"] == "reviewer"
    new = ada.post("/api/people/renew", json={"name": "cleo"}).json()["token"]
    assert (team.at(token).get("/api/state").status_code, team.at(new).get("/api/state").status_code) == (401, 200)
    ada.post("/api/people/change", json={"name": "cleo", "active": False})
    assert team.at(new).get("/api/state").status_code == 401, "out at once"
    cards(ann, count=3)
    everybody = ada.get("/api/people").json()
    assert [(one["name"], one["role"], one["active"]) for one in everybody["people"]][:2] == [
        ("ada", "admin", True),
        ("ann", "annotator", True),
    ]
    assert everybody["in_work"] == {"ann": 3} and "token" not in str(everybody)
    assert ada.post("/api/people/remove", json={"name": "cleo"}).status_code == 200
    for act, sent in (("change", {"name": "ada", "role": "annotator"}), ("remove", {"name": "ada"})):
        assert ada.post(f"/api/people/{act}", json=sent).status_code == 400
    assert ada.post("/api/people/renew", json={"name": "nobody"}).status_code == 400


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\u202eb", "<script>alert(1)</script>"])
def test_odd_texts_are_cleaned_or_refused(team: Team, text: str) -> None:
    answer = save(team.by("ann"), text)
    assert answer.status_code in {200, 400, 422}
    if answer.status_code == 200:
        held = team.desk.card(FIRST).text
        assert held == answer.json()["text"] and not set(held) & set("\x00\ud800\u202e")


def test_who_is_new_here_sees_their_role(team: Team) -> None:
    for name, role in (("ann", Role.ANNOTATOR), ("rita", Role.REVIEWER), ("ada", Role.ADMIN)):
        assert team.by(name).get("/api/state").json()["role"] == role.value
