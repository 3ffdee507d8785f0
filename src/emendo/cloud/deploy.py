"""All stacks together: brought up in order, taken down without losing data, and what is there now."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from .. import __version__
from ..errors import UsageError
from ..models.bundle import Bundle
from ..release.package import ARCHIVE, write_archive
from ..settings import CloudSettings
from .aws import Account, CloudError, asking
from .plan import (
    ARCHIVE_KEY,
    BUCKETS,
    ENDPOINT,
    PARTS,
    STORES,
    Memory,
    changes_of,
    chosen,
    lacking,
    part_of,
    stack_name,
)
from .s3 import Store
from .stack import Stack

VARIANT: Final = "all"
"""Name of the one variant of the endpoint."""
SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
TAGS: Final = {"emendo:version": __version__}
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cloud:
    """What a workspace has in AWS: the settings, whom to ask, what is remembered, and who hears of what happens."""

    settings: CloudSettings
    memory: Memory
    say: Say = lambda _: None

    @property
    def account(self) -> Account:
        """Whom to ask."""
        return Account(self.settings.region, self.settings.profile)

    def stack(self, kind: str) -> Stack:
        """The stack of a part."""
        return Stack(
            self.account.client("cloudformation"),
            stack_name(self.settings, kind),
            self.say,
            self.settings.wait_minutes,
        )

    def buckets(self) -> dict[str, str]:
        """Names of the buckets; empty when the stores are not there."""
        stack = self.stack(STORES)
        found = stack.resources() if stack.describe() is not None else {}
        return {name: found[name] for name in BUCKETS if name in found}


def rehearse(cloud: Cloud, model: str, only: Sequence[str] = ()) -> dict[str, Any]:
    """What `up` would bring about, told without asking AWS: stacks, resources, parameters, what changed since the last
    time, and what is missing.

    `model` is the content id of the bundle. Raises UsageError for settings that cannot be.
    """
    settings, known = cloud.settings, cloud.memory
    buckets = {name: f"({name} of {stack_name(settings, STORES)})" for name in BUCKETS} | known.buckets
    kinds = chosen(settings, only)
    stacks = []
    for kind in kinds:
        part = part_of(kind, settings, buckets, model)
        changes = [asdict(change) for change in changes_of(part, known.parts.get(kind))]
        stacks.append({"stack": part.stack, "parameters": dict(part.parameters), "resources": changes})
    return {
        "stack": settings.stack,
        "region": settings.region,
        "model": model,
        "remembered": bool(known.parts),
        "stacks": stacks,
        "missing": lacking(settings, kinds),
    }


def up(cloud: Cloud, bundle: Bundle, only: Sequence[str] = ()) -> dict[str, Any]:
    """Bring the stacks about, and put the model where the endpoint takes it from; what is so already stays.

    Broken off at any point it goes on when it is run again. Raises UsageError when something is missing, CloudError
    when AWS refuses or a change was rolled back.
    """
    settings = cloud.settings
    kinds = chosen(settings, only)
    for sentence in lacking(settings, kinds):
        raise UsageError(sentence)
    buckets: dict[str, str] = {}
    done: dict[str, str] = {}
    for kind in kinds:
        if kind != STORES:
            buckets = buckets or cloud.buckets()
            if len(buckets) < len(BUCKETS):
                raise CloudError("is not there", where=stack_name(settings, STORES), remedy="bring up the stores first")
        if kind == ENDPOINT:
            _put_model(cloud, bundle, buckets["ModelsBucket"])
        part = part_of(kind, settings, buckets, bundle.id)
        cloud.say(f"{part.stack}: bringing it about")
        done[part.stack] = cloud.stack(kind).apply(part, TAGS | {"emendo:stack": settings.stack})
        cloud.say(f"{part.stack}: {done[part.stack]}")
        cloud.memory.keep(part)
    return {"stacks": done, "model": bundle.id, "buckets": buckets or cloud.buckets()}


def down(cloud: Cloud, *, delete_data: bool = False) -> dict[str, Any]:
    """Take everything down; buckets that hold anything stay with the stack of stores, unless `delete_data`."""
    done: dict[str, str] = {}
    for kind in reversed(PARTS):
        stack = cloud.stack(kind)
        if stack.describe() is None:
            done[stack.name] = "not there"
            cloud.memory.drop(kind)
            continue
        if kind == STORES:
            held = [name for name in cloud.buckets().values() if _holds(cloud.account.client("s3"), name)]
            if held and not delete_data:
                cloud.say(f"{stack.name}: stays, for {' and '.join(held)} hold data")
                done[stack.name] = "kept"
                continue
            for name in held:
                cloud.say(f"{name}: {_emptied(cloud.account.client('s3'), name)} objects and versions deleted")
        cloud.say(f"{stack.name}: taking it down")
        stack.delete()
        cloud.memory.drop(kind)
        done[stack.name] = "deleted"
    return {"stacks": done}


def status(cloud: Cloud, events: int = 5) -> dict[str, Any]:
    """What is there now: each stack with its last events, the endpoint with its instances, the buckets."""
    rows: list[dict[str, Any]] = []
    endpoint: dict[str, Any] | None = None
    for kind in PARTS:
        stack = cloud.stack(kind)
        found = stack.describe()
        if found is None:
            rows.append({"stack": stack.name, "status": "", "events": []})
            continue
        last = [event.to_dict() for event in stack.events(events)]
        rows.append({"stack": stack.name, "status": found["StackStatus"], "events": last})
        if kind == ENDPOINT:
            endpoint = _endpoint(cloud, stack.resources().get("Endpoint", ""))
    return {"stack": cloud.settings.stack, "stacks": rows, "endpoint": endpoint, "buckets": cloud.buckets()}


def put_bundle(cloud: Cloud, bundle: Bundle, to: str = "") -> str:
    """Put a bundle at an address in S3 (empty: into the bucket of models); the reference that reads with it."""
    return _store(cloud, to, "ModelsBucket").put_bundle(bundle)


def put_captures(cloud: Cloud, folder: Path, name: str, to: str = "") -> tuple[int, int]:
    """Put the captures of the service `name` at an address in S3 (empty: into the bucket of pages); files sent, and
    files that were there."""
    if not SERVICE.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a service", remedy="give --name: letters, digits, dots and hyphens")
    return _store(cloud, to, "PagesBucket").put_captures(folder, name)


def _store(cloud: Cloud, to: str, logical: str) -> Store:
    """The store at an address, else in a bucket of the stack."""
    if to:
        return Store.at(to, cloud.account)
    bucket = cloud.buckets().get(logical)
    if bucket is None:
        remedy = "run `emendo cloud up --only stores` first, or give --to"
        raise CloudError("is not there", where=stack_name(cloud.settings, STORES), remedy=remedy)
    return Store(cloud.account.client("s3"), bucket)


def _put_model(cloud: Cloud, bundle: Bundle, bucket: str) -> None:
    """Put the archive of a bundle where the endpoint takes it from; by its content id, so that it is sent once."""
    store = Store(cloud.account.client("s3"), bucket)
    key = ARCHIVE_KEY.format(bundle.id)
    with TemporaryDirectory(prefix="emendo-cloud-") as held:
        manifest = write_archive(bundle, Path(held))

        def tell(done: int, total: int, name: str) -> None:
            cloud.say(f"{store.uri(key)}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")

        store.put_file(Path(held) / ARCHIVE, key, sha256=manifest["sha256"], tell=tell)


def _endpoint(cloud: Cloud, physical: str) -> dict[str, Any] | None:
    """State and instances of an endpoint, whose physical id is its ARN; None when it is not there."""
    name = physical.rpartition("/")[2]
    if not name:
        return None
    try:
        with asking(name):
            found = cloud.account.client("sagemaker").describe_endpoint(EndpointName=name)
    except CloudError as error:
        if error.code == "ValidationException":  # of a name that may be one: there is no such endpoint
            return None
        raise
    variant: dict[str, Any] = next(iter(found.get("ProductionVariants", ())), {})
    with asking(name):
        resource = f"endpoint/{name}/variant/{variant.get('VariantName', VARIANT)}"
        targets = cloud.account.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[resource]
        )["ScalableTargets"]
    target: dict[str, Any] = next(iter(targets), {})
    return {
        "name": name,
        "status": found["EndpointStatus"],
        "reason": found.get("FailureReason", ""),
        "instances": variant.get("CurrentInstanceCount"),
        "wanted": variant.get("DesiredInstanceCount"),
        "least": target.get("MinCapacity"),
        "most": target.get("MaxCapacity"),
    }


def _holds(client: Any, bucket: str) -> bool:
    """Whether anything is in a bucket, be it an old version."""
    with asking(bucket):
        found = client.list_object_versions(Bucket=bucket, MaxKeys=1)
    return bool(found.get("Versions") or found.get("DeleteMarkers"))


def _emptied(client: Any, bucket: str) -> int:
    """Delete all versions of all objects of a bucket, and uploads that never ended; how many there were."""
    count = 0
    with asking(bucket):
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for one in page.get("Uploads", ()):
                client.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            held = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if not held:
                continue
            keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in held]
            failed = client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}).get("Errors", ())
            for one in failed:
                what = f"{one['Key']} cannot be deleted ({one.get('Message', one.get('Code', ''))})"
                raise CloudError(what, where=bucket, remedy="delete it by hand, then run it again")
            count += len(keys)
    return count
