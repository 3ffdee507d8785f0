"""Metrics by name, each with its direction, computed over a whole corpus.

Rates are sums over the corpus (micro average): the edits of all pairs against the length of all references. Errors are
not capped, so a CER can exceed 1 and an accuracy fall below 0. Precision, recall and F1 count the longest common
subsequence, which, unlike the hits of a Levenshtein alignment, is the same for every optimal alignment:
`LCS / hypothesis`, `LCS / reference`, and their harmonic mean (as ROUGE-L, Lin 2004).

Characters of all pairs are compared in one call of rapidfuzz; 100,000 pairs of lines take about a second.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq, Levenshtein
from rapidfuzz.process import cpdist

from ..errors import UsageError
from ..text.folds import Fold
from .tokens import SACREBLEU, Tokenize, sacrebleu, tokenizer

Integers = npt.NDArray[np.int64]


class Better(StrEnum):
    """Which of two values is the better one."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Tokenwise:
    """Summed over all pairs: token edits, tokens in common, tokens of the references and of the hypotheses."""

    edits: int
    common: int
    references: int
    hypotheses: int


class Pairs:
    """References and hypotheses, folded once; each count is made when a metric first asks for it."""

    def __init__(
        self,
        references: Sequence[str],
        hypotheses: Sequence[str],
        *,
        tokens: str = "words",
        fold: Fold | None = None,
    ) -> None:
        """Both sides in the same order. Raises ValueError when their lengths differ, UsageError for `tokens`."""
        if len(references) != len(hypotheses):
            raise ValueError("references and hypotheses must have one entry per sample")
        fold = fold or Fold()
        self.references = [fold(text) for text in references]
        self.hypotheses = [fold(text) for text in hypotheses]
        self.tokenizer = tokens
        self._tokenize = tokenizer(tokens)

    def __len__(self) -> int:
        return len(self.references)

    @cached_property
    def edits(self) -> Integers:
        """Character edits of each pair."""
        return _each(self.references, self.hypotheses, Levenshtein.distance)

    @cached_property
    def lengths(self) -> tuple[Integers, Integers]:
        """Characters of each reference and of each hypothesis."""
        return _lengths(self.references), _lengths(self.hypotheses)

    @cached_property
    def common(self) -> int:
        """Characters in the longest common subsequences of all pairs."""
        return int(_each(self.references, self.hypotheses, LCSseq.similarity).sum())

    @cached_property
    def words(self) -> Tokenwise:
        """Counts over the words between blanks."""
        return _tokenwise(self.references, self.hypotheses, str.split)

    @cached_property
    def tokens(self) -> Tokenwise:
        """Counts over the tokens of the chosen tokenizer."""
        return self.words if self.tokenizer == "words" else _tokenwise(self.references, self.hypotheses, self._tokenize)


def _tokenwise(references: Sequence[str], hypotheses: Sequence[str], tokenize: Tokenize) -> Tokenwise:
    """One pair after another: keeping the tokens of all of them would cost more time than comparing them does."""
    edits = common = left = right = 0
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        true = tokenize(reference)
        left += len(true)
        if reference == hypothesis:
            common += len(true)
            right += len(true)
            continue
        read = tokenize(hypothesis)
        right += len(read)
        edits += Levenshtein.distance(true, read)
        common += LCSseq.similarity(true, read)
    return Tokenwise(edits, common, left, right)


def _each(left: Sequence[str], right: Sequence[str], scorer: Callable[..., int]) -> Integers:
    if not left:
        return np.zeros(0, dtype=np.int64)
    return np.asarray(cpdist(left, right, scorer=scorer, dtype=np.int64, workers=1), dtype=np.int64)


def _lengths(texts: Sequence[str]) -> Integers:
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def _cer(pairs: Pairs) -> float:
    return float(pairs.edits.sum()) / max(int(pairs.lengths[0].sum()), 1)


def _wer(pairs: Pairs) -> float:
    return pairs.words.edits / max(pairs.words.references, 1)


def _ter(pairs: Pairs) -> float:
    return pairs.tokens.edits / max(pairs.tokens.references, 1)


def _exact(pairs: Pairs) -> float:
    return float(np.count_nonzero(pairs.edits == 0)) / max(len(pairs), 1)


def _ned(pairs: Pairs) -> float:
    """Mean over the samples of edits / the longer of both texts (as ICDAR's 1-NED and OmniDocBench)."""
    longer = np.maximum(np.maximum(*pairs.lengths), 1)
    return float((pairs.edits / longer).mean()) if len(pairs) else 0.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _f1(common: int, reference: int, hypothesis: int) -> float:
    return _share(2 * common, reference + hypothesis)


def _bleu(pairs: Pairs) -> float:
    """BLEU (Papineni 2002) by sacrebleu, 0 to 100; tokens of 13a unless a tokenizer of sacrebleu is chosen."""
    if not len(pairs):
        return 0.0
    rules = pairs.tokenizer if pairs.tokenizer in SACREBLEU else "13a"
    score = sacrebleu().corpus_bleu(pairs.hypotheses, [pairs.references], tokenize=rules)
    return float(score.score)


def _chrf(pairs: Pairs) -> float:
    """chrF (Popović 2015) by sacrebleu, 0 to 100."""
    return float(sacrebleu().corpus_chrf(pairs.hypotheses, [pairs.references]).score) if len(pairs) else 0.0


@dataclass(frozen=True, slots=True)
class Metric:
    """One row: its name, what it is, which direction is better, and how it is computed."""

    name: str
    title: str
    better: Better
    of: Callable[[Pairs], float]

    def improves(self, value: float, best: float | None) -> bool:
        """True when `value` is strictly better than `best`, or there is no best yet; never for NaN."""
        if math.isnan(value) or best is None:
            return not math.isnan(value)
        return value < best if self.better is Better.LOWER else value > best


def _characters(pairs: Pairs) -> tuple[int, int, int]:
    return pairs.common, int(pairs.lengths[0].sum()), int(pairs.lengths[1].sum())


METRICS: tuple[Metric, ...] = (
    Metric("cer", "character error rate", Better.LOWER, _cer),
    Metric("wer", "word error rate", Better.LOWER, _wer),
    Metric("ter", "token error rate", Better.LOWER, _ter),
    Metric("ned", "normalised edit distance, mean of the samples", Better.LOWER, _ned),
    Metric("exact", "share of samples without error", Better.HIGHER, _exact),
    Metric("character_accuracy", "1 - CER", Better.HIGHER, lambda pairs: 1 - _cer(pairs)),
    Metric("token_accuracy", "1 - token error rate", Better.HIGHER, lambda pairs: 1 - _ter(pairs)),
    Metric(
        "character_precision",
        "share of the read characters that are right",
        Better.HIGHER,
        lambda pairs: _share(_characters(pairs)[0], _characters(pairs)[2]),
    ),
    Metric(
        "character_recall",
        "share of the true characters that were read",
        Better.HIGHER,
        lambda pairs: _share(_characters(pairs)[0], _characters(pairs)[1]),
    ),
    Metric("character_f1", "F1 of characters", Better.HIGHER, lambda pairs: _f1(*_characters(pairs))),
    Metric(
        "precision",
        "share of the read tokens that are right",
        Better.HIGHER,
        lambda pairs: _share(pairs.tokens.common, pairs.tokens.hypotheses),
    ),
    Metric(
        "recall",
        "share of the true tokens that were read",
        Better.HIGHER,
        lambda pairs: _share(pairs.tokens.common, pairs.tokens.references),
    ),
    Metric(
        "f1",
        "F1 of tokens",
        Better.HIGHER,
        lambda pairs: _f1(pairs.tokens.common, pairs.tokens.references, pairs.tokens.hypotheses),
    ),
    Metric("bleu", "BLEU of sacrebleu, 0 to 100", Better.HIGHER, _bleu),
    Metric("chrf", "chrF of sacrebleu, 0 to 100", Better.HIGHER, _chrf),
)
"""Every metric; `improves` of its row picks a best checkpoint in the right direction."""

_BY_NAME = {row.name: row for row in METRICS}


def metric(name: str) -> Metric:
    """The metric of that name. Raises UsageError naming the known ones."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    close = difflib.get_close_matches(name, _BY_NAME, n=1)
    guess = f" (did you mean {close[0]!r}?)" if close else ""
    raise UsageError(f"unknown metric {name!r}{guess}", remedy=f"use {', '.join(_BY_NAME)}")


def measure(names: Iterable[str], pairs: Pairs) -> dict[str, float]:
    """The values of some metrics, in the given order. Raises UsageError for an unknown name."""
    rows = [metric(name) for name in names]
    return {row.name: row.of(pairs) for row in rows}
