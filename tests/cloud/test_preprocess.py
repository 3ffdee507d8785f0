"""Uploads and their pages: once each, the same however often they are told of, and refused in a sentence."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from emendo.cloud import handler as lambda_function
from emendo.cloud.aws import CloudError
from emendo.cloud.preprocess import Upload, preprocess, uploads_of
from emendo.cloud.s3 import Store
from emendo.datasets import open_dataset
from emendo.errors import FormatError
from emendo.image.load import open_document, read_image
from emendo.settings import Settings, load_settings

BUCKET = "emendo-test"


def settings(**values: Any) -> Settings:
    return load_settings(environment={}, read__dpi=72, **values)


def drawn(*shades: int) -> bytes:
    """A PDF with a page of each shade of grey."""
    pages = [Pillow.fromarray(np.full((40, 30, 3), shade, np.uint8)) for shade in shades]
    held = io.BytesIO()
    pages[0].save(held, "PDF", save_all=True, append_images=pages[1:], resolution=72)
    return held.getvalue()


def put(client: Any, name: str, content: bytes) -> Upload:
    client.put_object(Bucket=BUCKET, Key=f"incoming/{name}", Body=content)
    return Upload(BUCKET, f"incoming/{name}")


def index(client: Any, name: str) -> Any:
    return json.loads(Store(client, BUCKET).get(f"index/{name}.json", 10_000))


def everything(client: Any) -> dict[str, str]:
    """All objects with the time at which they were put last, and their content."""
    listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {one["Key"]: one["ETag"] for one in listed if not one["Key"].startswith("incoming/")}


class Context:
    """What Lambda hands over."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def test_a_real_notebook_becomes_pages_that_are_a_data_set(bucket: Any, data: Path, tmp_path: Path) -> None:
    source = data / "peraire" / "notebook_D2.pdf"
    result = preprocess(bucket, put(bucket, "a/D2 été.pdf", source.read_bytes()), settings())
    with open_document(source, dpi=72) as notebook:
        assert (result.state, result.pages) == ("ready", len(notebook))
        first = notebook.frame(0)
    store = Store(bucket, BUCKET)
    for key in store.keys(f"processed/{result.document}/"):
        (tmp_path / Path(key).name).write_bytes(store.get(key, 1 << 26))
    assert (read_image(tmp_path / "page-0001.png") == first).all()
    samples = open_dataset(str(tmp_path / "pages.jsonl")).samples
    assert len(samples) == result.pages and samples[0].source == "a/D2 été.pdf"
    assert index(bucket, "a/D2 été.pdf")["document"] == result.document


def test_an_event_that_comes_again_changes_nothing(bucket: Any) -> None:
    upload = put(bucket, "two.pdf", drawn(10, 200))
    first = preprocess(bucket, upload, settings())
    before = everything(bucket)
    calls: list[str] = []
    real = bucket.put_object
    bucket.put_object = lambda **more: calls.append(more["Key"]) or real(**more)
    again = preprocess(bucket, upload, settings())
    assert (first.state, again.state, again.document) == ("ready", "same", first.document)
    assert everything(bucket) == before and calls == ["index/two.pdf.json"]
    copy = preprocess(bucket, put(bucket, "copy.pdf", drawn(10, 200)), settings())
    assert (copy.state, copy.document) == ("same", first.document)
    assert index(bucket, "copy.pdf")["state"] == "ready"


def test_what_broke_off_goes_on_with_the_page_that_is_missing(bucket: Any) -> None:
    upload = put(bucket, "three.pdf", drawn(10, 100, 200))
    left = iter([900.0, 5.0])
    with pytest.raises(CloudError, match="1 of 3 pages were done in time"):
        preprocess(bucket, upload, settings(), lambda: next(left))
    keys = [key for key in everything(bucket) if key.startswith("processed/")]
    assert [key.rpartition("/")[2] for key in keys] == ["page-0001.png"]
    calls: list[str] = []
    real = bucket.put_object
    bucket.put_object = lambda **more: calls.append(more["Key"].rpartition("/")[2]) or real(**more)
    assert preprocess(bucket, upload, settings()).pages == 3
    assert calls == ["page-0002.png", "page-0003.png", "pages.jsonl", "three.pdf.json"]


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        (b"no document", {}, "is no image or PDF"),
        (b"", {}, "is empty"),
        (drawn(1)[:100], {}, "damaged or cut short"),
        (drawn(1, 2, 3), {"limits__document_pages": 2}, "has 3 pages, more than the limit of 2"),
        (drawn(1), {"limits__upload_bytes": 100}, "more than the 100 that are taken"),
        (drawn(1), {"limits__pdf_points": 20}, "more than the limit of 20 points"),
    ],
)
def test_poison_is_refused_in_a_sentence_and_not_tried_again(
    bucket: Any, content: bytes, more: dict[str, Any], sentence: str
) -> None:
    upload = put(bucket, "bad.pdf", content)
    result = preprocess(bucket, upload, settings(**more))  # returns: Lambda sees no error, and nothing comes again
    assert result.state == "refused" and sentence in result.message
    assert sentence in index(bucket, "bad.pdf")["message"]
    before = everything(bucket)
    assert not [key for key in before if key.startswith("processed/")]
    assert preprocess(bucket, upload, settings(**more)) == result and everything(bucket) == before


def test_a_later_upload_of_a_name_is_not_overwritten_by_news_of_an_earlier_one(bucket: Any) -> None:
    bucket.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    versions = [
        bucket.put_object(Bucket=BUCKET, Key="incoming/x.pdf", Body=drawn(shade))["VersionId"] for shade in (10, 200)
    ]
    old, new = (
        Upload(BUCKET, "incoming/x.pdf", version, sequencer)
        for version, sequencer in zip(versions, ("00A1", "00A1FF"), strict=True)
    )
    second = preprocess(bucket, new, settings())
    first = preprocess(bucket, old, settings())
    assert first.state == second.state == "ready" and first.document != second.document
    assert index(bucket, "x.pdf")["document"] == second.document


def test_what_is_gone_or_elsewhere_is_passed_over(bucket: Any) -> None:
    assert preprocess(bucket, Upload(BUCKET, "incoming/none.pdf"), settings()).state == "gone"
    assert preprocess(bucket, Upload(BUCKET, "processed/x/page-0001.png"), settings()).state == "passed over"
    assert everything(bucket) == {}


def test_the_function_takes_events_of_eventbridge_and_of_s3(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lambda_function, "_client", lambda: bucket)
    monkeypatch.setenv("EMENDO_READ__DPI", "72")
    put(bucket, "with space é.pdf", drawn(10, 20))
    bridge = {
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": "incoming/with space é.pdf", "sequencer": "01"}},
    }
    told = lambda_function.handler(bridge, Context())["uploads"]
    assert [(one["state"], one["pages"]) for one in told] == [("ready", 2)]
    assert json.loads(capsys.readouterr().out)["document"] == told[0]["document"]
    plain = {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": {"key": "incoming/with+space+%C3%A9.pdf"}}}]}
    assert lambda_function.handler(plain, Context())["uploads"][0]["state"] == "same"
    assert lambda_function.handler({"Event": "s3:TestEvent"}, Context()) == {"uploads": []}
    with pytest.raises(FormatError, match="tells of no upload"):
        uploads_of({"detail": {}})


def test_a_bucket_that_does_not_answer_is_tried_again(bucket: Any) -> None:
    upload = Upload("no-such-bucket", "incoming/x.pdf")
    with pytest.raises(CloudError, match="no such bucket"):
        preprocess(bucket, upload, settings())
