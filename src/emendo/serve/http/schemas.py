"""The forms of what is answered, for /openapi.json; the tests hold the answers to them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["line", "page", "plate", "document"]
Point = tuple[float, float]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sign(_Form):
    """One character that was read."""

    text: str = Field(examples=["a"])
    probability: float = Field(ge=0, le=1, examples=[0.98])
    start: float = Field(description="First column of the picture that was read.", examples=[12.0])
    end: float = Field(description="Column behind the last.", examples=[20.5])


class Line(_Form):
    """One line of a page, in reading order; coordinates in pixels of the page, y down."""

    text: str = Field(examples=["Le train est en retard."])
    confidence: float = Field(ge=0, le=1, description="Chance that the text is exactly right.", examples=[0.91])
    model: str = Field(examples=["base@0123456789abcdef"])
    box: tuple[float, float, float, float] = Field(description="Left, top, right, bottom.")
    polygon: list[Point]
    baseline: list[Point]
    region: int = Field(description="Block of the page, counted from 0.")
    blank: bool = Field(description="Whether a blank line stands before it.")
    characters: list[Sign] | None = None


class Finding(_Form):
    """What does not add up in a document, or is missing: the rule, a sentence, and the paths of the fields."""

    rule: str = Field(examples=["sum of lines"])
    severity: Literal["error", "missing", "warning"]
    what: str
    paths: list[str] = Field(examples=[["net", "lines.2.amount"]])


class Reading(_Form):
    """What was read of one image; `lines` for a page, `characters` where they were asked for.

    Of a document (of which `text` is the canonical JSON, and width and height are of the first page) its `fields` with
    their places (`sources`), the `certainty` of each by its path, `faults` by path or page, and `findings`.
    """

    text: str = Field(examples=["Le train est en retard."])
    confidence: float = Field(ge=0, le=1, description="Chance that the text is exactly right.", examples=[0.91])
    model: str = Field(description="Name and content id of the model.", examples=["base@0123456789abcdef"])
    id: str = Field(
        description="Of this answer: what is right can be told by it.", examples=["9f1c4b1e8d0a4c6b8e2f7a5d3c1b0a99"]
    )
    width: int = Field(description="Of the image, in pixels.", examples=[640])
    height: int = Field(examples=[48])
    characters: list[Sign] | None = None
    lines: list[Line] | None = None
    fields: dict[str, Any] | None = Field(None, description="By the schema emendo.fields; none: nothing was found.")
    certainty: dict[str, float] | None = Field(None, examples=[{"total": 0.97, "lines.0.amount": 0.91}])
    faults: dict[str, str] | None = Field(None, examples=[{"page 2": "no words were found"}])
    text_layer: list[int] | None = Field(
        None, description="Pages of a PDF whose words are those of its text layer, not read by OCR.", examples=[[1, 2]]
    )
    findings: list[Finding] | None = None
    pages: int | None = Field(None, description="Of a document: how many were read.")


class What(_Form):
    """A fault: a word for programs and a sentence for people."""

    code: str = Field(examples=["bad_image"])
    message: str = Field(examples=["image: is empty"])


class Error(_Form):
    """How every error is answered."""

    error: What


class Result(_Form):
    """One image of a batch or a page of a job: its reading or its fault. `page` counts from 1."""

    name: str = Field(description="Name of the file that was sent.", examples=["scan.pdf"])
    page: int = Field(1, examples=[1])
    reading: Reading | None = None
    error: What | None = None


class Batch(_Form):
    """The images of a batch in the order in which they were sent."""

    results: list[Result]


class Progress(_Form):
    """State of a job; the results come with the last state."""

    id: str = Field(examples=["9f1c4b1e8d0a4c6b8e2f7a5d3c1b0a99"])
    state: Literal["waiting", "running", "done", "cancelled"]
    created: str = Field(description="UTC, ISO 8601.", examples=["2026-11-29T12:00:00+00:00"])
    done: int = Field(description="Images that are read.")
    total: int
    results: list[Result] | None = None


class Failed(_Form):
    """A model that could not be put in use."""

    reference: str
    message: str
    at: str


class Model(_Form):
    """The model in use, what it reads, and the last one that could not be put in use."""

    model: str = Field(examples=["base@0123456789abcdef"])
    reference: str = Field(description="What the model was asked for by; empty: the champion.")
    kinds: list[Kind]
    since: str = Field(examples=["2026-11-29T12:00:00+00:00"])
    failure: Failed | None


class TrialWanted(_Form):
    """A candidate to try, and where the trial differs from the settings of the service (section `trial`)."""

    reference: str = Field(min_length=1, max_length=1000, examples=["models:/notes@candidate"])
    mode: Literal["shadow", "ab"] | None = None
    share: float | None = Field(None, gt=0, le=1)
    pairs: bool | None = None
    basis: Literal["corrections", "agreement"] | None = None
    documents: int | None = Field(None, ge=2, le=100_000)


class Tally(_Form):
    """Errors of one arm in so many characters or values, of so many readings."""

    errors: float
    size: float
    readings: int


class Judgement(_Form):
    """What a trial says.

    `wealth` is how much bets on the candidate being better, or worse, have made of 1: at 1 / alpha, or 1 / harm, there
    is a verdict. `apart` counts where both read otherwise, `ratio` is of the candidate's errors to the champion's.
    """

    verdict: Literal["better", "worse", "same", "open"]
    sentence: str
    documents: int
    champion: Tally
    candidate: Tally
    apart: Tally
    champion_rate: float
    candidate_rate: float
    apart_rate: float
    wealth: dict[str, float]
    ratio: float | None
    low: float | None
    high: float | None


class Trial(_Form):
    """The trial that goes on, or the last one."""

    format: str
    state: Literal["none", "running", "ended"]
    id: str = ""
    reference: str = ""
    champion: str = ""
    candidate: str = ""
    started: str = ""
    ended: str = ""
    why: str = Field("", description="Why it ended.")
    how: dict[str, Any] = Field({}, description="Its settings.")
    counts: dict[str, int] = Field({}, description="Readings by arm; lost, failed, and kept ones.")
    judgement: Judgement | None = None


class Wanted(_Form):
    """The model to put in use."""

    reference: str = Field(
        max_length=1000, description="A model reference; empty: the champion, now and later.", examples=["champion"]
    )


class Feedback(_Form):
    """What is right of an answer: `text`, or the `fields` of a document."""

    id: str = Field(
        pattern="^[0-9a-f]{32}$", description="Id of the answer.", examples=["01a2289a4a6554a7d90384673aae9ead"]
    )
    text: str | None = Field(None, max_length=100_000, examples=["Le train est en retard."])
    fields: dict[str, Any] | None = Field(None, description="By the schema emendo.fields.")
    line: int | None = Field(
        None, ge=0, le=1_000_000, description="Of a page: the line, from 0. [default: all lines, each on its own]"
    )
    author: str = Field("", max_length=100, description="Who says so. [default: the name of the API key]")


class Told(_Form):
    """A truth that is kept; `kept` is false where the same one was known already."""

    id: str
    line: int | None
    kept: bool


class State(_Form):
    """Whether the service lives, or can be asked."""

    status: Literal["alive", "ready"]
