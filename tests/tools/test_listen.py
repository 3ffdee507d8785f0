"""The socket, and whose requests are taken at it."""

from __future__ import annotations

import socket

import pytest

from emendo.errors import UsageError
from emendo.tools.listen import bound, foreign, is_loopback, listening


def test_a_free_port_is_known_before_anything_is_served() -> None:
    with bound("127.0.0.1", 0) as opened:
        host, _, port = listening(opened).rpartition(":")
        assert host == "127.0.0.1" and int(port) > 0


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match=r"cannot listen at 127\.0\.0\.1 port \d+ .*another --port"):
            bound("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["300.1.1.1", "192.0.2.1", "a..b", "a" * 70])
def test_a_wrong_host_is_not_blamed_on_its_port(host: str) -> None:
    with pytest.raises(UsageError, match="another --host") as caught:
        bound(host, 0)
    assert "--port" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"])
def test_loopback_is_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.4", "ocr.example", "::", ""])
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host", "origin", "sentence"),
    [
        ("localhost:80", None, ""),
        ("localhost:80", "http://localhost:80", ""),
        ("localhost:80", "https://evil.example", "requests from other pages are not taken"),
        ("localhost:80", "null", "requests from other pages are not taken"),
        ("evil.example", None, "this host name is not served here"),
        ("", None, "this host name is not served here"),
    ],
)
def test_requests_of_other_sites_are_told_by_their_headers(host: str, origin: str | None, sentence: str) -> None:
    assert foreign(host, origin, {"localhost:80"}) == sentence
