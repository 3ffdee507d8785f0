"""Download, prepare and train on published data, served by a server of our own."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
import yaml

from emendo.cli import main
from emendo.datasets.dryrun import dry_run
from emendo.datasets.fetch import _may_see_token
from emendo.datasets.published import PUBLISHED, source_of
from emendo.datasets.synth import synth_lines
from emendo.errors import DataError, UsageError
from emendo.flows import pipeline
from emendo.types import Sample, Split


def png(width: int = 200) -> bytes:
    pixels = np.full((40, width, 3), 250, dtype=np.uint8)
    cv2.putText(pixels, "abc", (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(scope="module")
def archive() -> bytes:
    """The Fox benchmark in miniature, with its name and folders."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for short, text in (("en", "abc"), ("cn", "三")):
            rows = [
                {
                    "image": f"{short}_{n}.png",
                    "conversations": [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": text}],
                }
                for n in range(8)
            ]
            packed.writestr(f"focus_benchmark_test/{short}_page_ocr.json", json.dumps(rows))
            for n in range(8):
                packed.writestr(f"focus_benchmark_test/{short}_pdf_png/{short}_{n}.png", png(200 + n))
    return out.getvalue()


@dataclass
class Server:
    body: bytes
    url: str = ""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)
    elsewhere: str = ""


@pytest.fixture
def server(archive: bytes) -> Iterator[Server]:
    state = Server(archive)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            state.asked.append((self.path, wanted, self.headers.get("Authorization", "")))
            if state.elsewhere and self.path == "/fox.zip":
                self.send_response(302)
                self.send_header("Location", state.elsewhere)
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.body) - 1}/{len(state.body)}")
            self.send_header("Content-Length", str(len(state.body) - start))
            self.end_headers()
            limit = state.cut_after.pop(0) if state.cut_after else len(state.body)
            self.wfile.write(state.body[start : start + limit])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}"
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


def test_download_resumes_and_sends_the_token(server: Server, tmp_path: Path) -> None:
    server.cut_after = [500]
    (path,) = pipeline.download(["fox"], tmp_path, mirror=server.url, token="secret")
    assert path.read_bytes() == server.body
    assert server.asked == [("/fox.zip", "", "Bearer secret"), ("/fox.zip", "bytes=500-", "Bearer secret")]
    pipeline.download(["fox"], tmp_path, mirror=server.url)
    assert len(server.asked) == 2, "what is there is not fetched again"


def test_a_redirect_does_not_take_the_token_along(server: Server, tmp_path: Path) -> None:
    server.elsewhere = f"{server.url}/other"
    pipeline.download(["fox"], tmp_path, mirror=server.url, token="secret")
    assert [(path, token) for path, _, token in server.asked] == [("/fox.zip", "Bearer secret"), ("/other", "")]


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://huggingface.co/x", True),
        ("https://cdn.huggingface.co/x", True),
        ("http://huggingface.co/x", False),
        ("https://huggingface.co.evil.org/x", False),
        ("https://mirror.org/x", False),
    ],
)
def test_only_the_hub_sees_the_token(url: str, seen: bool) -> None:
    assert _may_see_token(url) is seen


def test_a_changed_archive_is_refused(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.download(["fox"], tmp_path, mirror=server.url)
    (tmp_path / "archives" / "fox.zip").write_bytes(b"other")
    assert main(["pipeline", "download", "--datasets", "fox", "--data-dir", str(tmp_path)]) == 2
    assert "has SHA-256" in capsys.readouterr().err


def test_a_folder_serves_as_mirror_and_prepare_makes_a_manifest(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "fox.zip").write_bytes(archive)
    pipeline.download(["fox"], tmp_path, mirror=str(tmp_path / "mirror"))
    (made,) = pipeline.prepare_all(["fox"], tmp_path)
    assert len(made) == 16
    assert {one.language for one in made.samples} == {"en", "zh"}
    assert "CC-BY-NC-4.0" in (tmp_path / "fox" / "README.md").read_text()
    assert pipeline.prepare_all(["fox"], tmp_path)[0].hash == made.hash


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["download", "--datasets", "fix"], "unknown data set 'fix'; use peraire, fox, omnidoc"),
        (["download", "--datasets", "omnidoc"], "omnidoc is not published as one archive; pack it as omnidoc.zip"),
        (["download", "--datasets", "fox", "--mirror", "nowhere"], "nowhere: holds no fox.zip"),
        (["prepare", "--datasets", "fox"], "fox is not downloaded; run `emendo pipeline download --datasets fox`"),
        (["train"], "no training data; give --train-dataset"),
        (["train", "--train-dataset", "x=gone.jsonl:."], "no manifest"),
        (["train", "--precision", "fp12"], "precision"),
    ],
)
def test_bad_use(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["pipeline", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_every_source_names_its_licence() -> None:
    assert [row.name for row in PUBLISHED] == ["fox", "omnidoc"]
    assert all(row.licence and row.credit for row in PUBLISHED)
    assert source_of("peraire").name == "peraire"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Calls of the trainer, which does nothing."""
    calls: list[dict[str, Any]] = []

    class Result:
        report: ClassVar = {"kept": "start"}

        def sentences(self) -> list[str]:
            return []

    def train(samples: tuple[Sample, ...], **more: Any) -> Result:
        calls.append({"samples": samples, **more})
        more["out"].mkdir(parents=True, exist_ok=True)
        return Result()

    monkeypatch.setattr("emendo.train.run.train", train)
    return calls


def test_flags_and_environment_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: list[dict[str, Any]]
) -> None:
    made = synth_lines(24, 0, tmp_path / "lines", languages=("fr", "en"), fonts="builtin")
    ref = f"own={made.where}:{tmp_path / 'lines'}"
    monkeypatch.chdir(tmp_path)
    flags = ["--run-name", "one", "--train-dataset", ref, "--include-language", "fr", "--val-split", "0.3"]
    flags += ["--precision", "fp32", "--epochs", "2", "--batch-size", "4", "--seed", "5", "--max-samples", "6"]
    assert main(["pipeline", "train", *flags, "--json"]) == 0
    names = {
        "RUN_NAME": "one",
        "TRAIN_DATASETS": ref,
        "INCLUDE_LANGUAGES": "fr",
        "VAL_SPLIT": "0.3",
        "PRECISION": "fp32",
    }
    for name, value in {**names, "EPOCHS": "2", "BATCH_SIZE": "4", "SEED": "5", "MAX_SAMPLES": "6"}.items():
        monkeypatch.setenv(name, value)
    assert main(["pipeline", "train", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("}\n")[0] + "}") == {"kept": "start"}
    first, second = trained
    assert {key: value for key, value in first.items() if key != "progress"} == {
        key: value for key, value in second.items() if key != "progress"
    }
    assert first["out"] == Path("runs/one")
    recipe = first["recipe"]
    assert (recipe.precision, recipe.passes, recipe.lines_per_batch, recipe.seed) == ("float32", 2, 4, 5)
    assert len(first["samples"]) == 6
    assert {one.language for one in (*first["samples"], *first["val"])} == {"fr"}
    assert {one.split for one in first["val"]} == {Split.VAL}
    record = yaml.safe_load((tmp_path / "runs" / "one" / pipeline.RECORD).read_text())
    assert record["manifests"] == [{"name": "own", "path": str(made.where), "hash": made.hash}]
    assert record["plan"]["changes"] == ["precision=float32", "passes=2.0", "lines_per_batch=4", "seed=5"]


def test_all_goes_from_the_archive_to_the_run_and_resumes(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], trained: list[dict[str, Any]]
) -> None:
    where = ["--data-dir", str(tmp_path / "data"), "--output-dir", str(tmp_path / "runs"), "--mirror", server.url]
    assert main(["pipeline", "all", "--datasets", "fox", "--include-language", "en", *where]) == 0
    assert {one.text for one in trained[0]["samples"]} == {"abc"}
    ref = str(tmp_path / "data" / "fox")
    assert main(["pipeline", "train", "--train-dataset", ref, "--resume-from", str(tmp_path / "runs" / "run")]) == 0
    assert (trained[1]["resume"], trained[1]["out"]) == (True, tmp_path / "runs" / "run")
    assert main(["pipeline", "train", "--train-dataset", ref, "--include-language", "fr"]) == 2
    assert "unknown language 'fr'; the data set has 'en', 'zh'" in capsys.readouterr().err


def test_a_dry_run_names_what_cannot_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.png").write_bytes(png())
    (tmp_path / "bad.png").write_bytes(b"no image")
    rows = [{"image": "good.png", "text": "abc", "id": str(n)} for n in range(5)]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    assert main(["pipeline", "train", "--train-dataset", str(manifest), "--dry-run", "3", "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert (seen["samples"], seen["looked_at"], seen["bad"]) == (5, 3, [])
    assert seen["needed_bytes"] == 5 * 40 * 200 * 3
    manifest.write_text("\n".join(map(json.dumps, [*rows, {"image": "bad.png", "text": "x"}])))
    assert main(["pipeline", "train", "--train-dataset", str(manifest), "--dry-run", "6"]) == 2
    assert "1 of 6 samples looked at cannot train (the first, bad.png:" in capsys.readouterr().err


def test_a_run_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.png").write_bytes(png())
    sample = Sample(id="a", image=tmp_path / "good.png", text="abc")
    monkeypatch.setattr("emendo.datasets.dryrun.free_memory", lambda: 100_000)
    with pytest.raises(DataError, match=r"the images of 100 samples need about 0\.0 GB"):
        dry_run([sample] * 100, 4).require()
    dry_run([sample] * 3, 4).require()


def test_the_split_is_by_group_and_kept_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    rows = [{"image": "a.png", "id": str(n), "text": "x", "page": f"p{n // 2}"} for n in range(20)]
    rows += [{"image": "a.png", "id": "t", "text": "x", "page": "q", "split": "test"}]
    free, own = tmp_path / "free.jsonl", tmp_path / "own.jsonl"
    free.write_text("\n".join(map(json.dumps, rows)))
    own.write_text("\n".join(json.dumps({**row, "split": "val" if row["id"] == "0" else "train"}) for row in rows))
    parts = pipeline.parts_of(pipeline.Plan(name="x", train=(str(free),), val_split=0.25))
    assert parts.val is not None
    assert (len(parts.train), len(parts.val)) in {(16, 4), (14, 6)}
    assert not {one.group for one in parts.train} & {one.group for one in parts.val}
    assert "t" not in {one.id for one in (*parts.train, *parts.val)}, "test lines never train"
    kept = pipeline.parts_of(pipeline.Plan(name="x", train=(str(own),), val_split=0.25))
    assert [one.id for one in kept.val or ()] == ["0"]
    held = pipeline.parts_of(pipeline.Plan(name="x", train=(str(own),), val=(str(free),)))
    assert len(held.val or ()) == 20
    with pytest.raises(UsageError, match="no training data"):
        pipeline.parts_of(pipeline.Plan(name="x", train=()))
