"""Attention of a TrOCR decoder for one token at a time, as it is written into a graph.

The library's attention serves any number of tokens. One token alone needs neither mask nor transposition, and its
query, key and value come from one matrix: fewer nodes, whose calls are much of what a step of a small decoder costs.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor
from transformers import EncoderDecoderCache
from transformers.models.trocr.modeling_trocr import TrOCRAttention, TrOCRDecoderLayer


class _One(torch.nn.Module):
    """Shared by both kinds; `whole` is the library's module."""

    def __init__(self, whole: TrOCRAttention) -> None:
        super().__init__()
        self.heads, self.layer, self.last = whole.num_heads, whole.layer_idx, whole.out_proj

    def attend(self, query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, None]:
        """(N, 1, heads * width) from a query that is scaled already, and keys and values (N, heads, L, width)."""
        asked = query.view(-1, self.heads, 1, keys.shape[-1])
        seen = torch.softmax(asked @ keys.transpose(2, 3), -1) @ values
        return self.last(seen.view(-1, 1, query.shape[-1])), None


class _OwnTokens(_One):
    """Attention to the tokens so far."""

    def __init__(self, whole: TrOCRAttention) -> None:
        super().__init__(whole)
        parts = (whole.q_proj, whole.k_proj, whole.v_proj)
        scales = (whole.scaling, 1.0, 1.0)
        joined = torch.nn.Linear(whole.embed_dim, 3 * whole.embed_dim, bias=whole.q_proj.bias is not None)
        joined.weight.copy_(torch.cat([part.weight * scale for part, scale in zip(parts, scales, strict=True)]))
        if joined.bias is not None:
            joined.bias.copy_(torch.cat([part.bias * scale for part, scale in zip(parts, scales, strict=True)]))
        self.joined = joined

    def forward(self, hidden_states: Tensor, past_key_values: EncoderDecoderCache, **_: Any) -> tuple[Tensor, None]:
        query, key, value = self.joined(hidden_states).chunk(3, -1)
        new = [one.view(-1, self.heads, 1, one.shape[-1] // self.heads) for one in (key, value)]
        return self.attend(query, *past_key_values.self_attention_cache.update(*new, self.layer))


class _Image(_One):
    """Attention to the image, whose keys and values stand in the cache."""

    def __init__(self, whole: TrOCRAttention) -> None:
        super().__init__(whole)
        self.first = copy.deepcopy(whole.q_proj)
        for held in self.first.parameters():
            held.mul_(whole.scaling)

    def forward(self, hidden_states: Tensor, past_key_values: EncoderDecoderCache, **_: Any) -> tuple[Tensor, None]:
        held = past_key_values.cross_attention_cache.layers[self.layer]
        return self.attend(self.first(hidden_states), held.keys, held.values)


@torch.no_grad()
def for_one_token(decoder: Any) -> Any:
    """A copy of a decoder that takes one token, with all before in the cache; one of another kind is only copied."""
    made = copy.deepcopy(decoder)
    for layer in made.modules():
        if isinstance(layer, TrOCRDecoderLayer):
            layer.self_attn = _OwnTokens(layer.self_attn)
            layer.encoder_attn = _Image(layer.encoder_attn)
    return made
