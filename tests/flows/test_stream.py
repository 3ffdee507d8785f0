"""Gates in a real Redis: what is fresh and admitted is read once, and nothing else; also when the server is killed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.errors import EngineError, ImageError, UsageError
from emendo.flows.gates import GATE, RESULT, Span
from emendo.flows.spans import Said, images_of, local_reader
from emendo.flows.stream import Consumer
from emendo.settings import Limits, StreamSettings, load_settings

from ..redisserver import Server, running
from ..release.colours import write_colour_bundle
from ..serve.served import png_of, stripes

NOW = 1_764_441_600_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--notify-keyspace-events", "K$") as started:
        yield started


@pytest.fixture
def root(tmp_path: Path, server: Server) -> Path:
    server.client.flushall()
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "line.png").write_bytes(png_of(stripes("abc")))
    return folder


def said(span: Span, path: Path) -> Said:
    return Said(f"{span.kind} of {path.name}", None, 0.98765, "told")


def consumer_of(server: Server, root: Path, read: Callable[[Span, Path], Said] = said, **more: Any) -> Consumer:
    clock = more.pop("now", lambda: NOW)
    settings = StreamSettings(url=server.url, poll_ms=5, longest_wait_seconds=0.2, **more)
    return Consumer(settings, read, Limits(), root, now_ms=clock)


def put(server: Server, instrument: str = "desk", **more: Any) -> None:
    gate = {"ts_ms": NOW, "instrument": instrument, "admit": True, "span": {"source": "line.png"}}
    gate = {key: value for key, value in (gate | more).items() if value is not None}
    server.client.set(f"{GATE}{instrument}", json.dumps(gate))


def result(server: Server, instrument: str = "desk") -> dict[str, Any]:
    content = server.client.get(f"{RESULT}{instrument}")
    return dict(json.loads(content)) if content else {}


def test_what_is_admitted_is_read_once_and_told(server: Server, root: Path) -> None:
    consumer = consumer_of(server, root, ttl_ms=50_000)
    put(server, producer="crane", load=[1, 2])
    assert consumer.look(server.client) == 1
    told = result(server)
    assert told.pop("done_ms") == NOW
    assert told == {
        "version": 1, "ts_ms": NOW, "instrument": "desk", "status": "read", "reason": "", "kind": "line",
        "text": "line of line.png", "confidence": 0.9877, "model": "told", "took_ms": told["took_ms"],
    }  # fmt: skip
    assert 0 < server.client.pttl(f"{RESULT}desk") <= 50_000
    assert consumer.look(server.client) == 0, "the same gate again"
    server.client.delete(f"{RESULT}desk")
    assert consumer_of(server, root).look(server.client) == 0, "another process, the result was gone"
    put(server, ts_ms=NOW + 1)
    assert consumer.look(server.client) == 1 and result(server)["ts_ms"] == NOW + 1


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ({"admit": False, "reason": "door open"}, "not admitted: door open"),
        ({"admit": False}, "not admitted"),
        ({"admit": None}, "the gate is not valid: admit: field required"),
        ({"admit": "yes"}, "the gate is not valid: admit: input should be a valid boolean"),
        ({"ts_ms": NOW - 40_000}, "stale: 40000 ms old, at most 30000 ms are taken"),
        ({"ts_ms": NOW + 2_500}, "from the future: 2500 ms ahead of this clock, at most 2000 ms are tolerated"),
        ({"span": None}, "nothing to read: the gate has no span"),
        ({"span": {"source": "../secret.png"}}, "the gate is not valid: span.source: value error, is no path below"),
        ({"span": {"source": "/etc/passwd"}}, "span.source"),
        ({"span": {"source": "http://host/line.png"}}, "span.source"),
        ({"span": {"source": "a\\b.png"}}, "span.source"),
        ({"span": {"source": "line.png", "box": [0.5, 0, 0.2, 1]}}, "span.box"),
        ({"span": {"source": "line.png", "page": 0}}, "span.page"),
        ({"span": {"source": "line.png", "colour": 1}}, "span.colour: extra inputs are not permitted"),
        ({"span": {"source": "line.png", "version": 2}}, "span.version"),
        ({"instrument": "other"}, "the gate is of 'other' and stands in the key of 'desk'"),
    ],
)
def test_what_is_not_to_be_read_is_refused_with_a_reason(
    server: Server, root: Path, gate: dict[str, Any], reason: str
) -> None:
    server.client.set(
        f"{GATE}desk",
        json.dumps(
            {
                k: v
                for k, v in {
                    "ts_ms": NOW,
                    "instrument": "desk",
                    "admit": True,
                    "span": {"source": "line.png"},
                    **gate,
                }.items()
                if v is not None
            }
        ),
    )
    consumer = consumer_of(server, root)
    assert consumer.look(server.client) == 1
    told = result(server)
    assert told["status"] == "refused" and reason in told["reason"]
    assert "text" not in told
    assert consumer.look(server.client) == 0


def test_clocks_may_be_a_little_apart(server: Server, root: Path) -> None:
    consumer = consumer_of(server, root)
    for ts_ms in (NOW - 31_000, NOW + 1_000):
        put(server, ts_ms=ts_ms)
        consumer.look(server.client)
        assert result(server)["status"] == "read"


@pytest.mark.parametrize(
    "content", [b"", b"no json", b"[1]", b'{"admit": true}', b'{"ts_ms": "1"}', b"[" * 9000, b"x" * 2_000_000]
)
def test_a_gate_without_a_time_is_told_once_and_gets_no_result(server: Server, root: Path, content: bytes) -> None:
    server.client.set(f"{GATE}desk", content)
    server.client.rpush(f"{GATE}list", "a")
    put(server, "sound")
    consumer = consumer_of(server, root)
    assert (consumer.look(server.client), consumer.look(server.client)) == (1, 0)
    assert result(server) == {} and result(server, "sound")["status"] == "read"
    assert consumer.counts["unusable"] == 1 + bool(content)


def test_links_do_not_lead_out_of_the_root(server: Server, root: Path) -> None:
    outside = root.parent / "secret.png"
    outside.write_bytes(png_of(stripes("abc")))
    (root / "link.png").symlink_to(outside)
    (root / "folder").symlink_to(root.parent)
    for source in ("link.png", "folder/secret.png", "missing.png", "."):
        put(server, ts_ms=NOW + len(source), span={"source": source})
        consumer_of(server, root).look(server.client)
        told = result(server)
        assert told["status"] in {"failed", "refused"} and "text" not in told, source


def test_a_newer_result_is_never_replaced_by_an_older(server: Server, root: Path) -> None:
    def slow(span: Span, path: Path) -> Said:
        put(server, ts_ms=NOW + 5)
        other.look(server.client)  # another consumer is faster with the next gate
        return Said("old", None, 1.0, "slow")

    other, late = consumer_of(server, root), consumer_of(server, root, slow)
    put(server)
    assert late.look(server.client) == 1
    assert (result(server)["ts_ms"], result(server)["text"]) == (NOW + 5, "line of line.png")
    assert late.counts["overtaken"] == 1


def test_only_the_last_gate_is_read(server: Server, root: Path) -> None:
    read: list[int] = []
    consumer = consumer_of(server, root, lambda span, path: (read.append(1), said(span, path))[1], mode="notify")
    ended = threading.Event()
    thread = threading.Thread(target=consumer.run, args=(ended.wait,))
    put(server)
    thread.start()
    until(lambda: result(server).get("ts_ms") == NOW)
    pipe = server.client.pipeline()
    for at in range(1, 21):
        pipe.set(
            f"{GATE}desk",
            json.dumps({"ts_ms": NOW + at, "instrument": "desk", "admit": True, "span": {"source": "line.png"}}),
        )
    pipe.execute()
    until(lambda: result(server).get("ts_ms") == NOW + 20)
    ended.set()
    thread.join()
    assert len(read) == consumer.counts["read"] < 20
    assert consumer.counts["read"] - 1 + consumer.counts["skipped"] <= 20


@pytest.mark.parametrize("mode", ["poll", "notify"])
def test_a_server_that_is_killed_is_waited_for(root: Path, mode: str) -> None:
    with running("--notify-keyspace-events", "K$") as mine:

        def killing(span: Span, path: Path) -> Said:
            if span.page == 7:
                mine.kill()  # between the gate and its result
            return said(span, path)

        consumer = consumer_of(mine, root, killing, mode=mode)
        ended = threading.Event()
        thread = threading.Thread(target=consumer.run, args=(ended.wait,))
        put(mine)
        thread.start()
        until(lambda: result(mine).get("ts_ms") == NOW)
        put(mine, ts_ms=NOW + 1, span={"source": "line.png", "page": 7})
        until(lambda: consumer.counts["reconnects"] > 1)
        mine.start("--notify-keyspace-events", "K$")
        until(lambda: result(mine).get("ts_ms") == NOW + 1)
        put(mine, ts_ms=NOW + 2)
        until(lambda: result(mine).get("ts_ms") == NOW + 2)
        ended.set()
        thread.join()
        assert consumer.counts["read"] == 3, "the reading whose result could not be written was not done again"


def test_a_model_of_this_process_reads_what_the_span_names(tmp_path: Path, root: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "model")
    settings = load_settings(environment={}, model=str(bundle.folder), serve__kinds=("line",))
    read = local_reader(settings, None)
    assert read(Span(source="line.png"), root / "line.png").text == "abc"
    whole = images_of(Span(source="line.png"), root / "line.png", settings)[0]
    half = images_of(Span(source="line.png", box=(0.5, 0.25, 1, 1)), root / "line.png", settings)[0]
    assert half.shape[0] == whole.shape[0] - int(0.25 * whole.shape[0])
    assert half.shape[1] == whole.shape[1] - int(0.5 * whole.shape[1])
    with pytest.raises(UsageError, match="the model reads no page; it reads line"):
        read(Span(source="line.png", kind="page"), root / "line.png")
    with pytest.raises(ImageError, match="pixels"):
        small = load_settings(environment={}, limits__image_megapixels=0.0001)
        images_of(Span(source="line.png"), root / "line.png", small)


def test_the_commands(server: Server, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_colour_bundle(tmp_path / "model")
    put(server, ts_ms=time.time_ns() // 1_000_000)
    put(server, "old")
    place = ["--url", server.url]
    model = ["--model", str(bundle.folder), "--kinds", "line", "--root", str(root)]
    assert main(["stream", "run", "--once", "--json", *model, *place]) == 0
    assert json.loads(capsys.readouterr().out) == {"read": 1, "refused": 1, "stale": 1, "overtaken": 0}
    assert main(["stream", "show", "--json", *place]) == 0
    rows = json.loads(capsys.readouterr().out)["instruments"]
    assert [(row["instrument"], row["result"]["status"]) for row in rows] == [("desk", "read"), ("old", "refused")]
    assert rows[0]["result"]["text"] == "abc"
    assert main(["stream", "show", "desk", *place]) == 0
    assert "read: abc" in capsys.readouterr().err
    assert main(["stream", "run", "--once", *model, "--url", "nonsense"]) == 2
    assert "stream.url is no address of Redis" in capsys.readouterr().err
    assert main(["stream", "run", "--once", *model, "--root", str(root / "none"), *place]) == 2


def test_a_server_that_tells_nothing_is_named(server: Server, root: Path) -> None:
    server.client.config_set("notify-keyspace-events", "")
    try:
        with pytest.raises(EngineError, match=r"set notify-keyspace-events to K\$"):
            consumer_of(server, root, mode="notify").run(threading.Event().wait)
    finally:
        server.client.config_set("notify-keyspace-events", "K$")


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that is about to be so; a server that is away is no answer."""
    for _ in range(6000):
        try:
            if holds():
                return
        except OSError:
            pass
        except Exception as error:
            assert type(error).__module__ == "redis.exceptions", error
        time.sleep(0.01)
    raise AssertionError("it never came about")


@pytest.mark.parametrize("command", [["show"], ["run", "--once"]])
def test_one_look_at_a_server_that_is_away_is_one_sentence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = ["--url", f"unix://{tmp_path}/none.sock", "--workspace", str(tmp_path)]
    assert main(["stream", *command, *address]) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error")]
    assert line.startswith("error: the server of the stream cannot be used now (") and "give its address" in line
