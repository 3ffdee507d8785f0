"""Traffic as the service captures it, made up: French letters on paper that is photographed about as well each time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from emendo.image.quality import Quality
from emendo.monitor import Seen, SeenLine, Truth

LETTRE = (
    "je vous écris cette lettre pour vous dire que nous sommes arrivés hier au soir dans la maison de votre frère avec"
    " les enfants et que tout le monde va bien malgré le temps qui reste froid depuis trois jours mais nous avons du"
    " bois et de quoi manger jusqu à la fin du mois"
)
LETTER = (
    "we have received your letter and are glad to hear that all of you are well after the long journey through the"
    " mountains where the weather is said to be worse than it was last year when your brother came to see us with his"
    " children and stayed until the end of the month"
)
FRENCH, ENGLISH = LETTRE.split(), LETTER.split()
START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def page(
    number: int,
    rng: random.Random,
    *,
    words: Sequence[str] = FRENCH,
    sharpness: float = 400.0,
    confidence: float = 0.7,
    prefix: str = "p",
    start: datetime = START,
) -> list[Seen]:
    """The lines of one page, each an image of its own; pages differ somewhat from one another."""
    at = start + timedelta(minutes=number)
    sharp, light, sure = rng.gauss(0, 0.2), rng.gauss(0, 4), rng.gauss(0, 0.04)
    found = []
    for line in range(max(6, round(rng.gauss(12, 2)))):
        text = " ".join(rng.choice(words) for _ in range(rng.randint(6, 9)))
        chance = min(max(confidence + sure + rng.gauss(0, 0.1), 0.01), 0.99)
        found.append(
            Seen(
                id=f"{prefix}{number}-{line}",
                at=at + timedelta(seconds=line),
                kind="line",
                document=f"{prefix}{number}",
                model="base@1",
                lines=(SeenLine(text.capitalize(), chance, (1 - chance) / 8),),
                confidence=chance,
                quality=Quality(
                    width=round(rng.gauss(700, 60)),
                    height=64,
                    sharpness=sharpness * 2.718 ** (sharp + rng.gauss(0, 0.1)),
                    contrast=120 + light + rng.gauss(0, 3),
                    brightness=200 + light,
                    ink=0.1 + rng.gauss(0, 0.005),
                ),
                seconds=0.03,
            )
        )
    return found


def traffic(count: int, seed: int = 0, *, first: int = 0, **how: object) -> list[Seen]:
    """The readings of some pages, in order; `how` as for `page`."""
    rng = random.Random(seed)
    return [one for number in range(first, first + count) for one in page(number, rng, **how)]  # type: ignore[arg-type]


def truths(seen: Sequence[Seen], every: int, *, later: timedelta = timedelta(days=1)) -> list[Truth]:
    """What a person says of each reading: every `every`-th character is wrong."""
    found = []
    for one in seen:
        text = "".join("#" if at % every == every - 1 else char for at, char in enumerate(one.text))
        found.append(Truth(id=one.id, at=one.at + later, author="anna", text=text))
    return found
