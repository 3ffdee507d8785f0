"""The forms that a report compares, by family: those that export writes, and those that are quantised as they load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ...errors import UsageError
from ...models.bundle import FIELDS_FAMILY, Bundle
from ..export import Order, writer_of
from ..export.generative import network_form
from ..export.measure import Form

FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "ctc": ("onnx", "onnx-int8"),
    "crnn": ("onnx", "onnx-int8"),
    FIELDS_FAMILY: ("onnx", "onnx-int8"),
    "trocr": ("onnx", "onnx-int8", "onnx-int8-decoder"),
    "vlm": ("safetensors", "bits-8", "bits-4"),
}
"""By family, the float form first."""
BITS: Final[Mapping[str, int]] = {"bits-8": 8, "bits-4": 4}
"""Forms that bitsandbytes makes of the weights while they are loaded (Dettmers et al., 2022 and 2023)."""


@dataclass(frozen=True, slots=True)
class Made:
    """A form that was made: what is measured of it (the reference first, it last), and the bundle that reads.

    `bits` are those in which the weights of the bundle are loaded, 0 for as they are.
    """

    forms: tuple[Form, ...]
    bundle: Bundle
    bits: int = 0


def made(order: Order) -> Made:
    """The model of an order in its form, written to its `work` folder.

    Raises what `emendo export` raises, UsageError for an unknown form, EngineError where bitsandbytes is missing or
    this machine does not load so few bits.
    """
    known = FORMS.get(order.family, ())
    if order.form not in known:
        what = f"a model of the family {order.family!r} has no form {order.form!r}"
        raise UsageError(what, remedy=f"use {', '.join(known)}")
    if order.form not in BITS:
        draft = writer_of(order)(replace(order, insist=True))
        return Made(draft.forms, draft.bundle)
    return _loaded(order, BITS[order.form])


def _loaded(order: Order, bits: int) -> Made:
    from ...models.generative.network import Loading, quantisation
    from ...models.generative.recognizer import MOST_TOKENS, load_network
    from ...models.generative.source import from_bundle

    quantisation(bits)  # whether it can be, before anything is written
    plain = replace(order, form="safetensors")
    draft = writer_of(plain)(plain)
    network = load_network(from_bundle(draft.bundle), Loading(bits=bits))
    most = min(int(draft.bundle.info.decoding.get("most_tokens", MOST_TOKENS)), network.longest)
    size = float(network.model.get_memory_footprint()) / 1e6
    return Made((*draft.forms, network_form(order.form, network, most, size)), draft.bundle, bits)
