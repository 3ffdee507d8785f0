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


class AlertSettings(_Section):
    """When what is watched in production raises an alert, when that ends, and who is told (`emendo monitor drift`)."""

    false_per_thousand: float = Field(
        0.5,
        gt=0,
        le=100,
        description="False alarms on 1,000 pages that are allowed; fewer make the detection of a true change slower.",
    )
    raise_after: int = Field(1, ge=1, le=1000, description="Looks with an alarm, among the last `of`, that raise it.")
    of: int = Field(1, ge=1, le=1000, description="Last looks among which alarms are counted.")
    clear_after: int = Field(3, ge=1, le=1000, description="Looks without an alarm, one after the other, that end it.")
    webhook: str = Field(
        "",
        max_length=2000,
        pattern="^(https?://.+)?$",
        description="Address to which alerts are posted as JSON (empty: none).",
    )
    webhook_secret: str = Field(
        "",
        max_length=1000,
        description="Secret with which each post is signed, HMAC-SHA256 in the header X-Emendo-Signature (empty: not).",
    )
    timeout_seconds: float = Field(10.0, gt=0, le=300, description="Time in which a webhook or mail server answers.")
    tries: int = Field(3, ge=1, le=20, description="Tries of each delivery before it waits for the next look.")
    pause_seconds: float = Field(1.0, ge=0, le=300, description="Wait after a failed try; doubled after each further.")
    mail_server: str = Field("", max_length=253, description="Host of the mail server (empty: no e-mail).")
    mail_port: int = Field(587, ge=1, le=65535, description="Its port.")
    mail_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is made secret: after the greeting, from the start, or not."
    )
    mail_user: str = Field("", max_length=320, description="Name to log in with (empty: no login).")
    mail_password: str = Field("", max_length=1000, description="Its password.")
    mail_from: str = Field("emendo@localhost", max_length=320, description="Sender of the e-mails.")
    mail_to: tuple[str, ...] = Field((), description="Who gets them.")


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


class TrialSettings(_Section):
    """A second model that reads what the service is sent, until it is known whether it is better or worse."""

    model: str = Field("", description="Candidate that is tried when the service starts (empty: none).")
    mode: Literal["shadow", "ab"] = Field(
        "shadow", description="shadow: only the champion answers; ab: the candidate answers a share of the documents."
    )
    share: float = Field(
        0.5, gt=0, le=1, description="Share of the documents that the candidate reads (shadow) or answers (ab)."
    )
    pairs: bool = Field(
        True,
        description="In ab, let the other model read along what is answered, so that both are compared on the same "
        "documents; without, far more documents are needed.",
    )
    sticky: Literal["document", "caller"] = Field(
        "document", description="What stays with one model: a document (an image that names none), or an API key."
    )
    basis: Literal["corrections", "agreement"] = Field(
        "corrections",
        description="What decides: truths that people tell; or without any, how sure both are, which can only stop a "
        "candidate and calls none better.",
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Risk to call a candidate better that is not.")
    harm: float = Field(0.1, gt=0, lt=0.5, description="Risk to stop a candidate as worse that is not.")
    documents: int = Field(300, ge=2, le=100_000, description="Documents with truths after which a trial ends.")
    gain: float = Field(
        0.03, ge=0, lt=1, description="Share of the errors below which a gain is not worth a change: then it ends too."
    )
    settle_minutes: float = Field(10.0, ge=0, description="Minutes without a new truth after which a document counts.")
    readings: int = Field(100_000, ge=1, description="Most readings of a trial that are kept.")
    queue: int = Field(64, ge=1, description="Most images that wait to be read along; more are left out.")
    queue_bytes: int = Field(64_000_000, gt=0, description="Most bytes of these images.")


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


class CaptureSettings(_Section):
    """What the service keeps of what it reads, in `.emendo/captures` of its workspace."""

    share: float = Field(
        0.0, ge=0, le=1, description="Share of the readings that is kept, whole documents together (0: none are)."
    )
    images: float = Field(
        1.0, ge=0, le=1, description="Share of the kept readings of which the picture is kept too (0: no pictures)."
    )
    texts: bool = Field(
        True,
        description="Keep what was read; else only how long it is and how many characters are of each class, and no "
        "truths can be told.",
    )
    callers: bool = Field(True, description="Keep the name of the API key that asked.")
    days: int = Field(30, ge=1, le=36_500, description="Days for which captures are kept.")
    bytes: int = Field(
        10_000_000_000, ge=1_000_000, description="Most bytes of all captures; beyond nine tenths the oldest day goes."
    )
    queue: int = Field(2000, ge=1, le=1_000_000, description="Most readings that wait to be written.")
    queue_bytes: int = Field(64_000_000, ge=0, description="Most bytes of pictures that wait to be written.")


class RetentionSettings(_Section):
    """How long what is kept of readings stays (`emendo retention apply`); 0 days: for ever."""

    captures_days: int = Field(0, ge=0, description="Days for which captured readings and what was said of them stay.")
    capture_pictures_days: int = Field(0, ge=0, description="Days for which the pictures of captured readings stay.")
    readings_days: int = Field(
        0, ge=0, description="Days for which readings stay in the database that a later reading of the line replaced."
    )
    pictures_days: int = Field(
        0,
        ge=0,
        description="Days for which pictures of lines stay that no data set and no line of a note has any more.",
    )
    reports_days: int = Field(
        0, ge=0, description="Days for which kept evaluations stay; those of models in use stay for ever."
    )
    runs_days: int = Field(
        0,
        ge=0,
        description="Days for which a finished training run keeps its checkpoints, logs and bundle; what it was made "
        "of stays for ever, and so does all of a run whose model is in use.",
    )


class StreamSettings(_Section):
    """Gates in Redis or Valkey that say what is to be read now (`emendo stream`)."""

    url: str = Field(
        "redis://localhost:6379/0",
        max_length=2000,
        description="Address: redis://HOST:PORT/0, rediss://... or unix:///SOCKET; best from EMENDO_STREAM__URL.",
    )
    root: str = Field("", max_length=2000, description="Folder below which spans lie (empty: the workspace, or here).")
    mode: Literal["poll", "notify"] = Field(
        "poll", description="Look again and again, or let the server tell (notify-keyspace-events must hold K$)."
    )
    poll_ms: int = Field(100, ge=1, le=60_000, description="Milliseconds between two looks.")
    max_age_ms: int = Field(30_000, ge=1, description="Age from which a gate is stale and not read.")
    skew_ms: int = Field(2_000, ge=0, description="How far apart the clocks of producer and consumer may be.")
    ttl_ms: int = Field(3_600_000, ge=1, description="Time for which a result stays.")
    longest_wait_seconds: float = Field(30.0, gt=0, description="Longest wait while the server is away.")
    service: str = Field(
        "", max_length=2000, description="Address of a service that reads (empty: the model of this process)."
    )


class FlowSettings(_Section):
    """Where the steps of `emendo flow` run, and with what; the flows themselves say nothing of it."""

    engine: Literal["local", "kubernetes", "batch"] = Field(
        "local", description="Where the steps run: processes here, pods of Kubernetes, or jobs of AWS Batch."
    )
    image: str = Field("", max_length=500, description="Container image with emendo in it, for kubernetes and batch.")
    cpu: float = Field(2.0, gt=0, le=1024, description="Cores of each pod or job.")
    memory: int = Field(8000, ge=256, description="Memory of each pod or job, in megabytes.")
    gpu: int = Field(0, ge=0, le=64, description="Graphics processors of each pod or job.")
    queue: str = Field("", max_length=500, description="Job queue of AWS Batch, or namespace of Kubernetes.")
    volumes: dict[str, str] = Field(
        {},
        description="Storage that all steps share, and where they see it: claims of Kubernetes or file systems (EFS) "
        "of AWS; inputs and outputs lie there.",
    )
    datastore: str = Field("", max_length=500, description="s3:// root of Metaflow's own files (kubernetes and batch).")
    retries: int = Field(0, ge=0, le=20, description="Times that a step that failed is started again.")
    minutes: int = Field(0, ge=0, le=100_000, description="Longest time of one step, in minutes (0: no end).")
    schedule: str = Field(
        "", max_length=200, description="When a deployed flow starts: hourly, daily, weekly, or a cron expression."
    )
    tasks: int = Field(1, ge=1, le=10_000, description="Steps side by side among which a batch is divided.")
    shard: int = Field(256, ge=1, le=100_000, description="Lines of a batch that are written as one file.")
    tries: int = Field(2, ge=1, le=20, description="Deaths of a reading process before what it read is divided.")
    stall_seconds: float = Field(
        300.0, gt=0, description="Seconds without an answer after which a reading process is ended."
    )


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
    alerts: AlertSettings = AlertSettings()
    plates: PlateSettings = PlateSettings()
    label: LabelSettings = LabelSettings()
    prefill: PrefillSettings = PrefillSettings()
    trial: TrialSettings = TrialSettings()
    registry: RegistrySettings = RegistrySettings()
    channel: ChannelSettings = ChannelSettings()
    serve: ServeSettings = ServeSettings()
    capture: CaptureSettings = CaptureSettings()
    retention: RetentionSettings = RetentionSettings()
    stream: StreamSettings = StreamSettings()

    flow: FlowSettings = FlowSettings()

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
