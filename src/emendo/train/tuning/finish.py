"""From the trained weights to a bundle that loads like the base: merged, saved, loaded back, and compared.

The chain adapter -> adapter from disk -> merged -> loaded from the bundle must give the same logits, or the run fails:
a bundle that reads otherwise than what was measured is worth nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from emendo.errors import EngineError
from emendo.models.bundle import Bundle, BundleInfo, update_info, write_bundle
from emendo.models.generative.network import Loading, Network
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.source import Source, from_bundle
from emendo.tools.files import remove_folder

from .adapters import FOLDER
from .data import TargetLine
from .fit import Task

TOLERANCE = 1e-4
"""Greatest difference of a logit between two forms of one model."""
PARITY_LINES = 2
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


def finish(task: Task, loading: Loading, info: Mapping[str, Any], target: Path) -> tuple[Bundle, dict[str, Any]]:
    """Write the bundle and say how its forms agree.

    Raises EngineError when two forms of the model differ by more than `TOLERANCE`.
    """
    work = task.out / "saved"
    remove_folder(work)
    adapted = bool(task.recipe.lora_rank)
    seen: dict[str, torch.Tensor] = {}
    network = task.network
    if adapted:
        network.model.save_pretrained(work / FOLDER)
        if not task.recipe.load_bits:
            seen["adapter"] = _logits(network, task.judged)
        network.model = None
        gc.collect()
        network = with_adapter(task.network.source, loading, work / FOLDER)
        seen["adapter loaded"] = _logits(network, task.judged)
        network.model = network.model.merge_and_unload(safe_merge=True)
        seen["merged"] = _logits(network, task.judged)
    else:
        seen["trained"] = _logits(network, task.judged)
    network.save(work / "model")
    network.model = None
    gc.collect()
    files = {path.relative_to(work / "model").as_posix(): path for path in sorted((work / "model").iterdir())}
    if adapted:
        files |= {f"{FOLDER}/{name}": work / FOLDER / name for name in ADAPTER_FILES}
    parity: dict[str, Any] = {"lines": min(len(task.judged), PARITY_LINES), "tolerance": TOLERANCE}
    bundle = write_bundle(target, BundleInfo(**info), files, replace=True)
    task.network.model = network.model = None
    loaded = load_network(from_bundle(bundle), Loading(device=loading.device))
    seen["bundle"] = _logits(loaded, task.judged)
    task.network.model = loaded.model
    remove_folder(work)
    parity["logit_difference"] = _differences(seen, target)
    return update_info(bundle, parity={**parity, "bundle": bundle.id}), parity


def _logits(network: Network, lines: Sequence[TargetLine]) -> torch.Tensor:
    examples = [line.example(network) for line in lines[:PARITY_LINES]]
    return network.logits(examples).cpu()


def with_adapter(source: Source, loading: Loading, folder: Path) -> Network:
    """A base in full precision with the adapter as it lies on disk, not merged."""
    from peft import PeftConfig, get_peft_model

    base = load_network(source, replace(loading, bits=0))
    model = get_peft_model(base.model, PeftConfig.from_pretrained(str(folder)))
    place_adapter(model, folder)
    return base.with_model(model)


@torch.no_grad()
def place_adapter(model: Any, folder: Path) -> None:
    """Put the saved weights of an adapter into a model that has it already, name by name.

    peft renames what it loads for some types of models and only warns of weights that it then cannot place. Raises
    EngineError when names or shapes are not exactly those of the model.
    """
    path = folder / ADAPTER_FILES[1]
    saved = load_file(path)
    own = {_saved_name(name): held for name, held in model.named_parameters() if ".lora_" in name}
    odd = sorted(set(saved) ^ set(own)) or sorted(name for name in own if own[name].shape != saved[name].shape)
    if odd:
        what = f"the adapter does not fit its base (the first of {len(odd)} weights that differ: {odd[0]})"
        raise EngineError(what, where=path, remedy="train the adapter again on this base")
    for name, held in own.items():
        held.copy_(saved[name])


def _saved_name(name: str) -> str:
    """The name that peft gives a weight of its adapter `default` in a file."""
    bare = name.replace(".default", "")
    return bare.removesuffix(".weight") if "lora_magnitude_vector" in bare else bare


def _differences(seen: Mapping[str, torch.Tensor], where: Path) -> dict[str, float]:
    first, *others = seen
    found = {name: float((seen[first] - seen[name]).abs().max()) for name in others}
    for name, difference in found.items():
        if not difference <= TOLERANCE:
            what = f"the model as {name!r} differs from it as {first!r} by {difference:.2g} (at most {TOLERANCE:.0e})"
            raise EngineError(what, where=where, remedy="train again in float32")
    return found
