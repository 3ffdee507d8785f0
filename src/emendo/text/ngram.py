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
MAX_ORDER = 12


@dataclass(frozen=True, slots=True)
class CharacterModel:
    """Probability of a character after those before it.

    `counts` maps each context (at most `order - 1` characters, `START` in front of a line) to the counts of what came
    next (`END` behind a line).
    """

    order: int
    counts: Mapping[str, Mapping[str, int]]
    vocabulary: int
    _cache: dict[str, dict[str, float]] = field(default_factory=dict, repr=False, compare=False)

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
        """Natural logarithm of the probability of `character` (or `END`) after `context`, the line so far.

        Never minus infinity: what was never seen shares one class of the uniform distribution.
        """
        key = (START + context)[-(self.order - 1) :] if self.order > 1 else ""
        known = self._cache.get(key)
        if known is None:
            if len(self._cache) > 50_000:
                self._cache.clear()
            known = self._cache[key] = {}
        value = known.get(character)
        if value is None:
            value = known[character] = log(self._probability(key, character))
        return value

    def _probability(self, context: str, character: str) -> float:
        probability = 1.0 / (self.vocabulary + 1)
        for length in range(len(context) + 1):
            after = self.counts.get(context[len(context) - length :])
            if after is None:
                break
            total, kinds = sum(after.values()), len(after)
            probability = (after.get(character, 0) + kinds * probability) / (total + kinds)
        return probability

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
