"""What is made in AWS: three stacks of CloudFormation, their parameters, and what would change, told without asking.

    NAME-stores          buckets for models and for pages
    NAME-preprocessing   a Lambda that makes page images of uploads (only where its image is named)
    NAME-endpoint        the SageMaker endpoint with its scaling

They are apart so that an endpoint that fails never touches a bucket.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from ..errors import FormatError, UsageError
from ..settings import CloudSettings
from ..tools.files import sha256_bytes, write_json
from .s3 import ENDPOINTS, SCHEME

STORES: Final = "stores"
PREPROCESSING: Final = "preprocessing"
ENDPOINT: Final = "endpoint"
PARTS: Final = (STORES, PREPROCESSING, ENDPOINT)
"""In the order in which they are made."""
BUCKETS: Final = ("ModelsBucket", "PagesBucket")
"""Logical ids of the buckets in the stack of stores, and the parameters by which the others are told."""
ARCHIVE_KEY: Final = f"{ENDPOINTS}/{{}}/model.tar.gz"


@dataclass(frozen=True, slots=True)
class Part:
    """One stack: its template and its parameters."""

    kind: str
    stack: str
    template: str
    parameters: Mapping[str, str]

    @property
    def resources(self) -> dict[str, Any]:
        """Its resources by logical id."""
        resources: dict[str, Any] = parsed(self.template)["Resources"]
        return resources

    @property
    def applied(self) -> dict[str, Any]:
        """What is remembered of it once it was brought about."""
        return {
            "parameters": dict(self.parameters),
            "resources": {name: _hash(one) for name, one in self.resources.items()},
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of a resource: `add`, `change`, `remove` or `keep`, and the reasons."""

    id: str
    type: str
    change: str
    because: tuple[str, ...] = ()


@dataclass(slots=True)
class Memory:
    """What the last `up` brought about, in a file of the workspace; without one nothing is remembered."""

    path: Path | None
    parts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, hidden: Path | None, stack: str) -> Memory:
        """That of a stack in the hidden folder of a workspace. Raises FormatError when it is damaged."""
        path = hidden / "cloud" / f"{stack}.json" if hidden is not None else None
        if path is None or not path.is_file():
            return cls(path)
        try:
            return cls(path, dict(json.loads(path.read_text(encoding="utf-8"))["parts"]))
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(
                "is damaged", where=path, remedy="remove it; `emendo cloud up` writes it again"
            ) from error

    def keep(self, part: Part) -> None:
        """Remember that a part was brought about."""
        self.parts[part.kind] = part.applied
        self._write()

    def drop(self, kind: str) -> None:
        """A part is gone."""
        self.parts.pop(kind, None)
        self._write()

    @property
    def buckets(self) -> dict[str, str]:
        """Names of the buckets, as the other parts were told them."""
        told = {name: one["parameters"].get(name, "") for one in self.parts.values() for name in BUCKETS}
        return {name: value for name, value in told.items() if value}

    def _write(self) -> None:
        if self.path is not None:
            write_json(self.path, {"parts": self.parts})


def stack_name(cloud: CloudSettings, kind: str) -> str:
    """Name of the stack of a part."""
    return f"{cloud.stack}-{kind}"


def chosen(cloud: CloudSettings, only: Sequence[str] = ()) -> tuple[str, ...]:
    """The parts that are brought about: those named, else all but a preprocessing that has no image.

    Raises UsageError for a part that is unknown.
    """
    for kind in only:
        if kind not in PARTS:
            raise UsageError(f"there is no part {kind!r}", remedy=f"give {', '.join(PARTS)}")
    return tuple(
        kind for kind in PARTS if (kind in only if only else kind != PREPROCESSING or cloud.preprocessing_image)
    )


def lacking(cloud: CloudSettings, kinds: Sequence[str]) -> list[str]:
    """What these parts need and the settings do not say, a sentence each."""
    return [
        f"the {kind} needs an image in ECR: give {option}, or leave it out by --only"
        for kind, image, option in (
            (ENDPOINT, cloud.image, "--image"),
            (PREPROCESSING, cloud.preprocessing_image, "--preprocessing-image"),
        )
        if kind in kinds and not image
    ]


def part_of(kind: str, cloud: CloudSettings, buckets: Mapping[str, str], model: str) -> Part:
    """A part with its parameters; `buckets` are the names of the buckets, `model` is the content id of the bundle."""
    if cloud.most < cloud.least:
        raise UsageError(f"at most {cloud.most} instances are fewer than at least {cloud.least}", remedy="raise --max")
    topic = {"AlarmTopic": cloud.alarm_topic}
    parameters: dict[str, Any] = {}
    if kind == STORES:
        parameters = {"KeepDays": cloud.keep_days}
    elif kind == PREPROCESSING:
        parameters = {"PagesBucket": buckets["PagesBucket"], "ImageUri": cloud.preprocessing_image, **topic}
    else:
        parameters = {
            **{name: buckets[name] for name in BUCKETS},
            "ImageUri": cloud.image,
            "ModelDataUrl": f"{SCHEME}{buckets['ModelsBucket']}/{ARCHIVE_KEY.format(model)}",
            "InstanceType": cloud.instance,
            "MinInstances": cloud.least,
            "MaxInstances": cloud.most,
            "InvocationsPerInstance": f"{cloud.per_instance:g}",
            "CapturePercent": cloud.capture_percent,
            **topic,
        }
    template = files(__package__).joinpath("templates", f"{kind}.yaml").read_text(encoding="utf-8")
    return Part(kind, stack_name(cloud, kind), template, {name: str(value) for name, value in parameters.items()})


def changes_of(part: Part, before: Mapping[str, Any] | None) -> list[Change]:
    """What would become of each resource, by what is remembered of the last time (None: nothing was there).

    CloudFormation decides; a resource counts as changed when it, a parameter that it uses or a resource that it names
    has changed.
    """
    resources = part.resources
    if before is None:
        return [Change(name, one["Type"], "add") for name, one in resources.items()]
    old = before["parameters"]
    turned = {name: f"{name}: {old.get(name, '(default)')} -> {value}" for name, value in part.parameters.items()
              if old.get(name) != value}  # fmt: skip
    reasons = {
        name: [turned[used] for used in sorted(names_in(one)) if used in turned]
        + (["its template"] if before["resources"].get(name) not in {None, _hash(one)} else [])
        for name, one in resources.items()
    }
    hit = {name for name, why in reasons.items() if why}
    while more := {name for name, one in resources.items() if name not in hit and names_in(one) & hit}:
        for name in more:
            reasons[name] = [f"{used} changes" for used in sorted(names_in(resources[name]) & hit)]
        hit |= more
    found = [
        Change(
            name,
            one["Type"],
            "add" if name not in before["resources"] else "change" if name in hit else "keep",
            tuple(reasons[name]) if name in before["resources"] else (),
        )
        for name, one in resources.items()
    ]
    return found + [Change(name, "", "remove") for name in before["resources"] if name not in resources]


def names_in(value: Any) -> set[str]:
    """Parameters and resources that a piece of a template names, by Ref, GetAtt or Sub."""
    return set(_names(value))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"Ref", "Fn::GetAtt"} and isinstance(inner, str):
                yield inner.partition(".")[0]
            elif key == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                yield from (piece.partition("}")[0].partition(".")[0] for piece in text.split("${")[1:])
                yield from _names(inner[1:] if isinstance(inner, list) else ())
            else:
                yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)


class _Loader(yaml.SafeLoader):
    """Reads the short forms of intrinsic functions (`!Ref X`) as their long ones."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _function)


def parsed(template: str) -> dict[str, Any]:
    """A template of this package as data."""
    content: dict[str, Any] = yaml.load(template, Loader=_Loader)  # derived from the safe loader
    return content


def _hash(value: Any) -> str:
    return sha256_bytes(json.dumps(value, sort_keys=True, default=str).encode())[:16]
