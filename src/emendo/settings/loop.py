"""The sections of the loop: reading, correcting, learning, and the gate."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from .section import Section


class Limits(Section):
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


class ReadSettings(Section):
    """How pages become text."""

    dpi: int = Field(200, ge=50, le=1200, description="Resolution at which PDF pages are rendered.")
    text_layer: Literal["auto", "never"] = Field(
        "auto",
        description="Words of PDF pages when fields are read; auto: from the page's text layer where it can be "
        "believed, else by OCR; never: by OCR.",
    )
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


class GateSettings(Section):
    """When a candidate may replace the champion."""

    confidence: float = Field(0.95, gt=0.5, lt=1, description="Confidence at which the candidate must be better.")
    least_gain: float = Field(
        0.03, ge=0, lt=1, description="Share of the champion's errors that must be gone, with that confidence."
    )
    general_budget: float = Field(
        0.005, ge=0, description="Largest rise of CER on the general set (0.005 = 0.5 points)."
    )
    general_lines: int = Field(
        200, ge=20, le=200, description="Lines of the general set that are read; fewer are quicker and show less."
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


class CollectSettings(Section):
    """How edits become corrections."""

    accept: str = Field(
        "span",
        pattern="^(none|span|page|note)$",
        description="Untouched lines of an edited note that count as right: none, span (up to the last edit of a page, "
        "when about as many lines were edited as the model expected to be wrong), page (pages with an edit), note.",
    )


class WatchSettings(Section):
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


class PlateSettings(Section):
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


class DriftSettings(Section):
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


class LabelSettings(Section):
    """The page in which people correct."""

    hosts: tuple[str, ...] = Field(
        (), description="Further names, with port, by which browsers reach the page (ocr.example.org:8765)."
    )
    lease_minutes: float = Field(10.0, gt=0, description="Minutes after which a line that nobody touches is free.")
    second_share: float = Field(
        0.05, ge=0, le=1, description="Share of the lines that a second person reads without seeing the first text."
    )


class PrefillSettings(Section):
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
