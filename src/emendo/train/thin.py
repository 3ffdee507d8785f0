"""A narrower network out of a trained one: what training of a faster model starts from.

Channels inside the blocks are taken away one by one, always the one without which the block's output, as the other
channels can still give it, changes least: optimal brain surgeon (Hassibi & Stork, 1993) on whole channels, with the
second moments of what the block sees of real lines. Columns are halved as a multigrid method coarsens an operator: each
depthwise kernel becomes the one that acts alike on pictures that are constant over two columns.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from emendo.models.ctc.forms import BLOCKS, Form
from emendo.models.ctc.network import Block, Convolution, LineNetwork

RIDGE = 1e-4
"""Added to the second moments, as a share of their mean: lines that were not seen look somewhat different."""
COMPACTED = 0.9
"""Share of the channels left at which the matrices are made smaller."""


def form_for(inside: float, halved: int, now: Form) -> Form:
    """The form `now` with the share `inside` of each block's inner channels, and the columns halved at block `halved`.

    The channels are multiples of 16, what vector units compute at once; where all stay, or the columns are halved
    already and `halved` asks for nothing (13), they stay as they are.
    """
    hidden = now.hidden if inside == 1 else tuple(max(16, round(inside * size / 16) * 16) for size in now.hidden)
    return Form(hidden, halved if halved < len(BLOCKS) else now.halved)


@torch.no_grad()
def thinned(network: LineNetwork, form: Form, lines: Sequence[Tensor]) -> LineNetwork:
    """A network of a narrower form that gives much the same on these lines, each (1, 3, 48, W) in [-1, 1].

    Raises ValueError when the network halves its columns earlier already.
    """
    halves = form.halved != network.form.halved
    if halves and network.form.halved != len(BLOCKS):
        raise ValueError(f"the columns are halved at block {network.form.halved} already")
    made = LineNetwork(network.head.out_features, form)
    other = {key: value for key, value in network.state_dict().items() if not key.startswith("blocks.")}
    made.load_state_dict(other, strict=False)
    seen = [network.stem(line) for line in lines]
    for at, (wide, narrow) in enumerate(zip(network.blocks, made.blocks, strict=True)):
        assert isinstance(wide, Block) and isinstance(narrow, Block)
        block = _coarser(wide, narrow.depthwise, first=at == form.halved) if halves and at >= form.halved else wide
        _fill(narrow, block, seen)
        seen = [narrow(x) for x in seen]
    return made


def _coarser(block: Block, depthwise: Convolution, *, first: bool) -> Block:
    """The block for columns twice as wide, or the `first` that makes them so, with a convolution like `depthwise`."""
    coarser = copy.deepcopy(block)
    kernel = block.depthwise.weight.detach()
    coarser.depthwise = copy.deepcopy(depthwise)
    coarser.depthwise.weight.copy_(_halving(kernel) if first else _coarse(kernel))
    coarser.depthwise.bias.copy_(block.depthwise.bias)
    return coarser


def _fill(new: Block, old: Block, seen: Sequence[Tensor]) -> None:
    """Give the narrower block what is best kept of the wider one."""
    new.depthwise.load_state_dict(old.depthwise.state_dict())
    if new.squeeze is not None and old.squeeze is not None:
        new.squeeze.load_state_dict(old.squeeze.state_dict())
    size, count = old.wide.weight.shape[0], new.wide.weight.shape[0]
    kept, weight, bias = torch.arange(size), old.narrow.weight[:, :, 0, 0], old.narrow.bias.detach()
    if count < size:
        kept, weight, bias = _eliminated(_moments(old, seen), weight, bias, count)
    new.wide.weight.copy_(old.wide.weight[kept])
    new.wide.bias.copy_(old.wide.bias[kept])
    new.narrow.weight.copy_(weight[:, :, None, None])
    new.narrow.bias.copy_(bias)


def _moments(block: Block, seen: Sequence[Tensor]) -> Tensor:
    """Mean products of the inner channels and a constant 1: (channels + 1, channels + 1) float64."""
    size = block.wide.weight.shape[0] + 1
    total, count = torch.zeros(size, size, dtype=torch.float64), 0
    for x in seen:
        inner = F.gelu(block.wide(block.gathered(x))).movedim(1, 3).reshape(-1, size - 1)
        row = F.pad(inner, (0, 1), value=1.0)
        total += (row.T @ row).double()
        count += len(row)
    return total / max(1, count)


def _eliminated(moments: Tensor, weight: Tensor, bias: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `count` channels to keep, and weight (out, count) and bias with which they stand in for the others."""
    size = weight.shape[1]
    rows = torch.cat([weight.T, bias[None]]).double()
    ridge = RIDGE * moments.diagonal()[:size].mean()
    inverse = torch.linalg.inv(moments + ridge * torch.eye(size + 1, dtype=torch.float64))
    kept = torch.arange(size + 1)
    alive = torch.ones(size + 1, dtype=torch.bool)
    while (left := int(alive.sum())) > count + 1:
        if left < COMPACTED * len(kept):  # what is gone costs no more time
            kept, rows, inverse = kept[alive], rows[alive], inverse[alive][:, alive]
            alive = alive[alive]
        cost = rows.square().sum(1) / inverse.diagonal()
        cost[~alive] = cost[-1] = torch.inf
        gone = int(cost.argmin())
        column = inverse[:, gone] / inverse[gone, gone]
        rows.addr_(column, rows[gone].clone(), alpha=-1)
        inverse.addr_(column, inverse[gone].clone(), alpha=-1)
        alive[gone] = False
    return kept[alive][:-1], rows[alive][:-1].T.float(), rows[-1].float()


def _halving(kernel: Tensor) -> Tensor:
    """(C, 1, 3, 3) -> (C, 1, 3, 4): the kernel, then the mean of two columns."""
    return (F.pad(kernel, (0, 1)) + F.pad(kernel, (1, 0))) / 2


def _coarse(kernel: Tensor) -> Tensor:
    """(C, 1, 3, 3) for columns twice as wide: half of what came from a neighbour now comes from the same column."""
    left, middle, right = kernel.unbind(3)
    return torch.stack([left / 2, middle + left / 2 + right / 2, right / 2], 3)
