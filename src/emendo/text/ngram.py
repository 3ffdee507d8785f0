"""A character n-gram model learnt from an author's own lines.

Interpolated with Witten and Bell's weights ("The zero-frequency problem", 1991): a context seen n times with d
different continuations gives the share d / (n + d) to the next shorter context; below the single characters stands
the uniform distribution over the vocabulary and one class for all others. Pure dictionaries, kept as JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

from emendo.errors import FormatError

from .normalize import normalize_text

FORMAT = "emendo-ngram/1"
START, END = "\x02", "\x03"
MAX_ORDER, MOST_CONTEXTS = 12, 50_000
_Known = tuple[tuple[tuple[dict[str, int], int], ...], dict[str, float]]
"""What came after ever longer ends of a context, with sums, and the probabilities that were asked for."""


@dataclass(frozen=True, slots=True)
class CharacterModel:
    """Probability of a character after those before it.

    `counts` maps each context (at most `order - 1` characters, `START` in front of a line) to the counts of what came
    next (`END` behind a line).
    """

    order: int
    counts: Mapping[str, Mapping[str, int]]
    vocabulary: int
    _cache: dict[str, _Known] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def learn(cls, lines: Iterable[str], *, order: int = 6) -> CharacterModel:
        """Count the n-grams of the lines, each normalised; raises ValueError unless 1 <= order <= 12."""
        if not 1 <= order <= MAX_ORDER:
            raise ValueError(f"the order of a character model is 1 to {MAX_ORDER}, not {order}")
        counts: dict[str, Counter[str]] = {}
        for line in lines:
            count_line(counts, line, order)
        return cls(order, {context: dict(after) for context, after in counts.items()}, len(counts.get("", ())) + 1)

    def log_prob(self, context: str, character: str) -> float:
        """Natural logarithm of `probability`."""
        return log(self.probability(context, character))

    def probability(self, context: str, character: str) -> float:
        """Probability of `character` (or `END`) after `context`, the line so far.

        Never zero: what was never seen shares one class of the uniform distribution.
        """
        key = (START + context)[-(self.order - 1) :] if self.order > 1 else ""
        known = self._cache.get(key)
        if known is None:
            if len(self._cache) > MOST_CONTEXTS:
                self._cache.clear()
            known = self._cache[key] = (self._seen(key), {})
        seen, values = known
        value = values.get(character)
        if value is None:
            value = 1.0 / (self.vocabulary + 1)
            for after, total in seen:
                value = (after.get(character, 0) + len(after) * value) / (total + len(after))
            values[character] = value
        return value

    def _seen(self, context: str) -> tuple[tuple[dict[str, int], int], ...]:
        """What came after ever longer ends of a context, as far as they were seen, with the sum of the counts."""
        found: list[tuple[dict[str, int], int]] = []
        for length in range(len(context) + 1):
            after = self.counts.get(context[len(context) - length :])
            if after is None:
                break
            found.append((after, sum(after.values())))
        return tuple(found)

    def to_json(self) -> str:
        """The model as JSON; `from_json` gives it back."""
        return json.dumps({"format": FORMAT, "order": self.order, "counts": self.counts}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "") -> CharacterModel:
        """Read what `to_json` wrote; raises FormatError when it is something else."""
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"is not valid JSON ({error})", where=where, remedy="learn the model again") from error
        if not _is_model(content):
            raise FormatError(f"is no {FORMAT}", where=where, remedy="learn the model again")
        counts = content["counts"]
        return cls(content["order"], counts, len(counts.get("", ())) + 1)


def count_line(counts: dict[str, Counter[str]], line: str, order: int) -> None:
    """Add the n-grams of one line, which is normalised first."""
    text = START + normalize_text(line) + END
    for at in range(1, len(text)):
        for length in range(min(order - 1, at) + 1):
            counts.setdefault(text[at - length : at], Counter())[text[at]] += 1


def _is_model(content: Any) -> bool:
    if (
        not isinstance(content, dict)
        or content.get("format") != FORMAT
        or set(content) != {"format", "order", "counts"}
    ):
        return False
    order, counts = content["order"], content["counts"]
    if type(order) is not int or not 1 <= order <= MAX_ORDER or not isinstance(counts, dict):
        return False
    return all(
        len(context) < order
        and isinstance(after, dict)
        and bool(after)
        and all(len(char) == 1 and type(count) is int and count > 0 for char, count in after.items())
        for context, after in counts.items()
    )
