"""What `mlflow models serve` runs: the same texts as reading here, and one sentence for each picture that cannot be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas
import pytest

from emendo.image.load import read_image
from emendo.models.references import open_recognizer
from emendo.models.registry import MlflowRegistry
from emendo.models.registry.served import LineReader, signature
from emendo.settings import load_settings

from ...release.colours import colour_samples, write_colour_bundle
from .test_registries import about


def encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LineReader:
    monkeypatch.setenv("EMENDO_LIMITS__IMAGE_MEGAPIXELS", "0.02")
    monkeypatch.setenv("EMENDO_LIMITS__UPLOAD_BYTES", "20000")
    reader = LineReader()
    reader.load_context(SimpleNamespace(artifacts={"bundle": str(write_colour_bundle(tmp_path / "one").folder)}))
    return reader


def test_bad_rows_are_told_and_the_others_read(reader: LineReader, tmp_path: Path) -> None:
    good, large = colour_samples(tmp_path, ["gfe", "abcdefg" * 10])
    rows = [encoded(good.image), "", "%%%", encoded(large.image), b64encode(b"<html>").decode(), "A" * 40000, None]
    given = pandas.DataFrame({"image": rows})
    told = reader.predict(None, given).to_dict("records")
    assert told[0]["text"] == "gfe" and told[0]["error"] == "" and 0 < told[0]["confidence"] <= 1
    sentences = [row["error"] for row in told[1:]]
    expected = [
        "holds no picture",
        "is no base64",
        "more than the limit of 0.02 megapixels",
        "holds a web page",
        "is larger than 20000 bytes",
        "holds no picture",
    ]
    assert all(part in sentence for part, sentence in zip(expected, sentences, strict=True)), sentences
    assert all(row["text"] == "" and row["confidence"] == 0 for row in told[1:])
    assert str(tmp_path) not in "".join(sentences) and "/tmp" not in "".join(sentences)
    assert reader.predict(None, given[1:3])["error"].tolist() == sentences[:2]


def test_the_signature_names_the_columns() -> None:
    made = signature().to_dict()
    assert [one["name"] for one in json.loads(made["inputs"])] == ["image"]
    assert [one["name"] for one in json.loads(made["outputs"])] == ["text", "confidence", "error"]


def test_mlflow_serves_a_registered_model(registry_uri: str, tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "one")
    MlflowRegistry(registry_uri, "emendo", 10).put(bundle, "journal", about(bundle))
    samples = colour_samples(tmp_path / "lines", ["abcg", "gfe"])
    expected = open_recognizer(bundle, engine=load_settings().read.engine).read(
        [read_image(sample.image) for sample in samples]
    )
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/journal/1", "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # mlflow starts uvicorn by its name
    environment = {**os.environ, "MLFLOW_TRACKING_URI": registry_uri, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    log = (tmp_path / "serve.log").open("wb")
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "1"],
        env=environment,
        stdout=log,
        stderr=log,
        cwd=tmp_path,
        start_new_session=True,
    )
    try:
        ready(port, process)
        status, answer = post(port, {"dataframe_records": [{"image": encoded(one.image)} for one in samples]})
        assert status == 200
        assert [row["text"] for row in answer["predictions"]] == [one.text for one in expected] == ["abcg", "gfe"]
        status, answer = post(port, {"dataframe_records": [{"image": "%%%"}, {"image": encoded(samples[0].image)}]})
        assert (status, [row["text"] for row in answer["predictions"]]) == (200, ["", "abcg"])
        assert answer["predictions"][0]["error"].startswith("is no base64")
        assert post(port, {"dataframe_records": [{"picture": "x"}]})[0] == 400
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        assert process.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("the server did not begin")


def post(port: int, content: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        data=json.dumps(content).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, None
