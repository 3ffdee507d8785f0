"""The YAML head of a model card, as model hubs read it (Hugging Face: model cards, `model-index` of Papers with Code).

Only what the material says stands there: no language, data set or figure is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from ...evaluate.boards.results import Results, Told
from ...models.generative.source import HUB_ID
from ...types import UNKNOWN_LANGUAGE
from .material import Material
from .use import KINDS

METRICS: Final[Mapping[str, str]] = {"cer": "cer", "wer": "wer", "exact": "exact_match", "f1": "f1"}
"""Names of metrics as the hub has them; others keep their own."""
_ON_HUBS: Final = frozenset({"trocr", "vlm"})
"""Families whose base may be a model of a hub."""
_SPDX: Final = re.compile(r"MIT|[A-Za-z]+(?:-[A-Za-z]+)*-\d[\w.]*")
"""What begins like an SPDX identifier."""


def head(material: Material, name: str) -> str:
    """The head with its two lines of dashes."""
    info = material.bundle.info
    kind = KINDS[info.family]
    results = [one.results for one in material.measured]
    content: dict[str, Any] = {
        "language": languages(material),
        **_licence(info.licences),
        "library_name": "emendo",
        "base_model": info.base if info.family in _ON_HUBS and HUB_ID.fullmatch(info.base) else "",
        "pipeline_tag": kind.task,
        "tags": ["emendo", info.family, *(tag for tag in kind.tags if tag != info.family)],
        "datasets": sorted({one.dataset for one in results}),
        "metrics": list(dict.fromkeys(METRICS.get(key, key) for one in results for key in one.whole.figures)),
        "model-index": [{"name": name, "results": [_result(one, kind.task) for one in results]}] if results else [],
    }
    kept = {key: value for key, value in content.items() if value}
    return f"---\n{yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=120)}---\n"


def languages(material: Material) -> list[str]:
    """Languages in which the model was measured, as its evaluations slice them."""
    found = {value for one in material.measured for value in one.results.parts.get("language", {})}
    return sorted(found - {"", UNKNOWN_LANGUAGE})


def _licence(licences: tuple[str, ...]) -> dict[str, str]:
    """One licence by its identifier; several, or one in words, as `other` with all of them."""
    if not licences:
        return {}
    first = licences[0].partition(" ")[0]
    if len(licences) == 1 and _SPDX.fullmatch(first):
        return {"license": first.lower()}
    return {"license": "other", "license_name": "several", "license_details": "; ".join(licences)}


def _result(results: Results, task: str) -> dict[str, Any]:
    dataset = {"name": results.dataset, "type": results.dataset, "revision": results.dataset_hash}
    return {
        "task": {"type": task},
        "dataset": {**dataset, **({"split": results.split} if results.split else {})},
        "metrics": list(_metrics(results.whole.figures)),
    }


def _metrics(figures: Mapping[str, Told]) -> Iterator[dict[str, Any]]:
    for key, told in figures.items():
        yield {"type": METRICS.get(key, key), "name": key, "value": told.figure.value}
