"""The recogniser as a trainable torch network: PP-OCRv6 small with its batch normalisations folded.

PP-LCNetV4 backbone and a two-block SVTR neck (Du et al., "SVTR: Scene Text Recognition with a Single Visual Model",
2022; PaddleOCR). The batch statistics of a few hundred lines are worse than those of the data the base was trained on,
so they stay frozen, which is the same as a convolution with a bias: that is how it stands here and in the graph that
reads. Pictures lie channels-last, which is about twice as fast on a CPU in bfloat16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emendo.errors import BundleError

from ..graph import Graph
from .forms import BASE, BLOCKS, Form, form_of
from .weights import Array, Head, read_layers, write_layers

COLUMNS_PER_FRAME = 8
FEATURES = 120


class Convolution(nn.Module):
    """A convolution with bias; 'same' padding unless `padding` says otherwise."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        groups: int = 1,
        padding: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs // groups, *kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.stride, self.groups = stride, groups
        self.padding = (kernel[0] // 2, kernel[1] // 2) if padding is None else padding

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H', W')."""
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, 1, self.groups)


class Squeeze(nn.Module):
    """Squeeze-and-excitation (Hu et al., 2018): channels weighted by what the whole line holds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = Convolution(channels, channels // 4, (1, 1))
        self.up = Convolution(channels // 4, channels, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        pooled = x.mean((2, 3), keepdim=True)
        return x * F.hardsigmoid(self.up(F.relu(self.down(pooled))))


class Block(nn.Module):
    """Depthwise 3 x 3, then two pointwise convolutions around a GELU."""

    def __init__(self, row: tuple[int, int, int, bool], hidden: int, *, halves: bool) -> None:
        super().__init__()
        inputs, outputs, stride, squeeze = row
        kernel, steps = ((3, 4), (stride, 2)) if halves else ((3, 3), (stride, 1))
        self.depthwise = Convolution(inputs, inputs, kernel, stride=steps, groups=inputs, padding=(1, 1))
        self.squeeze = Squeeze(inputs) if squeeze else None
        self.wide = Convolution(inputs, hidden, (1, 1))
        self.narrow = Convolution(hidden, outputs, (1, 1))
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W), half of W where the block halves the columns."""
        x = self.gathered(x)
        y: Tensor = self.narrow(F.gelu(self.wide(x)))
        return x + y if self.residual else y

    def gathered(self, x: Tensor) -> Tensor:
        """What goes into the pointwise convolutions."""
        gathered: Tensor = self.depthwise(x)
        if self.squeeze is not None:
            gathered = self.squeeze(gathered)
        return gathered


class Mixer(nn.Module):
    """One pre-norm attention block over the columns of a line."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(features, eps=1e-5)
        self.qkv = nn.Linear(features, 3 * features)
        self.projection = nn.Linear(features, features)
        self.norm2 = nn.LayerNorm(features, eps=1e-5)
        self.wide = nn.Linear(features, 2 * features)
        self.narrow = nn.Linear(2 * features, features)
        self.heads, self.dropout = heads, 0.0

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, features) -> the same shape."""
        count, length, width = x.shape
        parts = self.qkv(self.norm1(x)).reshape(count, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        # written out: the fused attention of torch is several times slower on a CPU for so few columns
        weights = (query @ key.transpose(-1, -2)).float() * (width // self.heads) ** -0.5
        mixed = (weights.softmax(-1).to(value.dtype) @ value).transpose(1, 2).reshape(count, length, width)
        x = x + F.dropout(self.projection(mixed), self.dropout, self.training)
        inner = F.dropout(F.silu(self.wide(self.norm2(x))), self.dropout, self.training)
        return x + F.dropout(self.narrow(inner), self.dropout, self.training)


class LineNetwork(nn.Module):
    """Lines (N, 3, 48, W), scaled to [-1, 1], to logits (N, W / 8, classes); class 0 is the CTC blank."""

    def __init__(self, classes: int, form: Form = BASE) -> None:
        super().__init__()
        self.form = form
        self.stem1 = Convolution(3, 48, (3, 3), stride=(2, 2))
        self.stem2a = Convolution(48, 24, (2, 2), padding=(0, 0))
        self.stem2b = Convolution(24, 48, (2, 2), padding=(0, 0))
        self.stem3 = Convolution(96, 48, (3, 3), stride=(2, 2))
        self.stem4 = Convolution(48, 96, (1, 1))
        self.blocks = nn.ModuleList(
            Block(row, hidden, halves=at == form.halved)
            for at, (row, hidden) in enumerate(zip(BLOCKS, form.hidden, strict=True))
        )
        self.skip = Convolution(384, FEATURES, (1, 1))
        self.reduce = Convolution(384, FEATURES, (1, 1))
        self.local = Convolution(FEATURES, FEATURES, (1, 7), groups=FEATURES)
        self.mixers = nn.ModuleList(Mixer(FEATURES, 8) for _ in range(2))
        self.norm = nn.LayerNorm(FEATURES, eps=1e-5)
        self.head = nn.Linear(FEATURES, classes)
        self.dropout = 0.0

    def set_dropout(self, share: float) -> None:
        """The share of values that training drops, in the neck and before the head."""
        self.dropout = share
        for module in self.modules():
            if isinstance(module, Mixer):
                module.dropout = share

    def freeze(self, blocks: int) -> None:
        """Exclude the stem and the lowest `blocks` blocks from training; 0 excludes nothing."""
        lowest = [self.stem1, self.stem2a, self.stem2b, self.stem3, self.stem4, *self.blocks[:blocks]]
        for module in lowest if blocks else ():
            module.requires_grad_(False)

    def stem(self, x: Tensor) -> Tensor:
        """(N, 3, 48, W) -> (N, 96, 12, W / 4)."""
        x = F.pad(F.relu(self.stem1(x)), (0, 1, 0, 1))
        y = F.relu(self.stem2a(x))
        y = F.relu(self.stem2b(F.pad(y, (0, 1, 0, 1))))
        x = F.relu(self.stem3(torch.cat([F.max_pool2d(x, 2, 1), y], 1)))
        stem: Tensor = F.relu(self.stem4(x))
        return stem

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, 48, W) -> (N, W / 8, 120)."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        x = F.avg_pool2d(x, (3, 2 if self.form.halved == len(BLOCKS) else 1))
        skipped = F.silu(self.skip(x))
        x = F.silu(self.reduce(x))
        x = (x + F.silu(self.local(x))).squeeze(2).transpose(1, 2)
        for mixer in self.mixers:
            x = mixer(x)
        mixed: Tensor = self.norm(x) + skipped.squeeze(2).transpose(1, 2)
        return mixed

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 48, W) -> logits (N, W / 8, classes)."""
        return self.classified(self.features(x))

    def classified(self, features: Tensor) -> Tensor:
        """(N, T, 120) -> logits (N, T, classes)."""
        logits: Tensor = self.head(F.dropout(features, self.dropout, self.training))
        return logits


def weighted_layers(network: LineNetwork) -> list[Any]:
    """The modules that hold a weight and a bias, in the order of the graph."""
    convolutions: list[Any] = [module for module in network.modules() if isinstance(module, Convolution)]
    others = [module for module in network.modules() if isinstance(module, (nn.Linear, nn.LayerNorm))]
    return convolutions + others


def load_network(model: Graph, head: Head | None = None) -> LineNetwork:
    """The network with the weights of a graph; `head` replaces the graph's last layer.

    Raises BundleError when the graph is of another network.
    """
    read = read_layers(model)
    if head is not None:
        read[-1] = (read[-1][0], head.weight, head.bias)
    network = LineNetwork(len(read[-1][2]), form_of(model))
    modules = weighted_layers(network)
    if len(modules) != len(read):
        raise BundleError(f"the graph has {len(read)} layers, not {len(modules)}", remedy="use PP-OCRv6 small")
    with torch.no_grad():
        for module, (layer, weight, bias) in zip(modules, read, strict=True):
            if tuple(module.weight.shape) != weight.shape:
                what = f"tensor {layer.weight!r} has shape {weight.shape}, not {tuple(module.weight.shape)}"
                raise BundleError(what, remedy="use PP-OCRv6 small")
            module.weight.copy_(torch.from_numpy(weight))
            module.bias.copy_(torch.from_numpy(bias))
    return network


def store_network(network: LineNetwork, model: Graph) -> None:
    """Write the weights of the network into the graph, in place; the graph's number of classes follows."""

    def array(tensor: Tensor) -> Array:
        return np.ascontiguousarray(tensor.detach().float().cpu().numpy(), np.float32)

    write_layers(model, [(array(module.weight), array(module.bias)) for module in weighted_layers(network)])
