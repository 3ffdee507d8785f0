"""Alerts do not flap, and no event is lost between the state and the outbox."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emendo.errors import FormatError
from emendo.monitor.alerts import MOST_WAITING, Event, Observation, Outbox, State, look, write_state
from emendo.settings import AlertSettings

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def run(alarms: str, settings: AlertSettings, state: State | None = None) -> tuple[State, list[str]]:
    """The state after some looks (`!` is an alarm, `.` none), and what was told at each (`-` nothing)."""
    state = state or State()
    told = []
    for one in alarms:
        found = [Observation("drift.line", one == "!", f"look {one}")]
        state, events = look(state, found, settings, now=NOW, source="here")
        told.append(events[0].state if events else "-")
    return state, told


def test_one_alarm_raises_and_three_quiet_looks_clear() -> None:
    state, told = run("..!.!...", AlertSettings())
    assert told == ["-", "-", "raised", "-", "-", "-", "-", "cleared"]
    assert state.alerts == ()


@pytest.mark.parametrize(
    ("alarms", "raised"), [("!.!.!", True), ("!..!.", False), ("!!..", False), ("!!!", True), ("..!!!", True)]
)
def test_k_of_n_raise(alarms: str, raised: bool) -> None:
    state, _ = run(alarms, AlertSettings(raise_after=3, of=5, clear_after=9))
    assert bool(state.alerts) is raised


def test_an_alarm_that_comes_and_goes_is_one_alert() -> None:
    _, told = run("!.!..!.!..!.", AlertSettings(clear_after=3))
    assert told.count("raised") == 1 and told.count("cleared") == 0


def test_what_was_cleared_can_be_raised_again() -> None:
    _, told = run("!...!", AlertSettings(clear_after=3))
    assert [one for one in told if one != "-"] == ["raised", "cleared", "raised"]


def test_each_thing_has_an_alert_of_its_own_and_the_last_message() -> None:
    first = [Observation("drift.line", True, "dark"), Observation("errors.line", False)]
    state, events = look(State(), first, AlertSettings(), now=NOW, source="here", measures={"a": 1.0}, until="t1")
    assert [(one.name, one.state) for one in events] == [("drift.line", "raised")]
    state, events = look(state, [Observation("drift.line", True, "darker")], AlertSettings(), now=NOW, source="here")
    assert events == () and state.alerts[0].message == "darker" and state.alerts[0].since == NOW.isoformat()
    assert state.measures == {"a": 1.0} and state.until == "t1" and state.looks == 2


def test_the_state_comes_back_from_its_file(tmp_path: Path) -> None:
    state, _ = run("!.", AlertSettings())
    write_state(tmp_path / "monitor.json", state)
    assert State.read(tmp_path / "monitor.json") == state
    assert State.read(tmp_path / "none.json") == State()


@pytest.mark.parametrize("content", ["", "[]", '{"looks": 1}', '{"looks": 1, "alerts": 3}'])
def test_a_damaged_state_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "monitor.json"
    path.write_text(content)
    with pytest.raises(FormatError, match=r"monitor\.json.*begin anew"):
        State.read(path)


def event(number: int) -> Event:
    return Event(f"{number}-x-raised", "x", "raised", NOW.isoformat(), "told", "here")


def test_an_event_leaves_the_outbox_when_every_channel_has_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.json")
    outbox.add([event(1), event(2)], ["log", "mail"])
    outbox.add([event(1)], ["log", "mail"])  # a look that was repeated after a crash
    assert [one.event.id for one in outbox.waiting()] == ["1-x-raised", "2-x-raised"]
    outbox.taken("1-x-raised", "log")
    outbox.taken("2-x-raised", "log")
    outbox.taken("2-x-raised", "mail")
    (left,) = Outbox(tmp_path / "outbox.json").waiting()
    assert (left.event, left.channels) == (event(1), ("mail",))


def test_a_look_that_is_repeated_names_its_events_alike() -> None:
    settings = AlertSettings()
    again = [look(State(), [Observation("a", True)], settings, now=NOW, source="here")[1] for _ in range(2)]
    assert again[0] == again[1]


def test_the_outbox_is_bounded(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.json")
    outbox.add([event(number) for number in range(MOST_WAITING + 5)], ["log"])
    assert len(outbox.waiting()) == MOST_WAITING and outbox.dropped == 5
    assert outbox.waiting()[-1].event == event(MOST_WAITING + 4)


def test_a_damaged_outbox_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.json").write_text("{")
    with pytest.raises(FormatError, match=r"outbox\.json"):
        Outbox(tmp_path / "outbox.json").waiting()
