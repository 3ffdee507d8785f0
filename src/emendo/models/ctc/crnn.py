"""A small CRNN: five convolution blocks, two bidirectional LSTMs, a CTC head, from random weights.

Shi, Bai & Yao, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition and Its Application to
Scene Text Recognition" (2015, https://arxiv.org/abs/1507.05717), narrower and with batch normalisation in each block.
It looks at the grey of a line brought to mean 0 and deviation 1, so that night and day look alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emendo.errors import BundleError

from .crnn_graph import CHANNELS, EPSILON, GREY, HEIGHT, HIDDEN, KERNELS, PADS, POOLS, STRIDES, Array


class Crnn(nn.Module):
    """Lines (N, 3, 48, W), scaled to [-1, 1], to logits (N, W / 4, classes); class 0 is the CTC blank."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        shapes = zip((1, *CHANNELS[:-1]), CHANNELS, KERNELS, STRIDES, PADS, strict=True)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
            for inputs, outputs, kernel, stride, padding in shapes
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in CHANNELS)
        self.lstm = nn.LSTM(CHANNELS[-1], HIDDEN, num_layers=2, bidirectional=True)
        self.head = nn.Linear(2 * HIDDEN, classes)
        self.dropout = 0.0
        self.grey: Tensor
        self.register_buffer("grey", torch.tensor(GREY).view(1, 3, 1, 1), persistent=False)
        for weight in self.convolutions.parameters():
            nn.init.kaiming_normal_(weight, nonlinearity="relu")
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)  # pooling is eight times as fast

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, 48, W) -> (N, 256, W / 4)."""
        x = (x * self.grey).sum(1, keepdim=True)
        x = x - x.mean((2, 3), keepdim=True)
        x = x / (x.square().mean((2, 3), keepdim=True) + EPSILON).sqrt()
        for convolution, norm, pool in zip(self.convolutions, self.norms, POOLS, strict=True):
            x = F.relu(norm(convolution(x)))
            if pool is not None:
                x = F.max_pool2d(x, pool)
        return x.squeeze(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 48, W) -> logits (N, W / 4, classes)."""
        if x.shape[2] != HEIGHT:
            raise ValueError(f"lines are {HEIGHT} rows high, not {x.shape[2]}")
        columns = F.dropout(self.features(x), self.dropout, self.training).permute(2, 0, 1)
        seen, _ = self.lstm(columns)
        logits: Tensor = self.head(F.dropout(seen, self.dropout, self.training))
        return logits.transpose(0, 1)


def arrays_of(network: Crnn) -> dict[str, Array]:
    """All weights and running statistics by name, for `crnn_graph.build` and safetensors."""
    kept = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
    return {name: np.ascontiguousarray(value.detach().float().cpu().numpy()) for name, value in kept.items()}


def network_of(arrays: Mapping[str, Array]) -> Crnn:
    """The network with these weights. Raises BundleError when they are of another network."""
    if "head.bias" not in arrays:
        raise BundleError("the weights are of no CRNN", remedy="use a bundle that this version wrote")
    network = Crnn(len(arrays["head.bias"]))
    wanted = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
    for name, value in wanted.items():
        if name not in arrays or arrays[name].shape != tuple(value.shape):
            what = f"tensor {name!r} is missing or has not the shape {tuple(value.shape)}"
            raise BundleError(what, remedy="use a bundle that this version wrote")
        value.copy_(torch.from_numpy(np.asarray(arrays[name])))
    return network
