"""Documents over HTTP: fields, certainty and findings, one page alone, jobs, batches, and a change of the model."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pillow

from emendo.models.bundle import Bundle
from emendo.serve.http import schemas
from emendo.serve.keys import Access, add_key
from emendo.serve.service import Service

from ..fieldnet import BILLS, PAPER, write_fields_bundle
from ..pdfs import Show, page_pdf
from .served import client_of, colour_model, png_of, settings_of, until
from .test_http import checked


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Two bills as PNG files, and a blank page."""
    place = tmp_path_factory.mktemp("bills")
    for at in (0, 1):
        BILLS[at].draw(place / f"{at}.png")
    blank = np.full((PAPER[1], PAPER[0], 3), 255, np.uint8)
    return [*((place / f"{at}.png").read_bytes() for at in (0, 1)), png_of(blank)]


def pdf(*files: bytes) -> bytes:
    held = io.BytesIO()
    first, *rest = [Pillow.open(io.BytesIO(one)).convert("RGB") for one in files]
    first.save(held, "PDF", save_all=True, append_images=rest)
    return held.getvalue()


@pytest.fixture(scope="module")
def served(fields_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    keys = tmp_path_factory.mktemp("keys") / "keys"
    key = add_key(keys, "admin", Access.ADMIN)
    settings = settings_of(model=str(fields_bundle.folder), serve__workers=1, serve__api_keys=str(keys))
    with client_of(Service(settings)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client, key


def test_a_document_comes_with_fields_certainty_and_findings(
    served: tuple[TestClient, str], pages: list[bytes], fields_bundle: Bundle
) -> None:
    client, _ = served
    assert checked(schemas.Model, client.get("/v1/model"))["kinds"] == ["document"]
    said = checked(schemas.Reading, client.post("/v1/read", content=pages[0]))
    names = ("seller", "number", "date", "total")
    assert [said["fields"][name] for name in names] == [BILLS[0].fields[name] for name in names]
    assert said["model"].startswith(f"bills@{fields_bundle.id}(") and said["pages"] == 1
    assert 0.5 < said["certainty"]["total"] <= 1 and said["fields"]["sources"]["total"]["page"] == 1
    assert (said["width"], said["height"]) == PAPER and said["text"].startswith('{"schema":"emendo.fields/1"')
    assert all(set(one) == {"rule", "severity", "what", "paths"} for one in said["findings"])
    assert client.post("/v1/read", params={"kind": "line"}, content=pages[0]).json()["error"]["code"] == "bad_kind"


def test_of_many_pages_all_are_read_together_or_one_alone(served: tuple[TestClient, str], pages: list[bytes]) -> None:
    client, _ = served
    both = pdf(pages[2], pages[1])
    said = checked(schemas.Reading, client.post("/v1/read", content=both))
    assert said["pages"] == 2 and said["fields"]["number"] == "R-701" and said["faults"]["page 1"]
    one = checked(schemas.Reading, client.post("/v1/read", params={"page": 1}, content=both))
    assert one["fields"] is None and one["faults"] == {"page 1": "no words were found"} and one["findings"] == []
    gone = client.post("/v1/read", params={"page": 3}, content=both)
    assert gone.status_code == 422 and "has 2 pages, and no page 3" in gone.json()["error"]["message"]
    assert client.post("/v1/read", params={"page": 0}, content=both).status_code == 422


def test_words_of_a_pdf_come_from_its_text_layer_and_that_is_told(served: tuple[TestClient, str]) -> None:
    client, _ = served
    made = page_pdf(
        [Show(0.36 * x, 0.36 * (PAPER[1] - 20 - y), text, 8.6) for text, (x, y), _ in BILLS[0].words],
        box=f"0 0 {0.36 * PAPER[0]} {0.36 * PAPER[1]}",
    )
    said = checked(schemas.Reading, client.post("/v1/read", content=made))
    assert said["text_layer"] == [1] and said["fields"]["number"] == BILLS[0].fields["number"]
    assert said["fields"]["sources"]["number"]["box"][0] == pytest.approx(200, abs=2)
    picture = checked(schemas.Reading, client.post("/v1/read", content=png_of(np.full((90, 90, 3), 255, np.uint8))))
    assert picture["text_layer"] == []


def test_in_a_batch_what_cannot_be_read_has_its_error_in_its_place(
    served: tuple[TestClient, str], pages: list[bytes]
) -> None:
    client, _ = served
    files = [("files", (name, data)) for name, data in (("a", pages[0]), ("b", b"no page"), ("c", pdf(pages[1])))]
    rows = checked(schemas.Batch, client.post("/v1/batch", files=files))["results"]
    numbers = [row["reading"]["fields"]["number"] if "reading" in row else None for row in rows]
    assert numbers == ["R-700", None, "R-701"] and rows[1]["error"]["message"].startswith("b: is no image")
    place = client.post("/v1/jobs", files=files).headers["location"]
    until(lambda: client.get(place).json()["state"] == "done")
    again = checked(schemas.Progress, client.get(place))
    ids = [row["reading"].pop("id") for row in (*rows, *again["results"]) if "reading" in row]
    assert len(set(ids)) == 4
    assert again["total"] == 3 and [row.get("reading") for row in again["results"]] == [
        row.get("reading") for row in rows
    ]
    assert 'emendo_read_seconds_count{kind="document"}' in client.get("/metrics").text


def test_another_model_takes_its_place_and_a_bad_one_does_not(
    served: tuple[TestClient, str], pages: list[bytes], tmp_path: Path, fields_bundle: Bundle
) -> None:
    client, _ = served
    other = write_fields_bundle(tmp_path / "other", name="newer", decoding={"threshold": 0.4})
    assert client.post("/v1/model", json={"reference": str(other.folder)}).status_code == 200
    assert client.post("/v1/read", content=pages[0]).json()["model"].startswith(f"newer@{other.id}")
    strange = write_fields_bundle(tmp_path / "strange", preprocessing={"reader": "base", "labels": []})
    answer = client.post("/v1/model", json={"reference": str(strange.folder)})
    assert answer.status_code >= 400 and "was made for other" in answer.json()["error"]["message"]
    assert client.post("/v1/read", content=pages[0]).json()["model"].startswith("newer@")
    assert client.post("/v1/model", json={"reference": str(fields_bundle.folder)}).status_code == 200


def test_lines_and_documents_are_read_by_models_of_their_own(
    fields_bundle: Bundle, pages: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emendo.pages import fields

    monkeypatch.setattr(fields, "DEFAULT", str(fields_bundle.folder))
    model = colour_model(tmp_path / "colours")
    settings = settings_of(model=str(model), serve__kinds=["line", "document"], serve__workers=1)
    with client_of(Service(settings)) as client:
        line = client.post("/v1/read", content=pages[0]).json()
        said = client.post("/v1/read", params={"kind": "document"}, content=pages[0]).json()
    assert line["model"].startswith("colours@") and said["fields"]["number"] == "R-700"
