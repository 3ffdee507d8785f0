"""The settings of emendo: declared once here, frozen, with unknown names refused.

Precedence: command-line flag > environment > `emendo.toml` of the workspace > default. Environment names are
`EMENDO_SECTION__NAME` (`EMENDO_WATCH__MIN_CORRECTIONS=20`) or `EMENDO_NAME` for the top level; `OCR_MODEL` is another
name of `EMENDO_MODEL`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import SettingsError

FILE_NAME = "emendo.toml"
IGNORED = frozenset({"EMENDO_DATA", "EMENDO_CACHE", "EMENDO_SCREENSHOTS", "EMENDO_API_KEY"})
"""Environment names with our prefix that are no settings: where the development data, converted models and the
pictures that tests make for the documentation lie, and the key for a service that reads elsewhere."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Section):
    """Bounds on untrusted input, checked before anything is decoded."""

    image_megapixels: float = Field(100.0, gt=0, description="Largest image, in millions of pixels.")
    document_pages: int = Field(2000, gt=0, description="Most pages in one document.")
    pdf_points: float = Field(14400.0, gt=0, description="Longest side of a PDF page, in points.")
    manifest_line_bytes: int = Field(1_000_000, gt=0, description="Longest line of a manifest, in bytes.")
    json_bytes: int = Field(
        500_000_000, gt=0, description="Largest JSON annotation file of a published data set, in bytes."
    )
    xml_depth: int = Field(256, gt=0, description="Deepest nesting of an XML file.")
    xml_bytes: int = Field(64_000_000, gt=0, description="Largest XML file, in bytes.")
    archive_bytes: int = Field(1_000_000_000, gt=0, description="Largest unpacked archive, in bytes.")
    upload_bytes: int = Field(200_000_000, gt=0, description="Largest document that the page takes, in bytes.")
    note_bytes: int = Field(16_000_000, gt=0, description="Largest text file with corrections, in bytes.")


class ReadSettings(_Section):
    """How pages become text."""

    dpi: int = Field(200, ge=50, le=1200, description="Resolution at which PDF pages are rendered.")
    language: str = Field(
        "",
        max_length=16,
        description="Language whose words the model expects: a code like fr, auto (told from each page), none; "
        "empty: as the model was made.",
    )
    engine: Literal["auto", "onnxruntime", "openvino"] = Field(
        "auto",
        description="What computes the network; auto: OpenVINO where it is installed and the processor has bf16.",
    )


class GateSettings(_Section):
    """When a candidate may replace the champion."""

    confidence: float = Field(0.95, gt=0.5, lt=1, description="Confidence at which the candidate must be better.")
    least_gain: float = Field(
        0.03, ge=0, lt=1, description="Share of the champion's errors that must be gone, with that confidence."
    )
    general_budget: float = Field(
        0.005, ge=0, description="Largest rise of CER on the general set (0.005 = 0.5 points)."
    )
    slice_budget: float = Field(0.01, ge=0, description="Largest rise of CER on any slice of the personal test set.")
    min_test_lines: int = Field(5, ge=1, description="Fewest frozen test lines on which a verdict is given.")
    field_budget: float = Field(
        0.02,
        ge=0,
        description="Of documents: largest rise of the errors per value of any field, and of the share of readings "
        "whose sums do not hold.",
    )
    min_test_documents: int = Field(5, ge=1, description="Fewest test documents on which a verdict is given.")
    plate_cer: float = Field(
        0.1, gt=0, le=1, description="Of licence plates: CER on the held-out crops below which a model may be used."
    )
    plate_exact: float = Field(
        0.7, ge=0, lt=1, description="Of licence plates: share of the held-out crops above which must be exactly right."
    )


class CollectSettings(_Section):
    """How edits become corrections."""

    accept: str = Field(
        "span",
        pattern="^(none|span|page|note)$",
        description="Untouched lines of an edited note that count as right: none, span (up to the last edit of a page, "
        "when about as many lines were edited as the model expected to be wrong), page (pages with an edit), note.",
    )


class WatchSettings(_Section):
    """The automatic loop."""

    recipe: str = Field(
        "",
        description="Training recipe of the rounds: a name or a file; empty: plates where only crops of licence plates "
        "were corrected, else default.",
    )
    min_corrections: int = Field(50, ge=1, description="New corrections after which the model is trained again.")
    poll_seconds: float = Field(2.0, gt=0, description="Seconds between two looks at the folder.")
    unlabelled: bool = Field(
        False,
        description="Learn too from what the new model reads with confidence of lines that nobody has corrected, where "
        "they are at least as many as the corrected ones; a round takes about half as long again.",
    )
    settle_seconds: float = Field(2.0, ge=0, description="Seconds a file must stay unchanged before it is used.")


class PlateSettings(_Section):
    """What stands on licence plates here, and what makes a label doubtful."""

    alphabet: str = Field(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        min_length=1,
        max_length=500,
        description="Characters of a label, the only ones that the page takes; lower case is taken as upper case.",
    )
    pattern: str = Field(
        "",
        max_length=1000,
        description="Regular expression that a whole label must match to be saved; empty: any of the alphabet.",
    )
    longest: int = Field(8, ge=1, le=100, description="More characters than this are doubtful.")
    sign_words: tuple[str, ...] = Field(
        (
            "RESERVED", "SUITE", "EXIT", "PARKING", "ENTRANCE", "ENTER", "STOP", "YIELD", "TOW", "TOWAWAY", "VISITOR",
            "VISITORS", "PRIVATE", "PERMIT", "LOADING", "ZONE", "LEVEL", "CLEARANCE", "HANDICAP", "NOPARKING",
            "FIRELANE", "FORSALE", "DEALER", "SPEED", "LIMIT", "CAUTION", "OPEN", "CLOSED", "OFFICE", "GARAGE",
        ),
        description="Words of signs: a label that is one, or that holds one of at least five letters, is doubtful.",
    )  # fmt: skip

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression ({error})") from error
        return pattern

    @field_validator("alphabet")
    @classmethod
    def _plain(cls, alphabet: str) -> str:
        if len(set(alphabet)) != len(alphabet) or not alphabet.isprintable() or set("[ \t") & set(alphabet):
            raise ValueError("each character once, without blanks and without '[', which goes back")
        return alphabet


class DriftSettings(_Section):
    """When a subset of an evaluation counts as worse than in the baseline report."""

    cer: float = Field(0.01, ge=0, description="Largest rise of a subset's CER (0.01 = 1 point).")
    missed: float = Field(0.01, ge=0, description="Largest rise of its missed characters per true character.")
    false: float = Field(0.01, ge=0, description="Largest rise of its false characters per true character.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Confidence at which it must have risen at all.")
    min_lines: int = Field(10, ge=1, description="Fewest lines of a subset on which an alert is given.")
    subsets: dict[str, float] = Field(
        default_factory=dict,
        description='Largest rise for one subset instead, of any measure: {"subset=handwritten" = 0.03}.',
    )


class LabelSettings(_Section):
    """The page in which people correct."""

    hosts: tuple[str, ...] = Field(
        (), description="Further names, with port, by which browsers reach the page (ocr.example.org:8765)."
    )
    lease_minutes: float = Field(10.0, gt=0, description="Minutes after which a line that nobody touches is free.")
    second_share: float = Field(
        0.05, ge=0, le=1, description="Share of the lines that a second person reads without seeing the first text."
    )


class PrefillSettings(_Section):
    """Documents with fields that are filled in before a person looks at them (`emendo label --fields`)."""

    model: str = Field(
        "",
        description="What fills them in: a model of fields (empty: the one in use, else base-fields), or none.",
    )
    unsure: float = Field(
        0.9, ge=0, le=1, description="Fields whose chance to be right is smaller are marked and stopped at."
    )
    sellers: bool = Field(
        True, description="Learn from each corrected document at once where a seller's values stand, without training."
    )
    learn_after: int = Field(
        20, ge=0, description="Newly corrected documents after which a training begins in the background (0: never)."
    )


class RegistrySettings(_Section):
    """Where models are kept under names, and training runs are told: in the workspace alone, or in MLflow too."""

    uri: str = Field(
        "",
        max_length=1000,
        description="Empty: a file of the workspace; mlflow: MLFLOW_TRACKING_URI, else a SQLite file in .emendo; or "
        "the URI of a file or of any MLflow server (sqlite:///mlflow.db, https://mlflow.example.org).",
    )
    name: str = Field(
        "",
        pattern="^([A-Za-z0-9][A-Za-z0-9._-]{0,62})?$",
        description="Name under which the model in use is registered (empty: the name of the folder).",
    )
    experiment: str = Field("emendo", min_length=1, max_length=200, description="Experiment of MLflow for the runs.")
    timeout_seconds: int = Field(10, ge=1, description="Seconds after which a server that is silent is given up.")

    @field_validator("uri")
    @classmethod
    def _known_scheme(cls, uri: str) -> str:
        if uri not in {"", "mlflow"} and not re.fullmatch(r"(sqlite://|https?:/)/.+", uri):
            raise ValueError("no registry: mlflow, http://..., https://... or sqlite:///...")
        return uri


class ChannelSettings(_Section):
    """How a device follows a channel of releases (`emendo sync`)."""

    url: str = Field("", max_length=2000, description="Address or folder of the channel; empty: none is followed.")
    group: str = Field("stable", pattern="^[a-z0-9][a-z0-9._-]{0,62}$", description="Group of devices that this is in.")
    device: str = Field("", max_length=200, description="Name of this device (empty: from its machine id).")
    interval_seconds: float = Field(900.0, gt=0, description="Seconds between two looks at the channel.")
    jitter: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="Share by which each wait is longer or shorter, so that devices do not come at once.",
    )
    retry_seconds: float = Field(30.0, gt=0, description="Wait after a failure; doubled after each further one.")
    longest_wait_seconds: float = Field(3600.0, gt=0, description="Longest wait after failures.")
    stall_seconds: float = Field(30.0, gt=0, description="Seconds without enough bytes after which a server stalls.")
    slowest_bytes: int = Field(1000, ge=0, description="Bytes a second below which a server stalls.")
    free_megabytes: int = Field(100, ge=0, description="Space that must stay free on the disk, in megabytes.")
    release_bytes: int = Field(2_000_000_000, gt=0, description="Largest release that is fetched, in bytes.")
    probe_seconds: float = Field(120.0, gt=0, description="Seconds in which a new model must load and read its lines.")
    probe_megabytes: int = Field(3000, ge=64, description="Memory in which it must do so, in megabytes.")
    check_hours: float = Field(24.0, ge=0, description="Hours after which the model in use is tested again.")


class ServeSettings(_Section):
    """The service that other programs ask for readings."""

    workers: int = Field(0, ge=0, le=256, description="Threads that read, one image each (0: one per core).")
    kinds: tuple[Literal["line", "page", "plate", "document"], ...] = Field(
        (), description="What images may show; each is loaded at the start (empty: what the model reads)."
    )
    queue: int = Field(64, ge=1, le=100_000, description="Most images that wait to be read.")
    deadline_seconds: float = Field(
        30.0, gt=0, le=600, description="Time in which a request is answered when it does not say otherwise."
    )
    wait_seconds: float = Field(
        4.0, gt=0, le=600, description="Longest expected wait in the queue; whoever would wait longer is sent away."
    )
    grace_seconds: float = Field(
        30.0, ge=0, le=3600, description="Time in which accepted work is ended when the service is told to stop."
    )
    body_seconds: float = Field(20.0, gt=0, le=600, description="Time in which a request has to arrive whole.")
    body_bytes: int = Field(32_000_000, gt=0, description="Largest request, in bytes.")
    held_bytes: int = Field(256_000_000, gt=0, description="Most bytes of requests held in memory at the same time.")
    batch_images: int = Field(64, ge=1, description="Most images in one batch.")
    jobs: int = Field(32, ge=1, description="Most jobs that are kept, done or not.")
    job_images: int = Field(2000, ge=1, description="Most images of all jobs that are kept together.")
    job_minutes: float = Field(60.0, gt=0, description="Minutes for which the result of a job is kept.")
    poll_seconds: float = Field(2.0, gt=0, le=3600, description="Seconds between two looks at the champion.")
    probe_seconds: float = Field(
        60.0, gt=0, le=3600, description="Time in which a new model has to load and read in a process of its own."
    )
    hosts: tuple[str, ...] = Field(
        (), description="Names, with port, by which the service may be asked (empty: any, on loopback its own)."
    )
    api_keys: str = Field("", description="File with the keys of those who may ask (empty: anybody may read).")


class CloudSettings(_Section):
    """Models, pages and an endpoint in AWS (`emendo cloud`)."""

    stack: str = Field(
        "emendo",
        pattern="^[a-z][a-z0-9-]{0,39}$",
        description="How the stacks are called: STACK-stores, STACK-preprocessing, STACK-endpoint.",
    )
    region: str = Field("", max_length=40, description="Region of AWS (empty: as the environment says).")
    profile: str = Field("", max_length=100, description="Profile of the credentials (empty: as the environment says).")
    image: str = Field("", max_length=500, description="Image of the endpoint in ECR (deploy/sagemaker/Containerfile).")
    preprocessing_image: str = Field(
        "", max_length=500, description="Image of the preprocessing in ECR (deploy/lambda/Containerfile; empty: none)."
    )
    instance: str = Field("ml.c7i.large", pattern="^ml\\.[a-z0-9.-]+$", description="Machine of the endpoint.")
    least: int = Field(1, ge=1, description="Fewest instances of the endpoint.")
    most: int = Field(4, ge=1, description="Most instances of the endpoint.")
    per_instance: float = Field(
        600.0, gt=0, description="Invocations a minute for each instance that the scaling aims at."
    )
    capture_percent: int = Field(
        0, ge=0, le=100, description="Share of the requests that the endpoint keeps in the bucket (0: none)."
    )
    keep_days: int = Field(0, ge=0, description="Days after which uploads, pages and captures are deleted (0: never).")
    alarm_topic: str = Field("", max_length=500, description="ARN of an SNS topic that is told of alarms.")
    wait_minutes: float = Field(60.0, gt=0, description="Minutes for which a change of a stack is waited for.")


class Settings(_Section):
    """All settings of one workspace or one command."""

    model: str = Field("", description="Model to use: base, a path, or a name (empty: the champion, else base).")
    author: str = Field("", description="Name that stands in corrections (empty: the login name).")
    database: str = Field("", description="Database URL (empty: SQLite in .emendo).")
    threads: int = Field(0, ge=0, description="Threads of the recogniser (0: one per core).")
    limits: Limits = Limits()
    read: ReadSettings = ReadSettings()
    gate: GateSettings = GateSettings()
    collect: CollectSettings = CollectSettings()
    watch: WatchSettings = WatchSettings()
    drift: DriftSettings = DriftSettings()
    plates: PlateSettings = PlateSettings()
    label: LabelSettings = LabelSettings()
    prefill: PrefillSettings = PrefillSettings()
    registry: RegistrySettings = RegistrySettings()
    channel: ChannelSettings = ChannelSettings()
    serve: ServeSettings = ServeSettings()
    cloud: CloudSettings = CloudSettings()

    @property
    def cores(self) -> int:
        """Threads to use: the setting, or one per core that this process may use."""
        return self.threads or cores()


def cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_settings(
    folder: Path | None = None, *, environment: Mapping[str, str] | None = None, **flags: object
) -> Settings:
    """Resolve the settings for a workspace folder.

    `flags` are top-level or `section__name` values given on the command line; None means not given. Raises
    SettingsError with the place of the first wrong entry.
    """
    environment = os.environ if environment is None else environment
    merged: dict[str, Any] = {}
    places: dict[tuple[str, ...], str] = {}
    toml = folder / FILE_NAME if folder else None
    if toml is not None and toml.is_file():
        try:
            content = tomllib.loads(toml.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"is not valid TOML ({error})", where=toml) from error
        _merge(merged, content, str(toml), places)
    for name, value in sorted(environment.items()):
        if name == "OCR_MODEL" and "EMENDO_MODEL" not in environment:
            _merge(merged, {"model": value}, name, places)
        elif name.startswith("EMENDO_") and name not in IGNORED:
            _merge(merged, _nest(name.removeprefix("EMENDO_").lower().split("__"), value), name, places)
    for name, flag in flags.items():
        if flag is not None:
            _merge(merged, _nest(name.split("__"), flag), f"--{name.replace('__', '.')}", places)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(str(part) for part in first["loc"])
        raise SettingsError(_sentence(path, first), where=places.get(path, places.get(path[:1], ""))) from error


def _nest(path: list[str], value: object) -> dict[str, Any]:
    nested: Any = value
    for part in reversed(path):
        nested = {part: nested}
    return dict(nested)


def _merge(
    into: dict[str, Any],
    new: Mapping[str, Any],
    place: str,
    places: dict[tuple[str, ...], str],
    at: tuple[str, ...] = (),
) -> None:
    for key, value in new.items():
        path = (*at, key)
        places[path] = place
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value, place, places, path)
        elif isinstance(value, Mapping):
            into[key] = {}
            _merge(into[key], value, place, places, path)
        else:
            into[key] = value


def _sentence(path: tuple[str, ...], error: Any) -> str:
    name = ".".join(path)
    if error["type"] != "extra_forbidden":
        return f"setting {name!r}: {error['msg'].lower()} (given {error['input']!r})"
    section: Any = Settings()
    for part in path[:-1]:
        section = getattr(section, part)
    close = difflib.get_close_matches(path[-1], list(type(section).model_fields), n=1)
    return f"unknown setting {name!r}" + (f", did you mean {close[0]!r}?" if close else "")
