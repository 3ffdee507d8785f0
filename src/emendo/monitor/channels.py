"""The ways on which an alert goes out: a log file, a webhook, e-mail. One that fails does not stop the others.

A webhook gets one POST an event:

    POST / HTTP/1.1
    Content-Type: application/json
    X-Emendo-Event: 17-drift.line-raised
    X-Emendo-Timestamp: 1795995900
    X-Emendo-Signature: sha256=HEX        HMAC-SHA256 (RFC 2104) of TIMESTAMP "." BODY, where a secret is set

    {"id": ..., "name": ..., "state": "raised", "at": ..., "message": ..., "source": ...}

The receiver answers 2xx when it has it, and may get an event twice: `id` tells.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from ..errors import EmendoError
from ..settings import AlertSettings
from ..tools.files import append_line
from .alerts import Event, Outbox

LOG: Final = "alerts.jsonl"
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which it makes sense to try again soon (RFC 9110, RFC 6585)."""


class NotDelivered(EmendoError):
    """A channel did not take an event. `final` says that trying again at once makes no sense."""

    def __init__(self, what: str, *, where: str, remedy: str = "", final: bool = False) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.final = final


class Channel(Protocol):
    """A way out. `send` returns when the event was taken, and raises NotDelivered when it was not."""

    @property
    def name(self) -> str:
        """What the outbox calls it."""

    def send(self, event: Event) -> None:
        """Deliver one event."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """Appends events to a JSONL file."""

    path: Path
    name: str = "log"

    def send(self, event: Event) -> None:
        """On the disk when this returns."""
        try:
            append_line(self.path, json.dumps(asdict(event), ensure_ascii=False))
        except OSError as error:
            raise NotDelivered(f"cannot be written ({error.strerror})", where=str(self.path)) from error


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts events as JSON; redirects are not followed."""

    address: str
    secret: str = ""
    timeout: float = 10.0
    clock: Callable[[], float] = time.time
    name: str = "webhook"

    def send(self, event: Event) -> None:
        """Post, and wait for the answer."""
        body = json.dumps(asdict(event), ensure_ascii=False).encode()
        stamp = str(int(self.clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "emendo-monitor",
            "X-Emendo-Event": event.id,
            "X-Emendo-Timestamp": stamp,
        }
        if self.secret:
            headers["X-Emendo-Signature"] = f"sha256={signature(self.secret, stamp, body)}"
        request = urllib.request.Request(self.address, data=body, headers=headers, method="POST")
        where = urlsplit(self.address).hostname or "webhook"  # the rest of the address may be a secret
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=self.timeout):
                return
        except urllib.error.HTTPError as error:
            error.close()
            final = error.code not in PASSING
            raise NotDelivered(f"answered {error.code}", where=where, final=final) from error
        except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
            why = getattr(error, "reason", None) or error
            raise NotDelivered(f"cannot be reached ({why})", where=where) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that sends elsewhere is an error: a POST must not become a GET, nor go where nobody named."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Mail:
    """Sends events by SMTP, one message each to all receivers."""

    server: str
    port: int
    sender: str
    receivers: tuple[str, ...]
    tls: str = "starttls"
    user: str = ""
    password: str = ""
    timeout: float = 10.0
    context: ssl.SSLContext | None = None
    name: str = "mail"

    def send(self, event: Event) -> None:
        """Hand the message to the server; a receiver that it refuses fails the delivery."""
        try:
            message = self._message(event)
            with self._connection() as smtp:
                if self.user:
                    smtp.login(self.user, self.password)
                refused = smtp.send_message(message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            final = isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError)
            raise NotDelivered(f"did not take the e-mail ({_said(error)})", where=self.server, final=final) from error
        if refused:
            raise NotDelivered(f"refused {', '.join(refused)}", where=self.server, final=True)

    def _message(self, event: Event) -> EmailMessage:
        """Raises ValueError where a header would hold a line feed."""
        message = EmailMessage()
        message["Subject"] = f"[emendo] {event.name} {event.state}"
        message["From"], message["To"] = self.sender, ", ".join(self.receivers)
        message["Message-ID"] = f"<{hashlib.sha256(f'{event.source} {event.id}'.encode()).hexdigest()[:32]}@emendo>"
        message.set_content(f"{event.message or event.name}\n\n{event.state} at {event.at}\n{event.source}\n")
        return message

    def _connection(self) -> smtplib.SMTP:
        if self.tls == "tls":
            context = self.context or ssl.create_default_context()
            return smtplib.SMTP_SSL(self.server, self.port, timeout=self.timeout, context=context)
        smtp = smtplib.SMTP(self.server, self.port, timeout=self.timeout)
        if self.tls == "starttls":
            try:
                smtp.starttls(context=self.context or ssl.create_default_context())
            except BaseException:
                smtp.close()
                raise
        return smtp


@dataclass(frozen=True, slots=True)
class Delivered:
    """Deliveries that went well, and sentences about those that did not and wait for the next look."""

    sent: int = 0
    faults: tuple[str, ...] = ()


def channels_of(settings: AlertSettings, folder: Path) -> tuple[Channel, ...]:
    """The channels that the settings name; the log, in the folder of the captures, always."""
    found: list[Channel] = [LogFile(folder / LOG)]
    if settings.webhook:
        found.append(Webhook(settings.webhook, settings.webhook_secret, settings.timeout_seconds))
    if settings.mail_server and settings.mail_to:
        found.append(
            Mail(
                settings.mail_server,
                settings.mail_port,
                settings.mail_from,
                settings.mail_to,
                settings.mail_tls,
                settings.mail_user,
                settings.mail_password,
                settings.timeout_seconds,
            )
        )
    return tuple(found)


def deliver(
    outbox: Outbox,
    channels: Sequence[Channel],
    settings: AlertSettings,
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> Delivered:
    """Send what waits, oldest first; a channel that fails is tried again, then left until the next look.

    What waits for a channel that is set no more is dropped, and that is told.
    """
    by_name = {one.name: one for one in channels}
    faults: list[str] = []
    down: set[str] = set()
    sent = 0
    for waiting in outbox.waiting():
        for name in waiting.channels:
            if name in down:
                continue  # not reached at the moment: what follows would not be either
            if name not in by_name:
                outbox.taken(waiting.event.id, name)
                faults.append(f"{name} is not set any more; {waiting.event.id} was not sent there")
                continue
            fault = _try(by_name[name], waiting.event, settings, sleep)
            if fault is None:
                outbox.taken(waiting.event.id, name)
                sent += 1
                continue
            faults.append(f"{name}: {fault}; {waiting.event.id} waits for the next look")
            if not fault.final:
                down.add(name)
    return Delivered(sent, tuple(faults))


def signature(secret: str, stamp: str, body: bytes) -> str:
    """What a receiver computes anew and compares (`hmac.compare_digest`)."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _try(
    channel: Channel, event: Event, settings: AlertSettings, sleep: Callable[[float], object]
) -> NotDelivered | None:
    """Deliver one event; why not, when all tries failed."""
    pause = settings.pause_seconds
    for attempt in range(1, settings.tries + 1):
        try:
            channel.send(event)
            return None
        except NotDelivered as error:
            if error.final or attempt == settings.tries:
                return error
        sleep(pause)
        pause *= 2
    return None


def _said(error: Exception) -> str:
    """What a mail server answered, or the error's own words, on one line."""
    answer = getattr(error, "smtp_error", None)
    told = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(error)
    return " ".join(told.split()) or type(error).__name__
