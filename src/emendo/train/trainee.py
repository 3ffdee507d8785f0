"""What the trainer trains: the network, its running average, and the loss."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emendo.models.ctc.network import LineNetwork


class Trainee(nn.Module):
    """A line network with the running average of its weights beside it (Polyak & Juditsky, 1992).

    The average is part of the state, so it is saved and resumed with the rest. What is validated and released lies
    between the start and the average, at `share` of the way (Wortsman et al., "Robust fine-tuning of zero-shot models",
    2022): with few lines the last part of the way forgets more than it learns. With the weights of a model `beside`
    it is the mean of both, which errs less than either where they came different ways from one start (Wortsman et al.,
    "Model soups", 2022).

    A `teacher` is a wider network whose features (before the head) the trained ones are drawn to with the weight
    `taught` (Hinton et al., "Distilling the knowledge in a neural network", 2015; on features: Romero et al.,
    "FitNets", 2015).
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        decay: float,
        bfloat: bool,
        share: float = 1.0,
        beside: Sequence[Tensor] = (),
        teacher: LineNetwork | None = None,
        taught: float = 0.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.updates: Tensor
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))
        self.blanks = 0.0  # share of the frames of the last batch whose best class is the blank
        self.decay, self.bfloat, self.share, self._beside = decay, bfloat, share, beside
        self._teacher = [teacher.eval()] if teacher is not None and taught else []  # in a list: no part of the state
        self._taught = taught
        self._start = [parameter.detach().clone() for parameter in network.parameters()]

    def forward(self, images: Tensor, targets: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """CTC loss (Graves et al., 2006) in nats per character, mean over the lines.

        `images` (N, 3, 48, W) in [-1, 1], `targets` the classes of all lines in a row, `lengths` (N,) of each.
        """
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bfloat):
            if self._teacher and isinstance(self.network, LineNetwork):
                seen = self.network.features(images)
                features, logits = seen, self.network.classified(seen)
            else:
                features, logits = None, self.network(images)
        log_probs = logits.float().log_softmax(-1)
        self.blanks = float((logits.detach().argmax(-1) == 0).float().mean())
        frames = torch.full_like(lengths, log_probs.shape[1])
        losses = F.ctc_loss(log_probs.transpose(0, 1), targets, frames, lengths, reduction="none", zero_infinity=True)
        return {"loss": (losses / lengths).mean() + self._distance(images, features)}

    def _distance(self, images: Tensor, features: Tensor | None) -> Tensor | float:
        """How far the features are from the teacher's, as a share of their variance, times its weight."""
        if features is None:
            return 0.0
        teacher = self._teacher[0].to(images.device)
        with torch.no_grad(), torch.autocast(images.device.type, torch.bfloat16, enabled=self.bfloat):
            wanted: Tensor = teacher.features(images).float()
        distance: Tensor = self._taught * F.mse_loss(features.float(), wanted) / wanted.var()
        return distance

    @torch.no_grad()
    def update_average(self) -> None:
        """Move the average towards the network; in the beginning faster, so that it forgets the start."""
        count = int(self.updates)
        decay = min(self.decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)
        for kept, seen in zip(self.average.buffers(), self.network.buffers(), strict=True):
            kept.copy_(seen)
        self.updates += 1

    @torch.no_grad()
    def released(self) -> Any:
        """A network of its own with the weights worth keeping."""
        released: Any = copy.deepcopy(self.average)
        for parameter, start in zip(released.parameters(), self._start, strict=True):
            parameter.copy_(start.to(parameter.device).lerp(parameter, self.share))
        for parameter, other in zip(released.parameters(), self._beside, strict=False):
            parameter.lerp_(other.to(parameter.device), 0.5)
        return released


def half_is_fast() -> bool:
    """Whether to train in bfloat16 here: on a GPU that has it, or on a processor with AMX.

    With AVX512-BF16 alone it is about twice as fast as float32, but what it learned there read worse
    (docs/decisions.md).
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported())
