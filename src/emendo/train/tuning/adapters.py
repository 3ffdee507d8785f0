"""Low-rank adapters (Hu et al., "LoRA", 2022) by peft: where they attach, and that they do.

Names of modules change between versions of transformers, and peft skips silently what a pattern does not match. So the
modules are looked up here, each side of the model is counted, and what is attached is compared with what was asked.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from emendo.errors import EngineError, UsageError
from emendo.models.generative.network import Network

from .recipe import TuneRecipe

FOLDER = "adapter"


def targets_of(network: Network, recipe: TuneRecipe) -> Mapping[str, list[str]]:
    """Full names of the linear modules that the recipe's pattern matches, by side of the model.

    Raises UsageError when the pattern is none, or matches nothing on a side that is to be trained.
    """
    pattern = recipe.lora_targets or network.targets
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"lora_targets {pattern!r} is no regular expression ({error})") from error
    linear = [name for name, module in network.model.named_modules() if isinstance(module, nn.Linear)]
    found: dict[str, list[str]] = {}
    for at, (side, prefixes) in enumerate(network.sides.items()):
        if at == 0 and recipe.freeze_encoder:
            continue
        here = [name for name in linear if name.startswith(prefixes)]
        found[side] = [name for name in here if wanted.fullmatch(name)]
        if not found[side]:
            known = sorted({name.rpartition(".")[2] for name in here})
            close = difflib.get_close_matches(pattern.strip(".*\\$^"), known, n=1)
            hint = f"did you mean .*{close[0]}" if close else f"its linear modules are {', '.join(known[:12])}"
            raise UsageError(f"lora_targets {pattern!r} matches nothing in the {side}", remedy=hint)
    _require_own_weights(network.model, {name for names in found.values() for name in names})
    return found


def _require_own_weights(model: Any, names: Collection[str]) -> None:
    """Raise UsageError for a module that shares its weights: merged into one, an adapter would change the other too."""
    holders: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        holders.setdefault(id(parameter), []).append(name.rpartition(".")[0])
    for held in holders.values():
        asked = [name for name in held if name in names]
        if asked and len(held) > 1:
            other = next(name for name in held if name != asked[0])
            what = f"lora_targets matches {asked[0]}, whose weights are those of {other} as well"
            raise UsageError(what, remedy="leave it out, or train all weights with --set lora_rank=0")


def attach(network: Network, recipe: TuneRecipe) -> tuple[Any, Mapping[str, list[str]]]:
    """The model with an adapter on it, and the modules it sits on. Raises EngineError when peft is missing."""
    require_peft()
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    targets = targets_of(network, recipe)
    names = [name for held in targets.values() for name in held]
    model = network.model
    if recipe.load_bits:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    torch.manual_seed(recipe.seed)
    adapted = get_peft_model(
        model,
        LoraConfig(
            r=recipe.lora_rank,
            lora_alpha=recipe.lora_alpha,
            lora_dropout=recipe.lora_dropout,
            target_modules=names,
            use_dora=recipe.dora,
            bias="none",
        ),
    )
    sits = {name.removeprefix("base_model.model.") for name, held in adapted.named_modules() if hasattr(held, "lora_A")}
    if sits != set(names):
        raise EngineError(f"peft attached to {len(sits)} of {len(names)} modules", remedy="install peft 0.21")
    return adapted, targets


def freeze(network: Network, recipe: TuneRecipe) -> None:
    """Full fine-tuning: everything trains, but for the image side where the recipe leaves it as it is."""
    first = next(iter(network.sides.values()))
    for name, parameter in network.model.named_parameters():
        parameter.requires_grad_(not (recipe.freeze_encoder and name.startswith(first)))


def trained_state(model: Any) -> dict[str, torch.Tensor]:
    """The weights that train, by name, on the CPU: with the base they are the whole model."""
    return {name: p.detach().cpu().contiguous().clone() for name, p in model.named_parameters() if p.requires_grad}


@torch.no_grad()
def load_state(model: Any, state: Mapping[str, torch.Tensor], where: Path) -> None:
    """Put back what `trained_state` took. Raises EngineError when it is of another model."""
    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if set(own) != set(state) or any(own[name].shape != held.shape for name, held in state.items()):
        raise EngineError(f"{where} holds other weights than this run trains", remedy="start again in another --out")
    for name, held in state.items():
        own[name].copy_(held)


def require_peft() -> None:
    """Raise EngineError when peft is not installed."""
    if find_spec("peft") is None:
        raise EngineError("adapters need peft", remedy="pip install 'emendo[train]', or use --set lora_rank=0")
