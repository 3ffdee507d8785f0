"""The network that tags words: hashed pieces and features of each word, and a transformer that knows where words stand.

A transformer encoder (Vaswani et al., 2017; normalised before each block as in Xiong et al., 2020) whose attention adds
to each pair of words a learned number for how far apart they are and how they line up, the same in all layers, as
BROS (Hong et al., 2022, https://arxiv.org/abs/2108.04539) and LayoutLMv3 (Huang et al., 2022,
https://arxiv.org/abs/2204.08387) do. The classes of transformers for these were measured first; docs/decisions.md says
why they are not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emendo.errors import BundleError
from emendo.models.extract.features import ACROSS, BUCKETS, FEATURES, SIDES
from emendo.models.extract.graph import FAR, ROWS_WIDTH, Array, Shape, shape_of_weights
from emendo.models.extract.labels import LABELS, TYPES


class Seen(NamedTuple):
    """What the network says, as logits: `labels` (B, N, C), `rows` (B, N, N), symmetrical, `kinds` (B, K)."""

    labels: Tensor
    rows: Tensor
    kinds: Tensor


class Block(nn.Module):
    """Attention and a feed-forward layer, each behind a normalisation and beside a shortcut."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = 0.0

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`x` (B, N, width); `bias` (B, heads, N, N) is added to the attention's logits."""
        batch, count, width = x.shape
        each = width // self.heads
        qkv = self.qkv(self.norm1(x)).view(batch, count, 3, self.heads, each).permute(2, 0, 3, 1, 4)
        weights = (qkv[0] @ qkv[1].transpose(-1, -2)).float() / math.sqrt(each) + bias
        weights = F.dropout(weights.softmax(-1), self.dropout, self.training).to(qkv.dtype)
        mixed = (weights @ qkv[2]).transpose(1, 2).reshape(batch, count, width)
        x = x + F.dropout(self.joined(mixed), self.dropout, self.training)
        more = self.narrow(F.gelu(self.wide(self.norm2(x))))
        return x + F.dropout(more, self.dropout, self.training)


class FieldNetwork(nn.Module):
    """Documents as `Encoded`, in batches padded by `features.padded`."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width, columns = shape.width, shape.heads + 1
        self.pieces = nn.Embedding(BUCKETS, width, padding_idx=0)
        self.looks1, self.looks2 = nn.Linear(FEATURES, width), nn.Linear(width, width)
        self.across, self.down = nn.Embedding(ACROSS, columns), nn.Embedding(ACROSS, columns)
        self.sides = nn.Embedding(SIDES, columns)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(width)
        self.labels = nn.Linear(width, len(LABELS))
        self.row1, self.row2 = nn.Linear(width, ROWS_WIDTH), nn.Linear(width, ROWS_WIDTH)
        self.gaze, self.kinds = nn.Linear(width, 1), nn.Linear(width, len(TYPES))
        self.dropout = 0.0
        nn.init.normal_(self.pieces.weight, std=0.3)
        with torch.no_grad():
            self.pieces.weight[0] = 0
        for table in (self.across, self.down, self.sides):
            nn.init.zeros_(table.weight)

    def forward(self, pieces: Tensor, features: Tensor, across: Tensor, down: Tensor, sides: Tensor) -> Seen:
        """`pieces` (B, N, P), `features` (B, N, F), `across`, `down`, `sides` (B, N, N): see `Encoded`."""
        batch, count = pieces.shape[:2]
        text = F.embedding_bag(pieces.flatten(0, 1), self.pieces.weight, mode="mean", padding_idx=0)
        x = text.view(batch, count, -1) + self.looks2(F.gelu(self.looks1(features)))
        x = F.dropout(x, self.dropout, self.training)
        never = torch.full((1, self.sides.weight.shape[1]), FAR)
        bias = (
            F.embedding(across, self.across.weight)
            + F.embedding(down, self.down.weight)
            + F.embedding(sides, torch.cat([self.sides.weight, never]))
        ).permute(0, 3, 1, 2)
        own = bias[:, :-1].contiguous()
        for block in self.blocks:
            x = block(x, own)
        x = self.norm(x)
        pairs = (self.row1(x) @ self.row2(x).transpose(1, 2)).float() / math.sqrt(ROWS_WIDTH) + bias[:, -1]
        gaze = self.gaze(x)[..., 0].float() + (1 - features[..., -1]) * FAR
        pooled = gaze.softmax(-1)[:, None].to(x.dtype) @ x
        return Seen(self.labels(x).float(), (pairs + pairs.transpose(1, 2)) / 2, self.kinds(pooled[:, 0]).float())

    def set_dropout(self, share: float) -> None:
        """The share of values that training drops."""
        self.dropout = share
        for block in self.blocks:
            assert isinstance(block, Block)
            block.dropout = share


def arrays_of(network: FieldNetwork) -> dict[str, Array]:
    """All weights by name, for `graph.build` and safetensors."""
    state = network.state_dict().items()
    return {name: np.ascontiguousarray(value.detach().float().cpu().numpy()) for name, value in state}


def network_of(arrays: Mapping[str, Array]) -> FieldNetwork:
    """The network with these weights. Raises BundleError when they are of another network."""
    network = FieldNetwork(shape_of_weights(arrays))
    for name, value in network.state_dict().items():
        if name not in arrays or arrays[name].shape != tuple(value.shape):
            what = f"tensor {name!r} is missing or has not the shape {tuple(value.shape)}"
            raise BundleError(what, remedy="use a bundle that this version wrote")
        value.copy_(torch.from_numpy(np.asarray(arrays[name], np.float32)))
    return network
