"""A candidate beside the champion: nobody waits for it, each document stays with its model, a worse one is stopped."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emendo.cli import main
from emendo.errors import Busy
from emendo.monitor import Captures, Seen, Truth
from emendo.monitor.trial import CANDIDATE, CHAMPION
from emendo.release.promote import install
from emendo.serve.keys import Access, add_key
from emendo.serve.models import tried
from emendo.serve.reading import Answer, Served, Task, load_served
from emendo.serve.service import Service
from emendo.serve.trial import lane
from emendo.serve.trial.lane import Lane
from emendo.types import Reading
from emendo.workspace.folder import Workspace

from .served import HOST, LINES, client_of, colour_model, png, settings_of

SWAPPED = {"a": "b"}
NOW: dict[str, Any] = {
    **LINES,
    "serve__poll_seconds": 0.02,
    "serve__probe_seconds": 600,
    "trial__settle_minutes": 0,
    "trial__share": 1.0,
}


@pytest.fixture(autouse=True)
def _usual_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else other work on the machine could keep what is read along from ever being read."""
    monkeypatch.setattr(lane, "LEAST_PRIORITY", 0)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace whose champion reads what stands there."""
    made = Workspace.init(tmp_path / "ws")
    made.set_champion(install(made, colour_model(tmp_path / "right", name="right")).id)
    return made


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    """A candidate that reads a and b the wrong way round."""
    return str(colour_model(tmp_path / "wrong", name="wrong", wrong=SWAPPED))


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that is about to, also on a machine that is busy."""
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def serving(workspace: Workspace, **values: Any) -> Service:
    return Service(settings_of(**{**NOW, **values}), workspace=workspace.root, probe=lambda _: None)


def read(client: TestClient, text: str, document: str = "") -> dict[str, Any]:
    answer = client.post(f"{HOST}/v1/read", params={"document": document}, content=png(text))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def say(service: Service, answer: dict[str, Any], text: str) -> None:
    service.trials.tell(Truth(id=answer["id"], at=datetime.now(UTC), author="ann", text=text))


def state(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/v1/trial").json())


def rows(workspace: Workspace) -> list[Seen]:
    name = json.loads(workspace.trial_file.read_text(encoding="utf-8"))["id"]
    return list(Captures(workspace.trials / name).seen())


def test_a_shadow_reads_along_and_is_never_answered(workspace: Workspace, wrong: str) -> None:
    told: list[Seen] = []
    service = Service(
        settings_of(**NOW),
        workspace=workspace.root,
        probe=lambda _: None,
        observers=[lambda seen, content: told.append(seen)],
    )
    with client_of(service) as client:
        assert state(client) == {"format": "emendo-trial/1", "state": "none"}
        service.try_out(wrong)
        assert state(client)["state"] == "running"
        answers = [read(client, "ab", f"page {number}") for number in range(3)]
        until(lambda: state(client)["counts"]["candidate"] == 3)
        until(lambda: len(rows(workspace)) == 6)
        metrics = client.get("/metrics").text
    assert {answer["text"] for answer in answers} == {"ab"}
    kept = {(one.id, one.arm): one.text for one in rows(workspace)}
    assert {kept[answer["id"], CANDIDATE] for answer in answers} == {"ba"}
    assert [one.arm for one in told] == [CHAMPION] * 3, "observers hear of answers only"
    assert 'emendo_trial_readings_total{arm="candidate"} 3.0' in metrics and "emendo_trial_running 1.0" in metrics


@pytest.mark.parametrize("pairs", [True, False])
def test_an_ab_trial_keeps_a_document_with_one_model_also_after_a_restart(
    workspace: Workspace, wrong: str, pairs: bool
) -> None:
    names = [f"book {number}" for number in range(12)]
    values = {"trial__model": wrong, "trial__mode": "ab", "trial__share": 0.5, "trial__pairs": pairs}
    service = serving(workspace, **values)
    with client_of(service) as client:
        first = {name: read(client, "ab", name)["model"] for name in names}
        again = {name: read(client, "abba", name)["model"] for name in names}
        other = read(client, "abba"), read(client, "abba")
        plan = state(client)["id"]
    assert first == again and len(set(first.values())) == 2
    assert other[0]["model"] == other[1]["model"], "an image without a name stays with one model too"
    service = serving(workspace, **values)
    with client_of(service) as client:
        assert state(client)["id"] == plan
        assert {name: read(client, "ba", name)["model"] for name in names} == first
        until(lambda: len({one.arm for one in rows(workspace)}) == 2)


def test_another_service_of_the_workspace_leaves_a_trial_alone(
    workspace: Workspace, wrong: str, tmp_path: Path
) -> None:
    """Also one that has another model in use."""
    first = serving(workspace)
    with client_of(first) as client:
        first.try_out(wrong)
        other = colour_model(tmp_path / "other", name="other", wrong={"c": "d"})
        second = serving(workspace, model=str(other))
        with client_of(second):
            assert second.trials.running is None
            with pytest.raises(Busy, match="another emendo is at `trial` here"):
                second.try_out(wrong)
        assert json.loads(workspace.trial_file.read_text(encoding="utf-8"))["state"] == "running"
        assert state(client)["state"] == "running"
        first.trials.stop()
    third = serving(workspace)
    with client_of(third) as client:
        third.try_out(wrong)
        assert state(client)["state"] == "running"


def test_a_worse_candidate_is_stopped_and_not_tried_again(workspace: Workspace, wrong: str) -> None:
    said: list[str] = []
    values = {"trial__model": wrong, "trial__mode": "ab"}
    service = Service(settings_of(**{**NOW, **values}), workspace=workspace.root, probe=lambda _: None, log=said.append)
    with client_of(service) as client:
        for number in range(12):
            answer = read(client, "ab", f"page {number}")
            say(service, answer, "ab")
        until(lambda: state(client)["state"] == "ended")
        found = state(client)
        assert found["judgement"]["verdict"] == "worse" and "worse after" in found["why"]
        assert found["judgement"]["candidate_rate"] > found["judgement"]["champion_rate"] == 0
        assert {read(client, "ab", f"page {number}")["text"] for number in range(12)} == {"ab"}
        metrics = client.get("/metrics").text
        assert 'emendo_trial_verdict{verdict="worse"} 1.0' in metrics and "emendo_trial_running 0.0" in metrics
    with client_of(serving(workspace, **values)) as client:
        assert state(client)["id"] == found["id"] and state(client)["state"] == "ended"
    assert sum("answers everything" in line for line in said) == 1
    store = workspace.store()
    assert [event.data["verdict"] for event in store.events("trial")] == ["worse"]
    store.close()


def test_a_better_candidate_is_proposed_and_not_put_in_use(workspace: Workspace, tmp_path: Path) -> None:
    said: list[str] = []
    workspace.set_champion(install(workspace, colour_model(tmp_path / "w", name="w", wrong=SWAPPED)).id)
    better = str(colour_model(tmp_path / "better", name="better"))
    service = Service(settings_of(**NOW), workspace=workspace.root, probe=lambda _: None, log=said.append)
    with client_of(service) as client:
        service.try_out(better)
        before = client.get("/v1/model").json()
        for number in range(12):
            say(service, read(client, "ab", f"page {number}"), "ab")
        until(lambda: state(client)["state"] == "ended")
        assert state(client)["judgement"]["verdict"] == "better"
        assert client.get("/v1/model").json() == before
    assert f"the trial says better: run `emendo promote {better}`" in said


def test_truths_told_before_a_restart_count_after_it(workspace: Workspace, wrong: str) -> None:
    service = serving(workspace, trial__settle_minutes=60)
    with client_of(service) as client:
        service.try_out(wrong)
        answers = [read(client, "ab", f"page {number}") for number in range(12)]
        until(lambda: state(client)["counts"]["candidate"] == 12)
        for answer in answers:
            say(service, answer, "ab")
        assert state(client)["judgement"] is None, "more of these documents may still come"
    row = json.loads(workspace.trial_file.read_text(encoding="utf-8"))
    row["how"]["settle_minutes"] = 0
    workspace.trial_file.write_text(json.dumps(row), encoding="utf-8")
    with client_of(serving(workspace)) as client:
        until(lambda: state(client)["state"] == "ended")
        assert state(client)["judgement"]["verdict"] == "worse" and state(client)["judgement"]["documents"] == 12


def test_a_trial_ends_when_the_champion_changes(workspace: Workspace, wrong: str, tmp_path: Path) -> None:
    other = str(colour_model(tmp_path / "other", name="other", wrong={"c": "d"}))
    service = serving(workspace)
    with client_of(service) as client:
        service.try_out(wrong)
        service.swap(other)
        read(client, "ab")
        until(lambda: state(client)["state"] == "ended")
        assert state(client)["why"] == "the model in use was changed"


def test_who_cannot_be_tried_is_refused_in_one_sentence(workspace: Workspace, wrong: str, tmp_path: Path) -> None:
    broken = colour_model(tmp_path / "broken", name="broken")
    (broken / "model.onnx").write_bytes(b"no graph")
    key = add_key(tmp_path / "keys", "ann", Access.ADMIN)
    service = Service(settings_of(**NOW, serve__api_keys=str(tmp_path / "keys")), workspace=workspace.root)
    with client_of(service, headers={"Authorization": f"Bearer {key}"}) as client:

        def refused(reference: str, status: int = 409) -> str:
            answer = client.post("/v1/trial", json={"reference": reference})
            assert answer.status_code == status, answer.text
            return str(answer.json()["error"]["message"])

        assert "model.onnx differs" in refused(str(broken))
        assert "nowhere" in refused(str(tmp_path / "nowhere"))
        assert "is the model in use" in refused("champion")
        assert client.post("/v1/trial", json={"reference": "x", "shares": 1}).status_code == 422
        assert client.delete("/v1/trial").json()["error"]["message"].startswith("no trial goes on")
        assert state(client)["state"] == "none" and read(client, "ab")["text"] == "ab"
        assert client.post("/v1/trial", json={"reference": wrong}).status_code == 200
        assert "is being tried" in refused(wrong, 409)
        assert client.delete("/v1/trial").json()["why"] == "stopped by a person"


def test_a_damaged_file_of_a_trial_does_not_keep_the_service_from_starting(workspace: Workspace) -> None:
    said: list[str] = []
    workspace.trial_file.write_text('{"format": "emendo-trial/1", "how": {"share": 7}}', encoding="utf-8")
    service = Service(settings_of(**NOW), workspace=workspace.root, probe=lambda _: None, log=said.append)
    with client_of(service) as client:
        assert read(client, "ab")["text"] == "ab"
    assert len(said) == 1 and "trial.json: holds no trial" in said[0]


class Pair:
    """Two models by name: the champion answers at once, the candidate does what a test wants."""

    def __init__(self, candidate: Any) -> None:
        self.candidate = candidate

    def load(self, reference: str) -> Served:
        """As `load_served`."""
        act = self.candidate if reference == "candidate" else lambda: None

        def reader(image: Any, stopped: Any) -> Answer:
            act()
            return Answer(Reading("read", 1.0, (), reference or "champion"), (1, 1))

        return Served(reference, reference or "champion", {"line": reader}, "", {"line": 0.001})


@contextmanager
def paired(candidate: Any, **values: Any) -> Iterator[tuple[Service, TestClient]]:
    service = Service(
        settings_of(**{**NOW, "trial__model": "candidate", **values}),
        load=Pair(candidate).load,
        probe=lambda _: None,
    )
    with client_of(service) as client:
        yield service, client


def test_a_slow_shadow_delays_nobody_and_what_is_too_much_is_left_out() -> None:
    go, begun = threading.Event(), threading.Semaphore(0)

    def slow() -> None:
        begun.release()
        assert go.wait(60)

    with paired(slow, trial__queue=2) as (_, client):
        read(client, "a", "first")
        assert begun.acquire(timeout=30)
        for number in range(5):
            assert read(client, "ab", f"{number}")["model"] == "champion"
        assert state(client)["counts"]["lost"] == 3
        assert 'emendo_trial_lost_total{reason="full"} 3.0' in client.get("/metrics").text
        go.set()
        until(lambda: state(client)["counts"]["candidate"] == 3)


def test_what_is_read_along_too_late_is_not_told_of_the_next_trial() -> None:
    go, begun = threading.Event(), threading.Event()

    def slow() -> None:
        if not begun.is_set():
            begun.set()
            assert go.wait(60)
            raise RuntimeError("no memory")

    with paired(slow) as (service, client):
        read(client, "a", "first")
        assert begun.wait(30)
        service.trials.stop()
        service.trials.start(service.keeper.served, "candidate")
        go.set()
        until(lambda: 'emendo_trial_lost_total{reason="failed"} 1.0' in client.get("/metrics").text)
        read(client, "b", "second")
        until(lambda: state(client)["counts"]["candidate"] == 1)
        assert state(client)["counts"] == {"candidate": 1, "champion": 1, "kept": 2, "failed": 0, "lost": 0}


def test_nothing_is_read_along_while_somebody_waits() -> None:
    busy, done = threading.Event(), []
    busy.set()
    made = Lane(2, 10, busy.is_set, done.append)
    try:
        assert made.offer("one", 6) and not made.offer("two", 6), "too many bytes"
        assert made.offer("two", 1) and not made.offer("three", 1), "too many"
        time.sleep(0.1)
        assert not done
        busy.clear()
        until(lambda: done == ["one", "two"])
    finally:
        made.stop()
    assert not made.offer("late", 1)


def test_a_candidate_that_fails_is_answered_for_and_taken_out() -> None:
    def fail() -> None:
        raise RuntimeError("no memory")

    with paired(fail, trial__mode="ab") as (_, client):
        for number in range(7):
            assert read(client, "ab", f"{number}")["model"] == "champion"
        until(lambda: state(client)["state"] == "ended")
        assert "failed on 5 images in a row (RuntimeError)" in state(client)["why"]
        assert state(client)["counts"]["failed"] == 5


def test_only_an_administrator_starts_and_stops(workspace: Workspace, wrong: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    reader, admin = add_key(keys, "reader", Access.READ), add_key(keys, "admin", Access.ADMIN)
    with client_of(serving(workspace, serve__api_keys=str(keys))) as client:

        def asked(method: str, key: str, **more: Any) -> int:
            return client.request(method, "/v1/trial", headers={"Authorization": f"Bearer {key}"}, **more).status_code

        body = {"json": {"reference": wrong}}
        assert [asked("POST", reader, **body), asked("DELETE", reader), asked("GET", reader)] == [403, 403, 200]
        assert [asked("POST", admin, **body), asked("DELETE", admin), asked("DELETE", admin)] == [200, 200, 400]


def test_the_report_judges_what_was_captured(
    workspace: Workspace, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trial", "report", "--workspace", str(workspace.root)]) == 2
    assert "has had no trial" in capsys.readouterr().err
    service = serving(workspace, trial__settle_minutes=60)
    with client_of(service) as client:
        service.try_out(wrong)
        for number in range(12):
            say(service, read(client, "ab", f"page {number}"), "ab")
        until(lambda: state(client)["counts"]["candidate"] == 12)
    assert main(["trial", "report", "--workspace", str(workspace.root), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "worse" and found["apart_rate"] == 1.0
    folder = workspace.trials / json.loads(workspace.trial_file.read_text(encoding="utf-8"))["id"]
    assert main(["trial", "report", "--workspace", str(workspace.root), "--captures", str(folder)]) == 1
    assert "the candidate is worse after" in capsys.readouterr().err
    assert main(["trial", "report", "--captures", str(folder / "none")]) == 2


def test_the_usual_load_and_probe_serve_a_trial_too(workspace: Workspace, wrong: str) -> None:
    settings = settings_of(**NOW)
    tried(wrong, workspace.root, settings)
    found = load_served(wrong, workspace.root, settings).read(Task("line", png("ab")), settings)
    assert found.reading.text == "ba"


def test_a_key_file_that_is_none_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (tmp_path, tmp_path / "none"):
        assert main(["trial", "status", "--key-file", str(file)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: {file}: is no file with a key (") and "`emendo api-key`" in said


def test_before_anything_is_judged_the_status_says_when_it_will_be(
    workspace: Workspace, wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = serving(workspace, trial__settle_minutes=7)
    with client_of(service) as client:
        service.try_out(wrong)
        row = state(client)
    monkeypatch.setattr("emendo.client.Client.trial", lambda _: row)
    assert main(["trial", "status"]) == 0
    assert "nothing is known yet: corrections count 7 minutes after they came" in capsys.readouterr().err
