"""What the network is told of its answers, as far as the truth speaks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .network import Seen

ROWS_WEIGHT, KINDS_WEIGHT, CHOICE_WEIGHT = 0.5, 0.1, 1.0
Choice = tuple[int, int, Sequence[Sequence[int]]]
"""Document, label, and the places of which one at least has it."""


def losses(seen: Seen, allowed: Tensor, rows: Tensor, kinds: Tensor, choices: Sequence[Choice]) -> Tensor:
    """Nats per word: labels, and a share for rows, kinds and choices.

    A word whose label is one of several costs what the network holds against all of these together (partial labels;
    Jin & Ghahramani, 2002). `allowed` (B, N, C) bool, `rows` (B, N), `kinds` (B,).
    """
    log_probs = seen.labels.log_softmax(-1)
    real = allowed.any(-1)
    marginal = log_probs.masked_fill(~allowed, -1e4).logsumexp(-1)
    total = -(marginal * real).sum() / real.sum().clamp(min=1)
    total = total + ROWS_WEIGHT * _rows(seen.rows, rows)
    told = kinds >= 0
    if bool(told.any()):
        total = total + KINDS_WEIGHT * F.cross_entropy(seen.kinds[told], kinds[told])
    if choices:
        total = total + CHOICE_WEIGHT * _choices(log_probs, choices) / real.shape[0]
    return total


def _rows(logits: Tensor, rows: Tensor) -> Tensor:
    """Binary cross-entropy over pairs of words that stand in rows of tables, the mean over documents."""
    known = rows >= 0
    pairs = known[:, :, None] & known[:, None, :]
    pairs = pairs & ~torch.eye(rows.shape[1], dtype=torch.bool)
    same = (rows[:, :, None] == rows[:, None, :]).float()
    each = F.binary_cross_entropy_with_logits(logits, same, reduction="none") * pairs
    counts = pairs.sum((1, 2))
    return (each.sum((1, 2)) / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def _choices(log_probs: Tensor, choices: Sequence[Choice]) -> Tensor:
    """The cost of no place telling a label, where the words of a place agree (noisy-or; Maron & Lozano-Pérez, 1998)."""
    total = log_probs.new_zeros(())
    for document, label, places in choices:
        each = torch.stack([log_probs[document, list(place), label].mean() for place in places])
        none = torch.log1p(-each.exp().clamp(max=1 - 1e-6)).sum()
        total = total - torch.log1p(-none.exp().clamp(max=1 - 1e-6))
    return total
