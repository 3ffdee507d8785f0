"""A consumer of gates in Redis or Valkey: what an instrument shows is read when its gate admits it and is fresh.

Only the last gate of an instrument counts: one that was replaced before its turn is not read any more. Each `ts_ms` of
an instrument has one result, in whichever order consumers end, and a result never replaces a newer one: a script of the
server compares the times. All that must survive is in the server, so a consumer may be killed; while the server is
away it waits, a little longer each time, and then brings what it could not write.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import EmendoError, EngineError, UsageError
from ..settings import Limits, StreamSettings
from .gates import GATE, HANDLED, LONGEST_NAME, RESULT, Gate, NoTime, Result, Status, read_gate, refusal
from .spans import ReadSpan

PUT: Final = """
local last = redis.call('GET', KEYS[2])
if last and tonumber(last) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[1])
redis.call('PUBLISH', KEYS[1], ARGV[2])
return 1
"""
"""Puts a result (KEYS[1]) in place unless one of this gate or a newer one was there (KEYS[2]); tells who listens."""
FIRST_WAIT: Final = 0.1
"""Seconds until a server that is away is tried again; doubled each time."""
LOOK_AGAIN: Final = 5.0
"""Seconds after which all gates are looked at where the server tells of new ones: what it told while nobody listened is
lost."""
SOCKET_SECONDS: Final = 5.0

Stop = Callable[[float], bool]
"""Waits so many seconds; True as soon as the consumer is to end."""


@dataclass(slots=True)
class Consumer:
    """Reads the gates of `instruments` (none: of all that have one).

    `counts` says what became of them: read, refused, stale, failed; `overtaken` results that a newer one or another
    consumer was before, `skipped` gates that were replaced before their turn (known where the server tells of each),
    `unusable` ones without a time, `reconnects`.
    """

    settings: StreamSettings
    read: ReadSpan
    limits: Limits
    root: Any
    instruments: Sequence[str] = ()
    log: Callable[[str], None] = lambda _: None
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    counts: Counter[str] = field(default_factory=Counter)
    _unsent: dict[str, Result] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def look(self, client: Any) -> int:
        """Handle every gate that is new; how many. Raises what the client raises when the server is away."""
        for result in list(self._unsent.values()):
            self._put(client, result)
        names = list(self.instruments) or instruments_of(client)
        return sum(self.handle(client, name) for name in names)

    def handle(self, client: Any, instrument: str) -> bool:
        """Handle the gate of an instrument, if it is new."""
        # never more than the limit is taken in, however much stands there
        most = self.limits.manifest_line_bytes
        pipe = client.pipeline(transaction=False)
        pipe.getrange(f"{GATE}{instrument}", 0, most)
        pipe.get(f"{HANDLED}{instrument}")
        content, handled = pipe.execute(raise_on_error=False)
        if isinstance(content, Exception):
            return self._unusable(f"{GATE}{instrument}: is no string", content)
        if not content:
            return False
        try:
            gate = read_gate(instrument, content, most)
        except NoTime as error:
            return self._unusable(str(error))
        if handled is not None and not isinstance(handled, Exception) and int(handled) >= gate.ts_ms:
            return False
        result = gate if isinstance(gate, Result) else self._result(gate)
        self.counts[result.status.value] += 1
        self.log(f"{instrument} {gate.ts_ms}: {result.status.value}{', ' if result.reason else ''}{result.reason}")
        self._put(client, result.model_copy(update={"done_ms": self.now_ms()}))
        return True

    def _result(self, gate: Gate) -> Result:
        """What a gate comes to; whatever goes wrong with its span is told in the result."""
        result = Result(ts_ms=gate.ts_ms, instrument=gate.instrument, status=Status.READ)
        why = refusal(gate, self.now_ms(), self.settings.max_age_ms, self.settings.skew_ms)
        if why or gate.span is None:
            self.counts["stale"] += why.startswith("stale")
            return result.refused(why)
        began = time.monotonic()
        try:
            said = self.read(gate.span, gate.span.path(self.root))
        except (EmendoError, OSError) as error:
            told = {"status": Status.FAILED, "reason": " ".join(str(error).split())[:500], "kind": gate.span.kind}
            return result.model_copy(update=told)
        took = round(1000 * (time.monotonic() - began))
        return result.model_copy(
            update={
                "kind": gate.span.kind,
                "text": said.text,
                "fields": dict(said.fields) if said.fields is not None else None,
                "confidence": round(said.confidence, 4),
                "model": said.model,
                "took_ms": took,
            }
        )

    def _put(self, client: Any, result: Result) -> None:
        self._unsent[result.instrument] = result
        keys = [f"{RESULT}{result.instrument}", f"{HANDLED}{result.instrument}"]
        text = result.model_dump_json(exclude_none=True)
        placed = client.register_script(PUT)(keys=keys, args=[result.ts_ms, text, self.settings.ttl_ms])
        del self._unsent[result.instrument]
        self.counts["overtaken"] += not placed

    def _unusable(self, sentence: str, error: Exception | None = None) -> bool:
        if error is not None and _away(error):
            raise error
        if sentence not in self._told:
            self._told.add(sentence)
            self.counts["unusable"] += 1
            self.log(f"{sentence}: not read")
        return False

    # ---- again and again
    def run(self, stop: Stop) -> None:
        """Read until `stop` says so, through every absence of the server.

        Raises EngineError for a server that refuses us, or that tells nothing where the settings want it to.
        """
        wait = FIRST_WAIT
        while not stop(0):
            try:
                with connected(self.settings) as client:
                    for _ in self._wakes(client, stop):
                        self.look(client)
                        if wait > FIRST_WAIT:
                            self.log("the server is back")
                        wait = FIRST_WAIT
            except Exception as error:
                if not _away(error):
                    raise
                if wait == FIRST_WAIT:
                    self.log(f"the server is away ({error}): trying again")
                self.counts["reconnects"] += 1
                if stop(wait * random.uniform(0.8, 1.2)):
                    return
                wait = min(2 * wait, self.settings.longest_wait_seconds)

    def _wakes(self, client: Any, stop: Stop) -> Iterator[None]:
        """Comes back each time that it is worth looking."""
        yield
        if self.settings.mode == "poll":
            while not stop(self.settings.poll_ms / 1000):
                yield
            return
        with listening(client) as heard:
            yield  # what came before we listened
            until = time.monotonic() + LOOK_AGAIN
            while not stop(0):
                news = heard(self.settings.poll_ms / 1000)
                self.counts["skipped"] += sum(count - 1 for count in news.values())
                if news or time.monotonic() > until:
                    until = time.monotonic() + LOOK_AGAIN
                    yield


def instruments_of(client: Any) -> list[str]:
    """The instruments that have a gate, sorted."""
    found = (key.decode("utf-8", "replace").removeprefix(GATE) for key in client.scan_iter(f"{GATE}*", count=1000))
    return sorted(name for name in set(found) if 0 < len(name) <= LONGEST_NAME)


@contextmanager
def connected(settings: StreamSettings) -> Iterator[Any]:
    """A client of the server. Raises EngineError when redis is not installed or the server refuses us, UsageError for
    what is no URL.
    """
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import AuthenticationError
        from redis.retry import Retry
    except ModuleNotFoundError as error:
        raise EngineError("a stream needs the package redis", remedy="pip install 'emendo[stream]'") from error
    try:
        client = Redis.from_url(
            settings.url,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        remedy = "write redis://HOST:PORT/0, rediss://... or unix:///SOCKET"
        raise UsageError("the setting stream.url is no address of Redis", remedy=remedy) from error
    try:
        client.ping()
        yield client
    except AuthenticationError as error:
        remedy = "put user and password into EMENDO_STREAM__URL"
        raise EngineError(f"the server of the stream refuses us ({error})", remedy=remedy) from error
    finally:
        client.close()


@contextmanager
def reached(settings: StreamSettings) -> Iterator[Any]:
    """`connected`, for one look. Raises EngineError too where the server cannot be used now."""
    try:
        with connected(settings) as client:
            yield client
    except Exception as error:
        if not _away(error):
            raise
        what = f"the server of the stream cannot be used now ({error})"
        raise EngineError(what, remedy="start it, or give its address to --url") from error


@contextmanager
def listening(client: Any) -> Iterator[Callable[[float], Counter[str]]]:
    """What the server tells of gates that were set: asked with seconds to wait, it gives the keys with how often.

    Raises EngineError where the server was not set up to tell.
    """
    told = str(client.config_get("notify-keyspace-events").get("notify-keyspace-events", ""))
    if "K" not in told or not {"$", "A"} & set(told):
        what = "the server does not tell of keys that are set"
        raise EngineError(what, remedy="set notify-keyspace-events to K$ in its configuration, or use --mode poll")
    database = client.get_connection_kwargs().get("db") or 0
    channel = client.pubsub(ignore_subscribe_messages=True)

    def heard(seconds: float) -> Counter[str]:
        news: Counter[str] = Counter()
        message = channel.get_message(timeout=seconds)
        while message is not None:
            news[str(message["channel"])] += message.get("data") == b"set"
            message = channel.get_message(timeout=0)
        return +news

    try:
        channel.psubscribe(f"__keyspace@{database}__:{GATE}*")
        yield heard
    finally:
        channel.close()


def _away(error: BaseException) -> bool:
    """Whether an error means that the server cannot be used now and may be later."""
    from redis.exceptions import BusyLoadingError, ConnectionError, OutOfMemoryError, ReadOnlyError, TimeoutError

    return isinstance(error, BusyLoadingError | ConnectionError | OutOfMemoryError | ReadOnlyError | TimeoutError)


def shown(client: Any, instruments: Sequence[str], limits: Limits) -> list[dict[str, Any]]:
    """The last gate and the last result of instruments (none: of all), as they stand; None for what is not JSON."""
    rows = []
    for name in instruments or instruments_of(client):
        pipe = client.pipeline(transaction=False)
        pipe.getrange(f"{GATE}{name}", 0, limits.manifest_line_bytes)
        pipe.get(f"{RESULT}{name}")
        gate, result = (_object(one) for one in pipe.execute(raise_on_error=False))
        rows.append({"instrument": name, "gate": gate, "result": result})
    return rows


def _object(content: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, TypeError):
        return None
    return found if isinstance(found, dict) and "ts_ms" in found else None
