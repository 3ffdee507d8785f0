"""Where a generative model lies and of which family it is: the one road for a local folder, a bundle and a hub id.

A hub id is fetched into the cache of `huggingface_hub` (`HF_HOME`, `HF_TOKEN`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` hold)
and is a local folder from then on. Only JSON, text, templates and safetensors are ever fetched or opened: no pickle, no
code.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emendo.errors import BundleError, EngineError, UsageError
from emendo.models.bundle import Bundle

CONFIG_FILE: Final = "config.json"
TROCR: Final = "vision-encoder-decoder"
FETCHED: Final = ("*.json", "*.safetensors", "*.txt", "*.jinja", "*.model")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
MOST_JSON: Final = 64_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A model that transformers can load: `ref` as it was given, its folder, family and `model_type`.

    `bundle` is the verified bundle when the folder is one.
    """

    ref: str
    folder: Path
    family: str
    model_type: str
    bundle: Bundle | None = None

    @property
    def id(self) -> str:
        """What names the content: the bundle's id, else the sizes of the weights by file name."""
        if self.bundle is not None:
            return self.bundle.id
        sizes = {path.name: path.stat().st_size for path in sorted(self.folder.glob("*.safetensors"))}
        return ",".join(f"{name}:{size}" for name, size in sizes.items())

    @property
    def weight_bytes(self) -> int:
        """Size of the weights on disk."""
        return sum(path.stat().st_size for path in self.folder.glob("*.safetensors"))


def from_bundle(bundle: Bundle, ref: str = "") -> Source:
    """The source of a bundle of the families `trocr` and `vlm`."""
    model_type = str(read_json(bundle.path(CONFIG_FILE)).get("model_type", ""))
    return Source(ref or str(bundle.folder), bundle.folder, bundle.info.family, model_type, bundle)


def from_folder(folder: Path, ref: str = "") -> Source:
    """The source of a folder that `save_pretrained` wrote.

    Raises BundleError when it holds no model type or no safetensors weights.
    """
    config = read_json(folder / CONFIG_FILE)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise BundleError("names no model_type", where=folder / CONFIG_FILE, remedy="save the model again")
    if not any(folder.glob("*.safetensors")):
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        what = "holds weights as a pickle only, which emendo never loads" if pickled else "holds no safetensors weights"
        raise BundleError(what, where=folder, remedy="save the model again with save_pretrained")
    return Source(ref or str(folder), folder, "trocr" if model_type == TROCR else "vlm", model_type)


def from_hub(ref: str) -> Source:
    """The source of a hub id, fetched at the first call.

    Raises EngineError when `huggingface_hub` is not installed, UsageError when the hub does not give the model.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise EngineError(f"{ref!r} needs huggingface_hub", remedy="pip install 'emendo[train]'") from error
    try:
        folder = Path(snapshot_download(ref, allow_patterns=list(FETCHED)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        remedy = "check the name and HF_TOKEN, or give the folder of a copy"
        raise UsageError(f"the hub does not give the model {ref!r} ({reason})", remedy=remedy) from error
    return from_folder(folder, ref)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; raises BundleError when it is none."""
    try:
        if path.stat().st_size > MOST_JSON:
            raise BundleError(f"is larger than {MOST_JSON} bytes", where=path)
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"is not there, so {path.parent} is no model", where=path) from error
    except (ValueError, RecursionError) as error:
        raise BundleError("is no JSON file", where=path, remedy="save the model again") from error
    if not isinstance(content, dict):
        raise BundleError("holds no JSON object", where=path, remedy="save the model again")
    return content
