"""What must be known of an ONNX file before a run time opens it, read from the bytes alone.

ONNX is a protocol-buffer message (https://onnx.ai/onnx/repo-docs/IR.html). Only the nesting that can hold tensors is
walked; all else is skipped by its length, so that a file of 20 MB is checked in about a millisecond, without
importing `onnx` and without touching a weight.
"""

from __future__ import annotations

from collections.abc import Iterator

_NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_TENSOR_NAME, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 8, 13, 14
_DEPTH = 32


def external_tensors(data: bytes) -> Iterator[str]:
    """Names of the tensors whose data lie outside the file.

    Raises ValueError when the bytes are no protocol-buffer message.
    """
    yield from _walk(memoryview(data), "model", 0)


def _walk(view: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        raise ValueError(f"nested deeper than {_DEPTH}")
    for number, value in _fields(view):
        child = _NESTED[kind].get(number)
        if child is None or isinstance(value, int):
            continue
        if child != "tensor":
            yield from _walk(value, child, depth + 1)
            continue
        name, external = "", False
        for field, content in _fields(value):
            if field == _TENSOR_NAME and not isinstance(content, int):
                name = bytes(content).decode("utf-8", "replace")
            external |= field == _TENSOR_EXTERNAL or (field == _TENSOR_LOCATION and content == 1)
        if external:
            yield name


def _fields(view: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    at, end = 0, len(view)
    while at < end:
        key, at = varint(view, at)
        number, wire = key >> 3, key & 7
        value: memoryview | int
        if wire == 0:
            value, at = varint(view, at)
        elif wire == 2:
            length, at = varint(view, at)
            value, at = view[at : at + length], at + length
        elif wire in (1, 5):
            value, at = 0, at + (8 if wire == 1 else 4)
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at > end or number == 0:
            raise ValueError("truncated message")
        yield number, value


def varint(view: memoryview, at: int) -> tuple[int, int]:
    """The number at byte `at`, and where the next byte is. Raises ValueError when there is none."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(view):
            raise ValueError("truncated message")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
