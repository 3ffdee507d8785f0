"""The end of a service: what was let in is read, nothing more is, and not for ever."""

from __future__ import annotations

import threading
import time

import pytest
from fastapi.testclient import TestClient

from emendo.serve.http.app import create_app
from emendo.serve.queue import Rejected
from emendo.serve.reading import Task
from emendo.serve.service import Service

from .served import HOST, Slow, png, until


def stopping(service: Service, grace: float) -> tuple[threading.Thread, list[bool]]:
    """A thread that stops a service, and what it found."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(service.stop(grace)))
    thread.start()
    until(lambda: service.queue.closed)
    return thread, found


def task() -> Task:
    return Task("line", png("a"))


def test_while_it_stops_it_refuses_and_finishes_what_it_has() -> None:
    slow = Slow()
    service = slow.service()
    service.start()
    works = service.submit([task()] * 3, time.monotonic() + 60)
    assert slow.begun.acquire(timeout=10)
    thread, found = stopping(service, 60)
    with TestClient(create_app(service), base_url=HOST) as client:
        for answer in (client.post("/v1/read", content=png("a")), client.get("/readyz")):
            assert answer.status_code == 503 and answer.json()["error"]["code"] == "stopping"
            assert answer.headers["connection"] == "close" and answer.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
        slow.go.set()
        thread.join(20)
    assert found == [True] and [work.result.result(0).reading.text for work in works] == ["read"] * 3


def test_a_job_that_was_let_in_is_kept_until_somebody_has_asked_for_it() -> None:
    slow = Slow()
    service = slow.service()
    service.start()
    with TestClient(create_app(service), base_url=HOST) as client:
        place = client.post("/v1/jobs?kind=line", content=png("a")).headers["location"]
        assert slow.begun.acquire(timeout=10)
        thread, found = stopping(service, 60)
        slow.go.set()
        until(lambda: not service.jobs.unfinished())
        assert thread.is_alive()
        assert client.get(place).json()["results"][0]["reading"]["text"] == "read"
        thread.join(20)
    assert found == [True]


def test_when_the_grace_is_over_what_waits_is_dropped_and_told() -> None:
    slow = Slow()
    service = slow.service()
    service.start()
    works = service.submit([task()] * 2, time.monotonic() + 60)
    assert slow.begun.acquire(timeout=10)
    assert service.stop(0.2) is False
    with pytest.raises(Rejected, match="the service stops"):
        works[1].result.result(0)
    slow.go.set()
    assert works[0].result.result(10).reading.text == "read"
