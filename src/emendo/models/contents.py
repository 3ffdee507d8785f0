"""What a file of a bundle holds, looked at before a run time opens it: nothing is loaded, expanded or allocated."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any, Final

from emendo.errors import BundleError

from .onnx_wire import Facts, Unsafe, inspect

GRAPH_BYTES: Final = 2_000_000_000
"""A protocol-buffer message cannot be larger."""
HEADER_BYTES: Final = 100_000_000
"""Greatest header of a safetensors file; that is the limit of its own library."""
_PICKLE_HEADS: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
_WIDTHS: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4,
    "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
_AGAIN: Final = "fetch or write the bundle again"


def check_file(path: Path, *, links: bool) -> Facts | None:
    """Refuse a file that no bundle may hold; the facts of a graph.

    `links` allows it to be shared with another place, as pip and uv share what they install with their caches. Raises
    BundleError for a hard link, a pickle under another name, a graph with data outside, functions of its own, foreign
    operators or impossible sizes, and weights whose header claims what the file does not hold.
    """
    if not links and path.stat().st_nlink > 1:
        what = f"{path.name} is a hard link, so it can be changed from another place"
        raise BundleError(what, where=path.parent, remedy="copy the folder with `cp -r`")
    if path.suffix not in {".onnx", ".safetensors"}:
        return None
    if _looks_like_pickle(path):
        raise BundleError(f"{path.name} holds a pickle, which emendo never loads", where=path.parent, remedy=_AGAIN)
    if path.suffix == ".safetensors":
        _check_weights(path)
        return None
    return _graph(path)


def check_classes(facts: Facts, characters: int, height: Any, where: Path) -> None:
    """Refuse a line network whose classes are not the blank and its alphabet, or that takes lines of another height.

    A dimension that the graph leaves open is for the run time to find out.
    """
    classes = [shape[-1] for shape in facts.outputs.values() if len(shape) == 3]
    if len(classes) == 1 and classes[0] is not None and classes[0] != characters + 1:
        what = f"the graph has {classes[0]} classes but the alphabet {characters} characters and a blank"
        raise BundleError(what, where=where, remedy="export the model again")
    rows = [shape[2] for shape in facts.inputs.values() if len(shape) == 4]
    if len(rows) == 1 and rows[0] is not None and isinstance(height, int) and rows[0] != height:
        what = f"the graph takes lines {rows[0]} high, the preprocessing makes {height}"
        raise BundleError(what, where=where, remedy="export the model again")


def _looks_like_pickle(path: Path) -> bool:
    """Whether a file begins like a pickle and is no safetensors file.

    A safetensors file begins with the length of its JSON header, and 640 bytes of it look like a pickle's first two.
    """
    with path.open("rb") as stream:
        head = stream.read(9)
    header = int.from_bytes(head[:8], "little")
    if path.suffix == ".safetensors" and head[8:] == b"{" and header <= path.stat().st_size - 8:
        return False
    return head.startswith(_PICKLE_HEADS)


def _graph(path: Path) -> Facts:
    if path.stat().st_size > GRAPH_BYTES:
        raise BundleError(f"is larger than {GRAPH_BYTES:,} bytes", where=path, remedy=_AGAIN)
    try:
        facts = inspect(path.read_bytes())
    except Unsafe as error:
        raise BundleError(str(error), where=path, remedy="use a bundle that emendo wrote") from error
    except ValueError as error:
        raise BundleError(f"is no ONNX file ({error})", where=path, remedy="export the model again") from error
    if facts.external:
        what = f"tensor {facts.external[0]!r} points to data outside the file"
        raise BundleError(what, where=path, remedy="export it with its weights inside")
    return facts


def _check_weights(path: Path) -> None:
    """Refuse a safetensors file whose header is none, or claims other data than lie behind it.

    The format: 8 bytes, the length of a JSON header, the header, the data (https://github.com/huggingface/safetensors).
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(HEADER_BYTES, size - 8):
            raise BundleError(f"is no safetensors file (a header of {length:,} bytes)", where=path, remedy=_AGAIN)
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise BundleError("is no safetensors file (its header is no JSON)", where=path, remedy=_AGAIN) from error
    held = header.items() if isinstance(header, dict) else [("", None)]
    for name, tensor in held:
        if name != "__metadata__" and not _sound(tensor, size - 8 - length):
            what = f"claims other data for the tensor {name[:60]!r} than it holds"
            raise BundleError(what, where=path, remedy=_AGAIN)


def _sound(tensor: Any, size: int) -> bool:
    if not isinstance(tensor, dict):
        return False
    shape, ends, width = tensor.get("shape"), tensor.get("data_offsets"), _WIDTHS.get(str(tensor.get("dtype")))
    if not isinstance(shape, list) or not isinstance(ends, list) or len(ends) != 2:
        return False
    if not all(isinstance(one, int) and one >= 0 for one in (*shape, *ends)):
        return False
    return ends[0] <= ends[1] <= size and (width is None or ends[1] - ends[0] == width * prod(shape))
