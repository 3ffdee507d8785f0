"""Bundles, pictures and captures in a bucket: whole, verified, gone on with, and said in a sentence when not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as boto

from emendo.cli import main
from emendo.cloud.aws import Account, CloudError, told
from emendo.cloud.references import fetch_bundle
from emendo.cloud.s3 import Store
from emendo.errors import BundleError, EngineError, UsageError
from emendo.models.bundle import Bundle, read_bundle
from emendo.models.references import load_bundle
from emendo.monitor import Captures, Seen

from ..release.colours import write_colour_bundle

PART = 5 << 20
"""The smallest part that S3 takes."""


class Failing:
    """A client whose method `name` fails after `good` calls; the calls of all methods are counted."""

    def __init__(self, client: Any, name: str, good: int) -> None:
        self.client, self.name, self.good, self.calls = client, name, good, dict[str, int]()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.client, name)

        def call(*args: Any, **more: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            if name == self.name and self.calls[name] > self.good:
                raise boto.EndpointConnectionError(endpoint_url="https://s3.example")
            return real(*args, **more)

        return call if callable(real) else real


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_colour_bundle(tmp_path / "bundle")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_bundle_is_read_by_its_address(
    bucket: Any, bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = Store(bucket, "emendo-test", "team/").put_bundle(bundle)
    assert address == f"s3://emendo-test/team/bundles/{bundle.id}"
    assert main(["export", address, "--to", "folder", "--out", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == bundle.id
    bucket.delete_object(Bucket="emendo-test", Key=f"team/bundles/{bundle.id}/bundle.yaml")
    assert fetch_bundle(address, None).id == bundle.id  # from the cache: nobody is asked


def test_half_a_bundle_is_no_bundle(bucket: Any, bundle: Bundle) -> None:
    broken = Failing(bucket, "put_object", good=1)
    with pytest.raises(CloudError, match="cannot be reached"):
        Store(broken, "emendo-test").put_bundle(bundle)
    address = f"s3://emendo-test/bundles/{bundle.id}"
    assert list(Store(bucket, "emendo-test").keys("bundles/")) != []
    with pytest.raises(BundleError, match="holds no model bundle"):
        load_bundle(address)
    again = Failing(bucket, "put_object", good=9)
    assert Store(again, "emendo-test").put_bundle(bundle) == address
    assert again.calls["put_object"] == 1 + len(bundle.info.files) - 1  # what was there is not sent again
    assert load_bundle(address).id == bundle.id


def test_what_was_altered_in_the_bucket_is_refused_and_leaves_nothing(bucket: Any, bundle: Bundle, cache: Path) -> None:
    store = Store(bucket, "emendo-test")
    address = store.put_bundle(bundle)
    key = f"bundles/{bundle.id}/model.onnx"
    content = store.get(key, 1 << 20)
    bucket.put_object(Bucket="emendo-test", Key=key, Body=content[:-1] + b"x")
    with pytest.raises(BundleError, match="differs from its checksum"):
        load_bundle(address)
    bucket.put_object(Bucket="emendo-test", Key=key, Body=content + b"x")
    with pytest.raises(CloudError, match="holds more than"):
        load_bundle(address)
    assert not (cache / "s3" / bundle.id).exists()
    store.put_bundle(bundle)
    assert load_bundle(address).id == bundle.id


def test_another_model_under_an_id_is_refused(bucket: Any, bundle: Bundle, tmp_path: Path) -> None:
    other = write_colour_bundle(tmp_path / "other", wrong={"a": "b"})
    store = Store(bucket, "emendo-test").below("bundles").below(bundle.id)
    for name in (*other.info.files, "bundle.yaml"):
        store.put_file(other.folder / name, name)
    with pytest.raises(BundleError, match=f"holds the model {other.id}"):
        load_bundle(f"s3://emendo-test/bundles/{bundle.id}")


def test_a_cached_bundle_that_was_damaged_is_fetched_again(bucket: Any, bundle: Bundle, cache: Path) -> None:
    address = Store(bucket, "emendo-test").put_bundle(bundle)
    held = load_bundle(address)
    held.path("model.onnx").write_bytes(b"damaged")
    assert read_bundle(load_bundle(address).folder).id == bundle.id


def test_a_broken_download_goes_on_where_it_broke_off(bucket: Any, bundle: Bundle, cache: Path) -> None:
    address = Store(bucket, "emendo-test").put_bundle(bundle)
    with pytest.raises(CloudError):
        load_bundle_with(Failing(bucket, "get_object", good=1), address)
    staged = next((cache / "s3").glob(".staged-*/bundle.yaml")).parent
    graph = bundle.path("model.onnx").read_bytes()
    (staged / ".model.onnx.part").write_bytes(graph[:100])
    watched = Failing(bucket, "", good=0)
    ranges: list[str] = []
    real = bucket.get_object
    watched.get_object = lambda **more: ranges.append(more.get("Range", "")) or real(**more)
    assert load_bundle_with(watched, address).id == bundle.id
    assert "bytes=100-" in ranges


def load_bundle_with(client: Any, address: str) -> Bundle:
    from emendo.cloud.references import get_bundle
    from emendo.cloud.s3 import split

    name, prefix = split(address)
    return get_bundle(Store(client, name, f"{prefix}/"))


def test_an_upload_in_parts_goes_on_with_the_part_that_is_missing(bucket: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * (11 << 12))  # 11 MiB, three parts
    broken = Failing(bucket, "upload_part", good=1)
    with pytest.raises(CloudError, match="check the network"):
        Store(broken, "emendo-test", part_bytes=PART).put_file(path, "large.bin")
    assert Store(bucket, "emendo-test").size("large.bin") is None
    again = Failing(bucket, "upload_part", good=9)
    seen: list[tuple[int, int]] = []
    store = Store(again, "emendo-test", part_bytes=PART)
    assert store.put_file(path, "large.bin", tell=lambda done, total, _: seen.append((done, total)))
    assert (again.calls["upload_part"], again.calls.get("create_multipart_upload", 0)) == (2, 0)
    assert seen[-1] == (path.stat().st_size,) * 2
    assert store.get("large.bin", 1 << 30) == path.read_bytes()
    assert not store.put_file(path, "large.bin")


def test_a_part_of_something_else_is_sent_again(bucket: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"a" * (6 << 20))
    upload = bucket.create_multipart_upload(Bucket="emendo-test", Key="large.bin")["UploadId"]
    bucket.upload_part(Bucket="emendo-test", Key="large.bin", UploadId=upload, PartNumber=1, Body=b"b" * PART)
    store = Store(bucket, "emendo-test", part_bytes=PART)
    assert store.put_file(path, "large.bin")
    assert store.get("large.bin", 1 << 30) == path.read_bytes()


def test_pictures_are_put_once_by_their_content(bucket: Any) -> None:
    store = Store(bucket, "emendo-test")
    keys = {store.put_image(b"one"), store.put_image(b"one"), store.put_image(b"two", ".jpg")}
    assert sorted(store.keys()) == sorted(keys) and len(keys) == 2


def test_captures_are_put_up_to_their_last_whole_line(bucket: Any, tmp_path: Path) -> None:
    held = Captures(tmp_path / "captures")
    at = datetime(2026, 11, 29, 12, tzinfo=UTC)
    held.add([Seen(id="1", at=at, kind="line")])
    held.put_image(b"picture", at)
    day = tmp_path / "captures" / "2026-11-29"
    with (day / "seen.jsonl").open("ab") as out:
        out.write(b'{"id": "torn')
    store = Store(bucket, "emendo-test")
    assert store.put_captures(held.folder, "desk") == (2, 0)
    assert store.put_captures(held.folder, "desk") == (0, 2)
    rows = store.get("captures/desk/2026-11-29/seen.jsonl", 1 << 20).decode().splitlines()
    assert [json.loads(row)["id"] for row in rows] == ["1"]
    held.add([Seen(id="2", at=at, kind="line")])
    assert store.put_captures(held.folder, "desk") == (1, 1)


def client_error(code: str) -> boto.ClientError:
    return boto.ClientError({"Error": {"Code": code, "Message": "Because. Of this."}}, "PutObject")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (boto.NoCredentialsError(), "no AWS credentials were found; run `aws configure`"),
        (boto.ProfileNotFound(profile="team"), "the config profile (team) could not be found"),
        (boto.NoRegionError(), "no AWS region is named"),
        (boto.ConnectTimeoutError(endpoint_url="https://s3.example"), "AWS cannot be reached"),
        (boto.SSOTokenLoadError(profile_name="x", error_msg="gone"), "the AWS sign-in is not valid any more"),
        (client_error("AccessDenied"), "these credentials do not permit PutObject"),
        (client_error("NoSuchBucket"), "there is no such bucket"),
        (client_error("ExpiredToken"), "the AWS credentials have expired"),
        (client_error("InvalidAccessKeyId"), "AWS does not know these credentials"),
        (client_error("SlowDown"), "AWS is asked too often"),
        (client_error("Strange"), "AWS refuses PutObject (Strange: Because. Of this)"),
    ],
)
def test_what_aws_answers_is_said_in_a_sentence(error: Exception, sentence: str) -> None:
    said = str(told(error, "s3://bucket/key"))
    assert sentence in said and "\n" not in said


def test_without_credentials_bucket_or_network(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "s3://nothing-here/bundles/x", "--to", "folder", "--out", "never"]) == 2
    assert "there is no such bucket" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no address in S3"):
        Store.at("s3://", Account())
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(CloudError, match="give --region"):
        Account().client("cloudformation")


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(EngineError, match=r"emendo\[aws\]"):
        Account().client("s3")
