"""A TrOCR written as two ONNX graphs: what `graphs.py` reads with. Needs torch, `onnxscript` and `onnx`.

The graphs are traced through the library's own modules with its own caches: the encoder graph ends in the keys and
values of the cross-attention, which do not change while a line is written, and the decoder graph takes one token. In
int8 only matrices are quantised, weights by output channel and beforehand, activations at each call: convolutions and
attention lose accuracy that way and gain little.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache

from emendo.errors import EngineError

from .graphs import CROSS, DECODER_FILE, ENCODER_FILE, IDS, PAST, PIXELS
from .one_token import for_one_token
from .trocr import Trocr

OPSET: Final = 20
TRACED_PAST: Final = 3
"""Tokens before the traced one; 0 and 1 would be taken for constants."""


class _Encoder(torch.nn.Module):
    """Pixels (1, 3, H, W) -> keys and values of the cross-attention, each (1, heads, positions, width)."""

    def __init__(self, model: Any, first: int) -> None:
        super().__init__()
        self.model, self.first = model, first

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        encoded = self.model.encoder(pixel_values=pixels).last_hidden_state
        if hasattr(self.model, "enc_to_dec_proj"):
            encoded = self.model.enc_to_dec_proj(encoded)
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        ids = torch.full((1, 1), self.first)
        self.model.decoder(input_ids=ids, encoder_hidden_states=encoded, past_key_values=cache, use_cache=True)
        return _flat(cache.cross_attention_cache)


class _Decoder(torch.nn.Module):
    """One step: ids (N, 1) -> next token (N,), logarithm of its probability (N,), keys and values with it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.decoder = for_one_token(model.decoder)

    def forward(self, ids: Tensor, cross: Sequence[Tensor], past: Sequence[Tensor]) -> tuple[Tensor, ...]:
        cache = EncoderDecoderCache(_cache(past), _cache(cross))
        for layer in range(len(past) // 2):
            cache.is_updated[layer] = True  # so that nothing is computed from the encoder's output again
        unused = cross[0].new_zeros(ids.shape[0], cross[0].shape[2], 1)
        logits = self.decoder(
            input_ids=ids, encoder_hidden_states=unused, past_key_values=cache, use_cache=True
        ).logits[:, -1]
        best = torch.log_softmax(logits, -1).max(-1)
        return best.indices, best.values, *_flat(cache.self_attention_cache)


def _cache(parts: Sequence[Tensor]) -> DynamicCache:
    cache = DynamicCache()
    for layer in range(len(parts) // 2):
        cache.update(parts[2 * layer], parts[2 * layer + 1], layer)
    return cache


def _flat(cache: DynamicCache) -> tuple[Tensor, ...]:
    return tuple(part for layer in cache.layers for part in (layer.keys, layer.values))


def write_graphs(network: Trocr, folder: Path) -> dict[str, Path]:
    """Write the graphs in float32 into a folder; returns them by their names in a bundle.

    Raises EngineError when `onnxscript` is missing or the exporter cannot follow the model.
    """
    if find_spec("onnxscript") is None:
        raise EngineError("ONNX export needs onnxscript", remedy="pip install 'emendo[train]'")
    model = network.model.eval()
    model.set_attn_implementation("eager")  # the fused kind is written with a guard against rows without any key
    pixels = torch.zeros(1, 3, network.form.height, network.form.width)
    encoder, decoder = _Encoder(model, network.pad), _Decoder(model)
    free, length = torch.export.Dim("lines"), torch.export.Dim("length")
    paths = {name: folder / name for name in (ENCODER_FILE, DECODER_FILE)}
    with torch.inference_mode(), _quiet():
        cross = [part.repeat(2, 1, 1, 1) for part in encoder(pixels)]
        past = [part[:, :, :TRACED_PAST].clone() for part in cross]
        crosses, pasts = ([name.format(i) for i in range(len(cross))] for name in (CROSS, PAST))
        try:
            _export(encoder, (pixels,), paths[ENCODER_FILE], inputs=[PIXELS], outputs=crosses)
            _export(
                decoder,
                (torch.full((2, 1), network.pad), cross, past),
                paths[DECODER_FILE],
                inputs=[IDS, *crosses, *pasts],
                outputs=["token", "log", *(f"present.{i}" for i in range(len(past)))],
                shapes=({0: free}, [{0: free} for _ in cross], [{0: free, 2: length} for _ in past]),
            )
        except torch.onnx.OnnxExporterError as error:
            reason = " ".join(str(error).split())[:160]
            what = f"{network.source.ref!r} cannot be written as a graph ({reason})"
            raise EngineError(what, remedy="read it with torch") from error
    return paths


def _export(
    module: torch.nn.Module,
    example: tuple[Any, ...],
    path: Path,
    *,
    inputs: list[str],
    outputs: list[str],
    shapes: Any = None,
) -> None:
    torch.onnx.export(
        module.eval(),
        example,
        path,
        dynamo=True,
        opset_version=OPSET,
        input_names=inputs,
        output_names=outputs,
        dynamic_shapes=shapes,
        external_data=False,
        verbose=False,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells every step of its own on standard output, and warns of what it does itself."""
    teller = logging.getLogger("torch.onnx")
    level = teller.level
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        teller.setLevel(logging.ERROR)
        try:
            yield
        finally:
            teller.setLevel(level)


def quantise(graph: Path, target: Path) -> None:
    """Write a graph with its matrices in int8. What can be computed beforehand is, so that shared weights count too."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as held:
        plain = Path(held) / graph.name
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(plain)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        model = onnx.load(plain)
        onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})  # else it asks for it
        onnx.save(model, plain)
        quantize_dynamic(
            plain, target, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8
        )
