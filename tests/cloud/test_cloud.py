"""`emendo cloud` from the command line, against moto: up, unchanged, changed, status, down without losing data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from emendo.cli import main
from emendo.cloud import deploy
from emendo.cloud.aws import CloudError
from emendo.cloud.s3 import Store
from emendo.models.references import load_bundle
from emendo.monitor import Captures, Seen
from emendo.tools.files import sha256_bytes
from emendo.workspace.folder import Workspace

from ..release.colours import write_colour_bundle

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/emendo:1"
NOT_MADE = {
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::CloudWatch::Alarm",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
}
"""Resources that moto takes and does not make: of these only cfn-lint has an opinion."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose settings name an image and a machine that moto knows, beside a model."""
    workspace = Workspace.init(tmp_path / "ws")
    # moto does not know the usual machine yet
    toml = f'model = "{tmp_path / "model"}"\n[cloud]\nimage = "{IMAGE}"\ninstance = "ml.c5.large"\n'
    (workspace.root / "emendo.toml").write_text(toml, encoding="utf-8")
    write_colour_bundle(tmp_path / "model")
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "cache"))
    return workspace.root


def told(capsys: pytest.CaptureFixture[str], place: Path, *arguments: str) -> Any:
    capsys.readouterr()
    status = main(["cloud", *arguments, "--workspace", str(place), "--json"])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    return json.loads(shown.out)


def changes(seen: Any, stack: str) -> dict[str, str]:
    rows = next(one["resources"] for one in seen["stacks"] if one["stack"] == stack)
    return {row["id"]: row["change"] for row in rows}


def test_a_rehearsal_needs_no_credentials_and_asks_nobody(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("AWS was asked")

    monkeypatch.setattr(deploy.Account, "client", never)
    seen = told(capsys, place, "up", "--dry-run", "--min", "2", "--max", "8")
    assert [one["stack"] for one in seen["stacks"]] == ["emendo-stores", "emendo-endpoint"]
    assert set(changes(seen, "emendo-endpoint").values()) == {"add"} and not seen["remembered"]
    parameters = seen["stacks"][1]["parameters"]
    assert (parameters["MinInstances"], parameters["MaxInstances"]) == ("2", "8")
    assert parameters["ModelDataUrl"].endswith(f"/endpoints/{seen['model']}/model.tar.gz")
    assert "emendo-stores" in " ".join(told(capsys, place, "down", "--dry-run")["stacks"])
    assert not any(one["remembered"] for one in told(capsys, place, "status", "--dry-run")["stacks"])
    assert main(["cloud", "up", "--dry-run", "--workspace", str(place)]) == 0
    assert "AWS was not asked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["up", "--dry-run", "--min", "5", "--max", "2"], "at most 2 instances are fewer than at least 5"),
        (["up", "--dry-run", "--only", "endpiont"], "there is no part 'endpiont'"),
        (["up", "--only", "preprocessing"], "the preprocessing needs an image in ECR: give --preprocessing-image"),
        (["up", "--stack", "Not A Name"], "error: --stack: "),
        (["up", "--only", "endpoint"], "bring up the stores first"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    aws: None, place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["cloud", *arguments, "--workspace", str(place)]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("error: ") == 1


def test_up_again_changed_and_down(aws: None, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = told(capsys, place, "up", "--preprocessing-image", IMAGE)
    assert first["stacks"] == dict.fromkeys(("emendo-stores", "emendo-preprocessing", "emendo-endpoint"), "created")
    models = Store(boto3.client("s3"), first["buckets"]["ModelsBucket"])
    assert list(models.keys()) == [f"endpoints/{first['model']}/model.tar.gz"]
    held = models.get(f"endpoints/{first['model']}/model.tar.gz", 1 << 30)
    assert models.size(f"endpoints/{first['model']}/model.tar.gz") == (len(held), sha256_bytes(held))
    again = told(capsys, place, "up", "--preprocessing-image", IMAGE)
    assert set(again["stacks"].values()) == {"unchanged"}
    seen = told(capsys, place, "status")
    assert [one["status"] for one in seen["stacks"]] == ["CREATE_COMPLETE"] * 3
    assert seen["endpoint"]["status"] == "InService" and seen["endpoint"]["instances"] == 1
    assert seen["stacks"][0]["events"]

    other = write_colour_bundle(tmp_path / "other", wrong={"a": "b"})
    planned = told(capsys, place, "up", "--dry-run", "--model", str(other.folder), "--max", "6")
    assert set(changes(planned, "emendo-stores").values()) == {"keep"}
    assert {name for name, what in changes(planned, "emendo-endpoint").items() if what == "change"} == {
        "Model", "Config", "Endpoint", "Scaled", "Scaling",
    }  # fmt: skip
    second = told(capsys, place, "up", "--model", str(other.folder), "--max", "6")
    assert second["stacks"] == {"emendo-stores": "unchanged", "emendo-endpoint": "updated"}
    assert len(list(models.keys())) == 2

    down = told(capsys, place, "down", "--yes")["stacks"]
    assert down == {"emendo-endpoint": "deleted", "emendo-preprocessing": "deleted", "emendo-stores": "kept"}
    assert len(list(models.keys())) == 2
    assert told(capsys, place, "down", "--yes", "--delete-data")["stacks"]["emendo-stores"] == "deleted"
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert set(told(capsys, place, "down", "--yes")["stacks"].values()) == {"not there"}
    assert [one["status"] for one in told(capsys, place, "status")["stacks"]] == [""] * 3


def test_models_and_captures_are_put_into_the_buckets_of_the_stack(
    aws: None, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cloud", "put", str(tmp_path / "model"), "--workspace", str(place)]) == 2
    assert "run `emendo cloud up --only stores` first" in capsys.readouterr().err
    told(capsys, place, "up", "--only", "stores")
    reference = told(capsys, place, "put", str(tmp_path / "model"))["reference"]
    assert load_bundle(reference).id == reference.rpartition("/")[2]
    Captures(Workspace.open(place).captures).add([Seen(id="1", at=datetime.now(UTC), kind="line")])
    assert told(capsys, place, "captures", "--name", "desk") == {"sent": 1, "same": 0}
    assert told(capsys, place, "captures", "--name", "desk") == {"sent": 0, "same": 1}
    assert main(["cloud", "captures", "--name", "../x", "--workspace", str(place)]) == 2
    assert "no name of a service" in capsys.readouterr().err


def test_down_asks_first(
    aws: None, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capsys, place, "up", "--only", "stores")
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO("n\n"))
    assert main(["cloud", "down", "--workspace", str(place)]) == 130
    assert told(capsys, place, "status")["stacks"][0]["status"] == "CREATE_COMPLETE"


def test_broken_off_it_goes_on_and_sends_nothing_twice(
    aws: None, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = deploy.Stack.apply
    with monkeypatch.context() as broken:

        def apply(stack: Any, part: Any, tags: Any) -> str:
            if part.kind == "endpoint":
                raise CloudError("AWS cannot be reached")
            return real(stack, part, tags)

        broken.setattr(deploy.Stack, "apply", apply)
        assert main(["cloud", "up", "--workspace", str(place)]) == 2
    assert "AWS cannot be reached" in capsys.readouterr().err
    puts: list[str] = []
    client = deploy.Store.put_bytes
    monkeypatch.setattr(
        deploy.Store, "put_bytes", lambda *given, **more: puts.append(given[2]) or client(*given, **more)
    )
    assert told(capsys, place, "up")["stacks"] == {"emendo-stores": "unchanged", "emendo-endpoint": "created"}
    assert puts == []


def test_what_moto_does_not_make_is_known() -> None:
    """The list above is what the notes say was not created: a moto that learns more should shorten it."""
    from moto.cloudformation.parsing import resource_class_from_type

    from emendo.cloud.plan import PARTS

    from .test_templates import CONTENT

    used = {one["Type"] for kind in PARTS for one in CONTENT[kind]["Resources"].values()}
    unknown = {kind for kind in used if resource_class_from_type(kind) is None}
    assert unknown == NOT_MADE
