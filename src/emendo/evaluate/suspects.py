"""The labels that are most likely wrong as one HTML file: image, label, and what was read, differences marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from ..errors import BadInput
from ..image.load import sample_image
from ..metrics import counts
from ..settings import Limits
from ..tools.files import write_text
from ..types import Image, Sample
from .labels import Verdict
from .page import direction, figure_cards, html_page, image_tag, marked
from .report import Line

MOST = 200


def write_suspects_page(
    path: Path, title: str, suspects: Sequence[tuple[Sample, Verdict]], judged: int, limits: Limits | None = None
) -> None:
    """Write the page; an image that cannot be read is left out."""
    images = {}
    for sample, _ in suspects[:MOST]:
        try:
            images[sample.id] = sample_image(sample, limits or Limits())
        except BadInput:  # it was read before: the label is still worth showing
            continue
    write_text(path, suspects_page(title, suspects, judged, images))


def suspects_page(
    title: str, suspects: Sequence[tuple[Sample, Verdict]], judged: int, images: Mapping[str, Image]
) -> str:
    """HTML of the suspects, in the given order. `images` holds line images by sample id."""
    cards = [
        ("Labels that may be wrong", f"{len(suspects):,}", f"of {judged:,} that were judged"),
        ("Shown", f"{min(len(suspects), MOST):,}", "the likeliest first"),
    ]
    body: Iterable[str] = [
        f"<h1>{escape(title)}</h1>",
        '<p class="soft">A label stands here when a model that never learned it reads something else, in a way in '
        "which it does not usually misread. Look at the image: one of the two texts is right.</p>",
        figure_cards(cards),
        *(_card(sample, verdict, images.get(sample.id)) for sample, verdict in suspects[:MOST]),
    ]
    return html_page(f"Doubtful labels of {title}", body)


def _card(sample: Sample, verdict: Verdict, image: Image | None) -> str:
    label = sample.text or ""
    line = Line(
        id=sample.id,
        reference=label,
        hypothesis=verdict.reading,
        confidence=0.0,
        counts=counts(label, verdict.reading),
    )
    label_text, read = marked(line)
    notes = (sample.id, f"{100 * verdict.wrong:.0f} % likely wrong", f"{-verdict.ratio:.0f} nats less likely than read")
    header = "".join(f"<span>{escape(note)}</span>" for note in notes)
    return (
        f"<article><header>{header}</header>{image_tag(image)}"
        f'<dl class="text" dir="{direction(label)}"><dt>label</dt><dd>{label_text}</dd>'
        f"<dt>read</dt><dd>{read}</dd></dl></article>"
    )
