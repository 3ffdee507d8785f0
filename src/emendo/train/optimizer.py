"""AdamW whose steps are relative to the size of what they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_LEAST = 0.1
"""A row that is much smaller than its tensor moves as if it were this share of the tensor's size."""


class RelativeAdamW(torch.optim.AdamW):
    """AdamW (Loshchilov & Hutter, 2019) with the step of each row multiplied by the row's own size at the start.

    Folding the batch normalisations leaves weights that differ a thousandfold in size from tensor to tensor and from
    channel to channel (0.01 to 30); Adam's steps do not, so any one learning rate destroys the small ones or never
    moves the large ones. A learning rate here is a relative change per step: 0.002 means 0.2 %. The idea is that of
    Adafactor's `scale_parameter` (Shazeer & Stern, 2018) per output channel.
    """

    def __init__(self, groups: list[dict[str, Any]], *, lr: float, betas: tuple[float, float]) -> None:
        super().__init__(groups, lr=lr, betas=betas, fused=True)
        self._moved: list[Tensor] = [p for group in self.param_groups for p in group["params"]]
        self._kept: list[Tensor] = [1 - row_sizes(p) for p in self._moved]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step; the sizes are those that the weights had when the optimiser was made."""
        before = [p.detach().clone() for p in self._moved]
        loss = super().step(closure)
        torch._foreach_lerp_(self._moved, before, self._kept)
        return loss


def row_sizes(parameter: Tensor) -> Tensor:
    """Root mean square of each output row (of the whole, for biases and norms), expanded to the parameter's shape."""
    whole = parameter.detach().square().mean().sqrt().clamp_min(1e-3)
    if parameter.ndim < 2:
        return whole.expand_as(parameter).clone()
    rows = parameter.detach().flatten(1).square().mean(1).sqrt()
    return torch.maximum(rows, _LEAST * whole).view(-1, *[1] * (parameter.ndim - 1)).expand_as(parameter).contiguous()
