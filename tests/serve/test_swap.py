"""Another model takes over: nobody is kept waiting, nothing is lost, and a bad one changes nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emendo.errors import Busy, EngineError
from emendo.release.promote import install
from emendo.serve import models
from emendo.serve.keys import Access, add_key
from emendo.serve.models import Hooks, Keeper, tried
from emendo.serve.reading import Served, Task, named_now
from emendo.serve.service import GOOD_READS, Service
from emendo.workspace.folder import Workspace

from .served import LINES, Slow, client_of, colour_model, png, settings_of

SWAPPED = {"a": "b"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace whose champion reads what stands there; `models/other` reads a and b the wrong way round."""
    made = Workspace.init(tmp_path / "ws")
    first = install(made, colour_model(tmp_path / "right", name="right"))
    made.set_champion(first.id)
    return made


def other(workspace: Workspace, tmp_path: Path) -> str:
    return install(workspace, colour_model(tmp_path / "wrong", name="wrong", wrong=SWAPPED)).id


def served(name: str) -> Served:
    return Served(name, name, {}, "", {})


def test_the_champion_is_followed_under_load_and_every_request_is_answered(
    workspace: Workspace, tmp_path: Path
) -> None:
    values: dict[str, Any] = {**LINES, "serve__workers": 2, "serve__poll_seconds": 0.05}
    service = Service(settings_of(**values), workspace=workspace.root, probe=lambda _: None)
    second, first = other(workspace, tmp_path), workspace.champion()
    assert first is not None
    with client_of(service):
        counts: Counter[str] = Counter()
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                work = service.submit([Task("line", png("ab"))], time.monotonic() + 60)[0]
                counts[work.result.result(30).reading.text] += 1

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        names = []
        for model in (second, first.model, second):
            workspace.set_champion(model)
            while model not in service.keeper.describe()["model"]:
                time.sleep(0.01)
            names.append(service.keeper.describe()["model"])
            time.sleep(0.05)
        ended.set()
        for thread in threads:
            thread.join(30)
        assert service.metrics.text().decode().count('emendo_swaps_total{result="swapped"} 3.0') == 1
    assert set(counts) == {"ab", "ba"} and names[0] == names[2] != names[1]


def test_a_champion_that_cannot_be_used_leaves_the_old_one_in_place(workspace: Workspace, tmp_path: Path) -> None:
    said: list[str] = []
    service = Service(settings_of(**LINES), workspace=workspace.root, log=said.append)
    second = other(workspace, tmp_path)
    graph = workspace.models / second / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    with client_of(service) as client:
        before = client.get("/v1/model").json()
        workspace.set_champion(second)
        assert not service.keeper.follow()
        after = client.get("/v1/model").json()
        assert after["model"] == before["model"] and client.post("/v1/read", content=png("ab")).json()["text"] == "ab"
        assert after["failure"]["reference"] == "champion" and "model.onnx differs" in after["failure"]["message"]
        assert client.get("/readyz").status_code == 200
        assert 'emendo_swaps_total{result="refused"} 1.0' in client.get("/metrics").text
        assert not service.keeper.follow() and len(said) == 1 and "stays" in said[0]
        workspace.restore_champion()
        assert not service.keeper.follow()
        workspace.pointer().write_text("{", encoding="utf-8")
        assert not service.keeper.follow() and not service.keeper.follow()
        assert len(said) == 2 and "cannot be read" in said[1]


def test_a_model_that_kills_its_process_is_tried_in_another_one_first(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = workspace.models / other(workspace, tmp_path)
    tried(str(second), workspace.root, settings_of())
    tried("ensemble:base,rapidocr", workspace.root, settings_of())
    seen: list[Path] = []

    def crashes(folder: Path, **_: Any) -> None:
        seen.append(folder)
        raise EngineError("was ended by SIGSEGV")

    monkeypatch.setattr(models, "probe", crashes)
    with client_of(Service(settings_of(**LINES), workspace=workspace.root)) as client:
        service_model = client.get("/v1/model").json()["model"]
        with pytest.raises(EngineError, match="SIGSEGV"):
            tried(f"fallback:base,{second}", workspace.root, settings_of())
        assert client.get("/v1/model").json()["model"] == service_model
    assert seen == [second]


def test_readings_that_have_begun_end_with_the_model_they_began_with() -> None:
    old, new = Slow("old"), Slow("new")
    service = Service(
        settings_of(**LINES), load=lambda ref: (new if ref == "new" else old).load(ref), probe=lambda _: None
    )
    service.start()
    first = service.submit([Task("line", png("a"))], time.monotonic() + 60)[0]
    assert old.begun.acquire(timeout=10)
    second = service.submit([Task("line", png("a"))], time.monotonic() + 60)[0]
    service.swap("new")
    for model in (old, new):
        model.go.set()
    assert [work.result.result(10).reading.model for work in (first, second)] == ["old", "new"]
    service.stop(5)


def test_an_administrator_changes_the_model_and_hears_why_not(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys", "ann", Access.ADMIN)
    right, wrong = colour_model(tmp_path / "right"), colour_model(tmp_path / "wrong", wrong=SWAPPED)
    values = {**LINES, "serve__api_keys": str(tmp_path / "keys")}
    headers = {"Authorization": f"Bearer {key}"}
    with client_of(Service(settings_of(model=str(right), **values)), headers=headers) as client:
        assert client.post("/v1/read", content=png("ab")).json()["text"] == "ab"
        answer = client.post("/v1/model", json={"reference": str(wrong)})
        assert answer.status_code == 200 and answer.json()["reference"] == str(wrong)
        assert client.post("/v1/read", content=png("ab")).json()["text"] == "ba"
        bad = client.post("/v1/model", json={"reference": str(tmp_path / "nothing")})
        assert bad.status_code == 409 and bad.json()["error"]["code"] == "refused"
        assert bad.json()["error"]["message"].startswith("the old model stays: no model")
        assert client.get("/v1/model").json()["failure"]["message"].startswith("no model")
        assert client.post("/v1/read", content=png("ab")).json()["text"] == "ba"
        assert client.post("/v1/model", json={"model": "x"}).status_code == 422
        assert client.post("/v1/model", content=b"x").status_code == 422


def test_one_swap_at_a_time() -> None:
    going, go = threading.Event(), threading.Event()

    def load(reference: str) -> Served:
        if reference == "slow":
            going.set()
            assert go.wait(20)
        return served(reference)

    keeper = Keeper("first", None, load)
    keeper.start()
    thread = threading.Thread(target=keeper.swap, args=("slow",))
    thread.start()
    assert going.wait(10)
    with pytest.raises(Busy, match="another model is being loaded"):
        keeper.swap("third")
    assert not keeper.follow() and keeper.describe()["model"] == "first"
    go.set()
    thread.join(10)
    assert keeper.describe()["model"] == "slow"


def test_whatever_a_run_time_raises_the_old_model_stays() -> None:
    def load(reference: str) -> Served:
        if reference == "bad":
            raise RuntimeError("no such operator")
        return served(reference)

    keeper = Keeper("good", None, load)
    keeper.start()
    with pytest.raises(EngineError, match=r"the model cannot be used \(RuntimeError: no such operator\)"):
        keeper.swap("bad")
    assert keeper.describe()["model"] == "good" and keeper.failure is not None


def test_a_refused_champion_is_tried_again_after_a_while(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = [False, True, False]
    loaded: list[str] = []

    def load(reference: str) -> Served:
        loaded.append(reference)
        if fails[len(loaded) - 1]:
            raise EngineError("for want of memory")
        return served(f"model {len(loaded)}")

    keeper = Keeper("", workspace.root, load)
    keeper.start()
    workspace.set_champion("base")
    assert not keeper.follow() and not keeper.follow() and len(loaded) == 2
    monkeypatch.setattr(models, "RETRY_SECONDS", 0.0)
    assert keeper.follow() and keeper.describe()["model"] == "model 3" and keeper.failure is None


def test_whoever_follows_the_champion_hears_of_its_use(workspace: Workspace, tmp_path: Path) -> None:
    heard: list[str] = []
    hooks = Hooks(lambda: heard.append("start"), lambda: heard.append("good"), lambda: heard.append("end"))
    service = Service(settings_of(**LINES), workspace=workspace.root, probe=lambda _: None, hooks=hooks)
    with client_of(service) as client:
        assert heard == ["start"]
        for _ in range(GOOD_READS + 1):
            client.post("/v1/read", content=png("a"))
        assert heard == ["start", "good"]
        workspace.set_champion(other(workspace, tmp_path))
        assert service.keeper.follow() or "wrong" in service.keeper.describe()["model"]
        for _ in range(GOOD_READS):
            client.post("/v1/read", content=png("a"))
    assert heard == ["start", "good", "start", "good", "end"]


def test_what_the_champion_is_at_this_moment(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.champion()
    assert first is not None
    for reference in ("", "champion"):
        assert named_now(reference, workspace.root) == str(workspace.models / first.model)
        assert named_now(reference, None) == (reference or "auto")
    workspace.set_champion("base")
    assert named_now("champion", workspace.root) == named_now("", workspace.root) == "auto"
    fresh = Workspace.init(tmp_path / "fresh")
    assert (named_now("", fresh.root), named_now("champion", fresh.root)) == ("auto", "champion")
    assert named_now("base", workspace.root) == "base"


def test_a_fixed_model_is_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    fixed = str(colour_model(tmp_path / "fixed"))
    heard: list[str] = []
    hooks = Hooks(lambda: heard.append("start"))
    service = Service(settings_of(model=fixed, **LINES), workspace=workspace.root, hooks=hooks)
    service.start()
    workspace.set_champion(other(workspace, tmp_path))
    assert not service.keeper.follow() and not heard
    service.stop(5)
