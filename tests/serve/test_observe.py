"""Observers are told of everything that came, with the evidence that the answer leaves out, and cannot harm it."""

from __future__ import annotations

from emendo.monitor import Outcome, Seen
from emendo.serve.service import Service

from .served import HOST, LINES, client_of, colour_model, png, settings_of


def test_an_answer_is_seen_under_its_id(tmp_path) -> None:  # type: ignore[no-untyped-def]
    told: list[tuple[Seen, bytes]] = []
    model = colour_model(tmp_path / "model")
    service = Service(
        settings_of(**LINES, model=str(model)),
        observers=[lambda seen, content: told.append((seen, content)), lambda seen, content: 1 / 0],  # type: ignore[func-returns-value]
    )
    with client_of(service) as client:
        answer = client.post(f"{HOST}/v1/read?document=book", content=png("ab")).json()
        bad = client.post(f"{HOST}/v1/read", content=b"no picture")
    assert answer["text"] == "ab" and "characters" not in answer
    (seen, content), (failed, _) = told
    assert (seen.id, seen.text, seen.document, seen.kind) == (answer["id"], "ab", "book", "line")
    assert seen.outcome is Outcome.READ and content == png("ab")
    assert seen.lines[0].doubt is not None and 0 <= seen.lines[0].doubt < 0.5
    assert bad.status_code == 422 and failed.outcome is Outcome.FAILED and "image" in failed.reason


def test_a_reading_that_cannot_be_noted_is_answered_all_the_same(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    model = colour_model(tmp_path / "model")
    service = Service(settings_of(**LINES, model=str(model)), observers=[lambda seen, content: None])
    monkeypatch.setattr(service.trials, "noted", lambda *_: 1 / 0)
    with client_of(service) as client:
        answers = [client.post(f"{HOST}/v1/read", content=png("ab")) for _ in range(3)]
    assert [answer.json()["text"] for answer in answers] == ["ab"] * 3
