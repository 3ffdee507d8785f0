"""A model as it is carried to where it reads: ONNX graphs alone, proven to read what the model reads.

The line network's bundle holds its graph already and only sheds the weights that training needs. A TrOCR is written as
two graphs (`models/generative/graphs.py`), which read without torch. They are shown lines beside the model itself, and
a form that reads one of them otherwise, token for token, is refused and leaves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from ..errors import EngineError, Refused, UsageError
from ..image.load import sample_image
from ..models.bundle import CTC_FAMILIES, WEIGHTS_FILE, Bundle, BundleInfo, update_info, write_bundle
from ..models.generative.graphs import (
    DECODER_FILE,
    ENCODER_FILE,
    FORMS,
    TOKENIZER_FILE,
    GraphRecognizer,
    Writing,
    Written,
)
from ..models.generative.recognizer import MOST_TOKENS, load_network, needs
from ..models.generative.source import CONFIG_FILE, Source, from_bundle
from ..train.families import family
from ..types import Image, Sample

LINES: Final = 100
"""Lines that are read by both, at most."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how it was seen to agree: counts, and processor seconds a line of both."""

    bundle: Bundle
    form: str
    parity: Mapping[str, Any]

    def figures(self) -> dict[str, Any]:
        """For `--json`."""
        size = sum(entry.size for entry in self.bundle.info.files.values())
        return {
            "bundle": str(self.bundle.folder),
            "model": self.bundle.id,
            "form": self.form,
            "megabytes": round(size / 1e6, 1),
            "parity": dict(self.parity),
        }


def export(
    model: Bundle | Source,
    form: str,
    out: Path,
    samples: Sequence[Sample],
    *,
    threads: int = 1,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> Exported:
    """Write a model as graphs into the bundle `out`.

    `samples` are the lines on which they must agree with the model. Raises UsageError for a form that the family has
    not or a folder that is there, EngineError when the graphs do not read what the model reads, Refused when they do
    not because of int8.
    """
    name = model.family if isinstance(model, Source) else model.info.family
    if name not in CTC_FAMILIES:
        needs(f"exporting a model of the family {name!r}")
    forms = family(name).exports
    if form not in forms:
        known = f"it can be written as {', '.join(forms)}" if forms else "it reads with torch alone"
        raise UsageError(f"a model of the family {name!r} is not written as {form!r}", remedy=known)
    if out.exists():
        raise UsageError(f"{out} is there already", remedy="choose another --out")
    if name in CTC_FAMILIES:
        assert isinstance(model, Bundle)
        files = {name: model.path(name) for name in model.info.files if name != WEIGHTS_FILE}
        bundle = write_bundle(out, model.info, files)
        parity = {"exported_from": model.id, "same_files": len(files)}
    else:
        source = model if isinstance(model, Source) else from_bundle(model)
        with TemporaryDirectory() as work:
            bundle, parity = _trocr(source, form, out, samples, Path(work), threads, progress)
    return Exported(update_info(bundle, parity={**parity, "bundle": bundle.id}), form, parity)


def _trocr(
    source: Source,
    form: str,
    out: Path,
    samples: Sequence[Sample],
    work: Path,
    threads: int,
    progress: Callable[[int, int, str], None],
) -> tuple[Bundle, dict[str, Any]]:
    from ..models.generative.network import Loading
    from ..models.generative.trocr import Trocr
    from ..models.generative.write_graphs import quantise, write_graphs

    progress(0, 0, "loading the model")
    network = load_network(source, Loading())
    assert isinstance(network, Trocr) and network.start is not None
    told = source.bundle.info if source.bundle else BundleInfo(family=source.family, base=source.ref[:200])
    writing = Writing(
        most_tokens=min(int(told.decoding.get("most_tokens", MOST_TOKENS)), network.longest),
        start=network.start,
        end=network.end,
        pad=network.pad,
        first=network.model.generation_config.forced_bos_token_id,
        encoder=FORMS[form][0],
        decoder=FORMS[form][1],
    )
    images = [sample_image(sample) for sample in samples[:: max(1, len(samples) // LINES)][:LINES]]
    progress(0, 0, f"reading {len(images)} lines")
    expected, before = _timed(lambda part: network.write(part, most=writing.most_tokens), images)
    progress(0, 0, "writing the graphs")
    files = write_graphs(network, work)
    for name, number in ((ENCODER_FILE, writing.encoder), (DECODER_FILE, writing.decoder)):
        if number == "int8":
            quantise(files[name], work / f"int8-{name}")
            files[name] = work / f"int8-{name}"
    network.tokenizer.save_pretrained(work / "words")
    network.model.config.save_pretrained(work / "words")
    if not (work / "words" / TOKENIZER_FILE).is_file():
        raise EngineError(f"the tokenizer of {source.ref!r} has no {TOKENIZER_FILE}", remedy="read it with torch")
    files |= {name: work / "words" / name for name in (TOKENIZER_FILE, CONFIG_FILE)}
    info = told.model_copy(
        update={"preprocessing": network.preprocessing, "decoding": writing.model_dump(mode="json"), "parity": {}}
    )
    tried = write_bundle(work / "bundle", info, files)
    progress(0, 0, f"reading {len(images)} lines with the graphs")
    found, after = _timed(GraphRecognizer(tried, threads=threads).write, images)
    parity = {
        "exported_from": source.id[:200],
        "seconds_a_line": {"model": before, form: after},
        **_agreement(expected, found, form),
    }
    return write_bundle(out, info, files), parity


def _timed(read: Callable[[Sequence[Image]], list[Written]], images: Sequence[Image]) -> tuple[list[Written], float]:
    """Readings, and the processor seconds of one, in the mean."""
    began = time.process_time()
    found = read(images)
    return found, (time.process_time() - began) / max(1, len(images))


def _agreement(expected: Sequence[Written], found: Sequence[Written], form: str) -> dict[str, Any]:
    """Counts of lines, of those read with the same tokens, and the greatest difference of a confidence."""
    other = [(a, b) for a, b in zip(expected, found, strict=True) if (a.tokens, a.text) != (b.tokens, b.text)]
    if other:
        first, instead = (one.text[:40] for one in other[0])
        what = f"{form} reads {len(other)} of {len(found)} lines otherwise (the first {instead!r}, not {first!r})"
        if "int8" in form:
            raise Refused(what, remedy="export it as onnx")
        raise EngineError(what, remedy="read it with torch")
    apart = max((abs(a.confidence - b.confidence) for a, b in zip(expected, found, strict=True)), default=0.0)
    tokens = float(np.mean([len(one.tokens) for one in found])) if found else 0.0
    return {"lines": len(found), "same": len(found), "confidence_difference": apart, "tokens_a_line": tokens}
