"""The sections of what runs for others: registry, channel, service, flows, streams, monitoring, cloud."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from .section import Section


class AlertSettings(Section):
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


class RegistrySettings(Section):
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


class ChannelSettings(Section):
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


class TrialSettings(Section):
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


class ServeSettings(Section):
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


class CaptureSettings(Section):
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


class RetentionSettings(Section):
    """How long what is kept of readings stays (`emendo retention apply`); 0 days: for ever. See `capture.days` too."""

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


class StreamSettings(Section):
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


class FlowSettings(Section):
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


class CloudSettings(Section):
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
