"""Alerts go out to a real HTTP server and a real SMTP server; what fails is told and stops nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from emendo.monitor.alerts import Event, Outbox
from emendo.monitor.channels import LogFile, Mail, NotDelivered, Webhook, channels_of, deliver
from emendo.settings import AlertSettings

EVENT = Event(
    "7-drift.line-raised", "drift.line", "raised", "2026-03-01T00:00:00+00:00", "Zeilen sind dünner", "/notes"
)
QUICK = AlertSettings(tries=3, pause_seconds=0.0)


class Hook(ThreadingHTTPServer):
    """Keeps what is posted; answers with the next of `answers`, the last one for ever."""

    def __init__(self, *answers: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers = list(answers or (200,))
        self.posted: list[tuple[dict[str, str], bytes]] = []
        self.came = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?token=geheim"


class _Answer(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((dict(self.headers), body))
        self.server.came.set()
        self.server.gate.wait(60)
        status = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Post(socketserver.ThreadingTCPServer):
    """A mail server for one purpose: keeps messages; `refuse` names commands that it answers with 550."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, refuse: str = "", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.refuse, self.tls = refuse, tls
        self.messages: list[tuple[list[str], bytes]] = []
        self.logins: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Smtp(socketserver.StreamRequestHandler):
    server: Post

    def handle(self) -> None:
        said, receivers = self._say, []
        said("220 here")
        while line := self.rfile.readline().decode().strip():
            command = line.split(" ")[0].upper()
            if command == self.server.refuse:
                said("550 not from you")
            elif command == "EHLO":
                said("250-here")
                said("250-AUTH PLAIN")
                said("250-STARTTLS" if self.server.tls else "250-SIZE 1000000")
                said("250 OK")
            elif command == "STARTTLS":
                said("220 go on")
                assert self.server.tls is not None
                self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
            elif command == "AUTH":
                self.server.logins.append(line.split(" ")[2])
                said("235 welcome")
            elif command == "DATA":
                said("354 go on")
                lines = []
                while (row := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(row)
                self.server.messages.append((receivers, b"".join(lines)))
                said("250 taken")
            elif command == "QUIT":
                said("221 bye")
                return
            else:
                if command == "RCPT":
                    receivers.append(line.partition(":")[2].split(" ")[0].strip("<>"))
                said("250 OK")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for 127.0.0.1, and a client's that trusts it alone."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


def mail(post: Post, **more: Any) -> Mail:
    values: dict[str, Any] = {"tls": "none", **more}
    return Mail("127.0.0.1", post.port, "emendo@example.org", ("anna@example.org", "ben@example.org"), **values)


def test_a_webhook_gets_the_event_signed() -> None:
    with serving(Hook()) as hook:
        Webhook(hook.address, "secret", clock=lambda: 1234.5).send(EVENT)
        ((headers, body),) = hook.posted
    assert json.loads(body) == {
        "id": EVENT.id, "name": "drift.line", "state": "raised", "at": EVENT.at, "message": EVENT.message,
        "source": "/notes",
    }  # fmt: skip
    assert headers["Content-Type"] == "application/json" and headers["X-Emendo-Event"] == EVENT.id
    wanted = hmac.new(b"secret", b"1234." + body, hashlib.sha256).hexdigest()
    assert (headers["X-Emendo-Timestamp"], headers["X-Emendo-Signature"]) == ("1234", f"sha256={wanted}")


def test_without_a_secret_nothing_is_signed() -> None:
    with serving(Hook()) as hook:
        Webhook(hook.address).send(EVENT)
        assert "X-Emendo-Signature" not in hook.posted[0][0]


@pytest.mark.parametrize(("status", "final"), [(400, True), (410, True), (302, True), (503, False), (429, False)])
def test_an_answer_that_is_no_success_is_an_error_without_the_secret_address(status: int, final: bool) -> None:
    with serving(Hook(status)) as hook, pytest.raises(NotDelivered, match=str(status)) as caught:
        Webhook(hook.address, "secret").send(EVENT)
    assert caught.value.final is final and "geheim" not in str(caught.value) and len(hook.posted) == 1


def test_a_server_that_is_silent_or_gone_is_given_up() -> None:
    with serving(Hook()) as hook:
        hook.gate.clear()
        with pytest.raises(NotDelivered, match="cannot be reached"):
            Webhook(hook.address, timeout=0.2).send(EVENT)
        hook.gate.set()
    with pytest.raises(NotDelivered, match="cannot be reached"):
        Webhook("http://127.0.0.1:9/", timeout=2).send(EVENT)


def test_a_passing_fault_is_tried_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.json")
    outbox.add([EVENT], ["webhook"])
    pauses: list[float] = []
    with serving(Hook(503, 502, 200)) as hook:
        settings = AlertSettings(tries=3, pause_seconds=0.5)
        done = deliver(outbox, [Webhook(hook.address)], settings, sleep=pauses.append)
    assert (done.sent, done.faults, pauses) == (1, (), [0.5, 1.0])
    assert len(hook.posted) == 3 and outbox.waiting() == ()


def test_one_channel_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.json")
    second = Event("8-drift.line-cleared", "drift.line", "cleared", EVENT.at, "as before", "/notes")
    outbox.add([EVENT, second], ["log", "webhook", "mail"])
    log = LogFile(tmp_path / "alerts.jsonl")
    with serving(Post()) as post, serving(Hook(500)) as hook:
        done = deliver(outbox, [log, Webhook(hook.address), mail(post)], QUICK)
    assert done.sent == 4 and len(post.messages) == 2
    assert len(hook.posted) == QUICK.tries  # down for the first, so the second waits too
    (fault,) = done.faults
    assert "webhook" in fault and "500" in fault and EVENT.id in fault
    assert [one.channels for one in outbox.waiting()] == [("webhook",)] * 2
    with serving(Hook()) as hook:
        assert deliver(outbox, [log, Webhook(hook.address)], QUICK).sent == 2
        assert [json.loads(body)["id"] for _, body in hook.posted] == [EVENT.id, second.id]
    rows = [json.loads(line)["id"] for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert rows == [EVENT.id, second.id]


def test_an_event_that_is_refused_does_not_block_the_next(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.json")
    second = Event("8-x-raised", "x", "raised", EVENT.at, "", "/notes")
    outbox.add([EVENT, second], ["webhook"])
    with serving(Hook(400, 200)) as hook:
        done = deliver(outbox, [Webhook(hook.address)], QUICK)
    assert done.sent == 1 and len(hook.posted) == 2 and [one.event.id for one in outbox.waiting()] == [EVENT.id]


def test_a_channel_that_is_not_set_any_more_is_told_and_dropped(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.json")
    outbox.add([EVENT], ["mail"])
    done = deliver(outbox, [], QUICK)
    assert "mail is not set any more" in done.faults[0] and outbox.waiting() == ()


def test_mail_reaches_every_receiver() -> None:
    with serving(Post()) as post:
        mail(post, user="anna", password="pw").send(EVENT)
        ((receivers, text),) = post.messages
        assert post.logins == ["AGFubmEAcHc="]  # RFC 4616: NUL name NUL password
    message = message_from_bytes(text, policy=policy.default)
    assert receivers == ["anna@example.org", "ben@example.org"]
    assert message["Subject"] == "[emendo] drift.line raised" and message["Message-ID"].endswith("@emendo>")
    assert "Zeilen sind dünner" in message.get_content()


def test_mail_goes_through_tls_and_trusts_no_stranger(tmp_path: Path) -> None:
    server, client = certificate(tmp_path)
    with serving(Post(tls=server)) as post:
        mail(post, tls="starttls", context=client).send(EVENT)
        assert len(post.messages) == 1
        with pytest.raises(NotDelivered, match="certificate"):
            mail(post, tls="starttls").send(EVENT)
        assert len(post.messages) == 1


def test_a_server_without_tls_is_not_spoken_to_in_the_clear() -> None:
    with serving(Post()) as post, pytest.raises(NotDelivered, match="STARTTLS") as caught:
        mail(post, tls="starttls", user="anna", password="pw").send(EVENT)
    assert caught.value.final and post.logins == [] and post.messages == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "AUTH"])
def test_a_mail_server_that_refuses_is_told(command: str) -> None:
    with serving(Post(refuse=command)) as post, pytest.raises(NotDelivered, match="127"):
        mail(post, user="anna", password="pw").send(EVENT)
    assert post.messages == []


def test_a_message_cannot_write_headers() -> None:
    bad = Event("1-x", "x\r\nBcc: eve@example.org", "raised", EVENT.at, "", "/notes")
    with serving(Post()) as post, pytest.raises(NotDelivered):
        mail(post).send(bad)
    assert post.messages == []


def test_the_settings_name_the_channels(tmp_path: Path) -> None:
    assert [one.name for one in channels_of(AlertSettings(), tmp_path)] == ["log"]
    every = AlertSettings(webhook="https://example.org/", mail_server="mail.example.org", mail_to=("a@example.org",))
    assert [one.name for one in channels_of(every, tmp_path)] == ["log", "webhook", "mail"]


DELIVER = """
import sys
from pathlib import Path
from emendo.monitor.alerts import Outbox
from emendo.monitor.channels import LogFile, Webhook, deliver
from emendo.settings import AlertSettings
folder, address = Path(sys.argv[1]), sys.argv[2]
channels = [LogFile(folder / "alerts.jsonl"), Webhook(address, timeout=60)]
print(deliver(Outbox(folder / "outbox.json"), channels, AlertSettings(pause_seconds=0)).sent)
"""


def test_an_event_outlives_kill_9_while_it_is_sent(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.json")
    outbox.add([EVENT], ["log", "webhook"])
    with serving(Hook()) as hook:
        hook.gate.clear()
        arguments = [sys.executable, "-c", DELIVER, str(tmp_path), hook.address]
        first = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=dict(os.environ))
        try:
            assert hook.came.wait(120)
            first.send_signal(signal.SIGKILL)  # posted, and never told whether it was taken
            first.wait(60)
        finally:
            first.kill()
            hook.gate.set()
        assert [one.channels for one in outbox.waiting()] == [("webhook",)]
        again = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True)
    assert again.stdout.strip() == "1" and outbox.waiting() == ()
    assert {json.loads(body)["id"] for _, body in hook.posted} == {EVENT.id} and len(hook.posted) == 2
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1
