"""Export of models that write tokens: ONNX graphs of a TrOCR, merged safetensors of either family.

Where the trained model has an adapter and its base can be found, the base with the adapter on it is the reference, and
the merged weights must write the same: a merge that left the adapter out would otherwise be faithful to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emendo.errors import EmendoError, EngineError
from emendo.image.load import sample_image
from emendo.models.bundle import Bundle, BundleInfo, write_bundle
from emendo.models.generative.graphs import (
    DECODER_FILE,
    ENCODER_FILE,
    FORMS,
    TOKENIZER_FILE,
    GraphRecognizer,
    Writing,
    Written,
)
from emendo.models.generative.recognizer import MOST_TOKENS, load_network, needs
from emendo.models.generative.source import CONFIG_FILE, Source, from_bundle
from emendo.types import Image

from .lines import megabytes
from .measure import Form, Seen
from .order import Draft, Order

if TYPE_CHECKING:
    from emendo.models.generative.network import Loading, Network

ADAPTER: Final = "adapter/"
SHOWN: Final = 24
"""Characters of a text whose logits are compared: what a network wrote may take more tokens than it has places for."""
TOGETHER: Final = 3
"""Lines that are written twice over in one batch, to see that none disturbs another."""
LOGITS: Final = 1e-3
"""Greatest difference of a logit between two torch forms of one model in float32."""


def write_safetensors(order: Order) -> Draft:
    """The merged weights with tokenizer and processor, as `from_pretrained` loads them; no adapter, no peft."""
    network, source = _loaded(order)
    info = _told(source).model_copy(update={"preprocessing": network.preprocessing, "parity": {}})
    if source.bundle is not None:
        names = [name for name in source.bundle.info.files if not name.startswith(ADAPTER)]
        files = {name: source.bundle.path(name) for name in names}
    else:
        network.save(order.work / "model")
        files = {path.name: path for path in sorted((order.work / "model").iterdir())}
        info = info.model_copy(update={"decoding": {"most_tokens": _most(source, network)}})
    bundle = write_bundle(order.work / "bundle", info, files)
    most = _most(source, network)
    again = load_network(from_bundle(bundle), _plain())
    forms, notes = _references(order, source, network, most)
    return Draft(bundle, (*forms, network_form("safetensors", again, most, megabytes(bundle))), notes=notes)


def write_onnx(order: Order) -> Draft:
    """Encoder and decoder with cache as ONNX graphs, each in the numbers that the form names."""
    network, source = _loaded(order)
    writing = _writing(order, network, source)
    order.progress(0, 0, "writing the graphs")
    plain = _graphs(order, network, writing.model_copy(update={"encoder": "float32", "decoder": "float32"}))
    forms, notes = _references(order, source, network, writing.most_tokens)
    reader = GraphRecognizer(plain, threads=order.threads)
    forms = (*forms, _graph_form("onnx", reader))

    def check() -> None:
        require_together("onnx", reader.write, [sample_image(sample) for sample in order.samples[:TOGETHER]])

    if "int8" not in order.form:
        return Draft(plain, forms, check, notes=notes)
    bundle = _in_int8(order, plain, writing)
    small = _graph_form(order.form, GraphRecognizer(bundle, threads=order.threads))
    return Draft(bundle, (*forms, small), check, notes=notes, plain=plain)


def require_together(name: str, write: Callable[[Sequence[Image]], list[Written]], images: Sequence[Image]) -> None:
    """Raise EngineError unless lines that take their steps together are written as each is alone."""
    alone = [write([image])[0].tokens for image in images]
    try:
        together = [one.tokens for one in write([*images, *images])]
    except Exception as error:  # ONNX Runtime's own errors share no base class but this one
        reason = " ".join(str(error).split())[:160]
        what = f"{name} does not take {2 * len(images)} lines together ({reason})"
        raise EngineError(what, remedy="nothing was written; export it with a dynamic batch") from error
    if together != [*alone, *alone]:
        what = f"{name} writes a line otherwise when {2 * len(images)} lines are written together"
        raise EngineError(what, remedy="nothing was written; report it")


def network_form(name: str, network: Network, most: int, size: float) -> Form:
    """A network on torch as a form to be measured."""

    def see(image: Image) -> Seen:
        return _seen(network.write([image], most=most)[0])

    def logits(image: Image, text: str) -> Any:
        return network.logits([network.example(image, text[:SHOWN])]).cpu().numpy()

    return Form(name, see, size, logits, LOGITS)


def _graph_form(name: str, reader: GraphRecognizer) -> Form:
    return Form(name, lambda image: _seen(reader.write([image])[0]), megabytes(reader.bundle))


def _seen(written: Written) -> Seen:
    chance = log(max(written.confidence, 1e-300)) / max(1, len(written.tokens))
    return Seen(written.text, np.array([chance]), written.tokens)


def _loaded(order: Order) -> tuple[Network, Source]:
    needs(f"exporting a model of the family {order.source.family!r}")
    order.progress(0, 0, "loading the model")
    return load_network(order.source, _plain()), order.source


def _plain() -> Loading:
    from emendo.models.generative.network import Loading

    return Loading()


def _told(source: Source) -> BundleInfo:
    return source.bundle.info if source.bundle else BundleInfo(family=source.family, base=source.ref[:200])


def _most(source: Source, network: Network) -> int:
    return min(int(_told(source).decoding.get("most_tokens", MOST_TOKENS)), network.longest)


def _references(order: Order, source: Source, network: Network, most: int) -> tuple[tuple[Form, ...], tuple[str, ...]]:
    """The trained model as torch reads it: with its adapter on the base where both are there, and merged."""
    size = source.weight_bytes / 1e6
    bundle = source.bundle
    if bundle is None or not any(name.startswith(ADAPTER) for name in bundle.info.files):
        return (network_form("torch", network, most, size),), ()
    merged = network_form("merged", network, most, size)
    try:
        base = _base_of(order, bundle)
    except EmendoError as error:
        compared = bundle.info.parity.get("logit_difference", {})
        if "merged" not in compared:
            what = f"the adapter cannot be compared with the merged weights, for its base is not here ({error.what})"
            raise EngineError(what, remedy="bring back the base that it was trained on") from error
        note = f"the base is not here ({error.what}), so adapter and merged weights were compared at training only"
        return (merged,), (note,)
    from emendo.train.tuning.family import loading_of
    from emendo.train.tuning.finish import with_adapter
    from emendo.train.tuning.recipe import TuneRecipe

    trained_as = loading_of(TuneRecipe.model_validate(bundle.info.run["recipe"]))
    adapted = with_adapter(base, trained_as, bundle.folder / ADAPTER.rstrip("/"))
    return (network_form("adapter", adapted, most, base.weight_bytes / 1e6), merged), ()


def _base_of(order: Order, bundle: Bundle) -> Source:
    """The base that an adapter was trained on, as it was then."""
    trained_on = bundle.info.run.get("base") or {}
    name, known = str(trained_on.get("name", bundle.info.base)), str(trained_on.get("id", ""))
    if order.find is None:
        raise EngineError(f"nobody was asked for {name!r}")
    found = order.find(name)
    base = found if isinstance(found, Source) else from_bundle(found, name)
    if known and base.id != known:
        raise EngineError(f"{name!r} is another model now")
    return base


def _writing(order: Order, network: Network, source: Source) -> Writing:
    encoder, decoder = FORMS[order.form]
    assert network.start is not None
    return Writing(
        most_tokens=_most(source, network),
        start=network.start,
        end=network.end,
        pad=network.pad,
        first=network.model.generation_config.forced_bos_token_id,
        encoder=encoder,
        decoder=decoder,
    )


def _graphs(order: Order, network: Any, writing: Writing) -> Bundle:
    from emendo.models.generative.write_graphs import write_graphs

    folder = order.work / "graphs"
    folder.mkdir()
    files = write_graphs(network, folder)
    network.tokenizer.save_pretrained(folder / "words")
    network.model.config.save_pretrained(folder / "words")
    if not (folder / "words" / TOKENIZER_FILE).is_file():
        raise EngineError(f"the tokenizer of {order.source.ref!r} has no {TOKENIZER_FILE}", remedy="read it with torch")
    files |= {name: folder / "words" / name for name in (TOKENIZER_FILE, CONFIG_FILE)}
    info = _told(order.source).model_copy(
        update={"preprocessing": network.preprocessing, "decoding": writing.model_dump(mode="json"), "parity": {}}
    )
    return write_bundle(order.work / "onnx", info, files)


def _in_int8(order: Order, plain: Bundle, writing: Writing) -> Bundle:
    from emendo.models.generative.write_graphs import quantise

    files: dict[str, bytes | Path] = {name: plain.path(name) for name in plain.info.files}
    for name, number in ((ENCODER_FILE, writing.encoder), (DECODER_FILE, writing.decoder)):
        if number == "int8":
            quantise(plain.path(name), order.work / name)
            files[name] = order.work / name
    info = plain.info.model_copy(update={"decoding": writing.model_dump(mode="json")})
    return write_bundle(order.work / "int8", info, files)
