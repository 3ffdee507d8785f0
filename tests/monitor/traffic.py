"""Two weeks of captured traffic: pages of two documents a day, the later ones doubted more, some with their truth."""

from __future__ import annotations

from datetime import datetime, timedelta

import cv2
import numpy as np

from emendo.image.quality import Quality
from emendo.monitor import Captures, Outcome, Seen, SeenLine, Truth

TEXTS = (
    "We left the harbour before the sun was up",
    "and followed the narrow road along the river",
    "Nobody spoke, for the night had been long",
    "قال الشيخ رحمه الله تعالى",
)
ODD = "ſ"
"""A character that only the last days show."""


def picture(texts: tuple[str, ...]) -> bytes:
    """A drawn page as PNG."""
    page = np.full((60 * len(texts) + 40, 700, 3), 240, np.uint8)
    for at, text in enumerate(texts):
        shown = text.encode("ascii", "replace").decode()
        cv2.putText(page, shown, (20, 60 + 60 * at), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (40, 30, 90), 2)
    done, data = cv2.imencode(".png", page)
    assert done
    return data.tobytes()


def fill(held: Captures, now: datetime, *, days: int = 14) -> None:
    """Traffic of the days up to `now`."""
    rng = np.random.default_rng(0)
    for back in range(days - 1, -1, -1):
        at = now - timedelta(days=back)
        late = back < 4
        for number in range(4):
            doubts = np.clip(rng.normal(0.16 if late else 0.07, 0.02, 12), 0.01, 0.9)
            texts = [TEXTS[(number + line) % len(TEXTS)] + (ODD * 3 if late else "") for line in range(12)]
            lines = tuple(
                SeenLine(text, float((1 - doubt) ** 40), float(doubt))
                for text, doubt in zip(texts, doubts, strict=True)
            )
            name = f"p{back}-{number}"
            held.add(
                [
                    Seen(
                        id=name,
                        at=at,
                        kind="page",
                        document=f"journal {back}" if number % 2 else f"letters {back}",
                        model="base-hand@0123" if back > 6 else "base-hand@4567",
                        lines=lines,
                        confidence=min(line.confidence for line in lines),
                        quality=Quality(900, 1200, 300.0 - 15 * (14 - back), 150, 235, 0.08),
                        image=held.put_image(picture(tuple(texts[:4])), at) if number < 2 else "",
                        seconds=1.2,
                    )
                ]
            )
            if number == 0 and back % 2:
                right = "\n".join(text.replace("the", "thc") for text in texts)
                held.add_truths([Truth(id=name, at=at + timedelta(hours=1), author="ann", text=right)])
        for number in range(1 + 3 * late):
            reason = "the queue is full" if number else "is no image"
            held.add([Seen(id=f"r{back}-{number}", at=at, kind="page", outcome=Outcome.REJECTED, reason=reason)])
