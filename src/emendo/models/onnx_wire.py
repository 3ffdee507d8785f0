"""What must be known of an ONNX file before a run time opens it, read from the bytes alone.

ONNX is a protocol-buffer message (https://onnx.ai/onnx/repo-docs/IR.html). Only the nesting that can hold operators and
tensors is walked; all else is skipped by its length, so that a file is checked in milliseconds, without importing
`onnx` and without touching a weight. What a run time would have to expand, allocate or fetch before it could find out
that it should not, is refused here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Final

DOMAINS: Final = frozenset({"", "ai.onnx", "com.microsoft"})
"""Operator sets that ONNX Runtime brings; an operator of another needs foreign code."""
ENDLESS: Final = frozenset({"Loop", "Scan", "SequenceMap"})
"""Operators that repeat a graph; no form that is written here has any."""
MOST_NODES: Final = 100_000
MOST_SIDE: Final = 1 << 24
"""Greatest dimension of a tensor or of an input or output."""
MOST_VALUES: Final = 1 << 28
"""Most values that a tensor may have, or that a graph may ask for by a constant shape."""
_DEPTH: Final = 32
_NESTED: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
}
_FUNCTION: Final = 25
_BITS: Final = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
    17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4,
}  # fmt: skip
"""Bits of one value by element type; strings (8) are in no graph that reads."""
_TYPED: Final = {4: 4, 5: 0, 7: 0, 10: 8, 11: 0}
"""Fields of a tensor that hold its values one by one, in place of raw bytes: bytes of each, 0 where that varies."""
_INT64: Final = 7
_SHAPE_BYTES: Final = 128
"""A tensor of more bytes is no shape."""


@dataclass(slots=True)
class Facts:
    """What was seen: names of tensors with data elsewhere, and inputs and outputs by name with their dimensions.

    A dimension is None where it is free. `shapes` are the values of small integer tensors, by name.
    """

    external: list[str] = field(default_factory=list)
    inputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    outputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nodes: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Nodes that make a tensor of a shape they are given: the operator and the name of that shape."""


class Unsafe(ValueError):
    """A sound message with something in it that no bundle may hold."""


def inspect(data: bytes) -> Facts:
    """The facts of an ONNX file.

    Raises Unsafe for what no bundle may hold, ValueError when the bytes are no protocol-buffer message.
    """
    facts, whole = Facts(), memoryview(data)
    if any(number == _FUNCTION for number, _ in _fields(whole)):
        raise Unsafe("brings functions of its own, which a run time would have to expand")
    _walk(whole, "model", 0, facts)
    for operator, name in facts.asked:
        size = prod(max(0, side) for side in facts.shapes.get(name, ()))
        if size > MOST_VALUES:
            raise Unsafe(f"asks {operator} for {size:,} values")
    return facts


def _walk(view: memoryview, kind: str, depth: int, facts: Facts) -> None:
    if depth > _DEPTH:
        raise Unsafe(f"is nested deeper than {_DEPTH}")
    if kind == "node":
        _node(view, facts)
    for number, value in _fields(view):
        child = _NESTED[kind].get(number)
        if child is None or isinstance(value, int):
            continue
        if child == "sparse":
            raise Unsafe("holds sparse tensors, which a run time would have to expand")
        if child == "tensor":
            _tensor(value, facts)
        elif child == "value":
            if depth == 1:
                name, sides = _value(value)
                (facts.inputs if number == 11 else facts.outputs)[name] = sides
        else:
            _walk(value, child, depth + 1, facts)


def _node(view: memoryview, facts: Facts) -> None:
    facts.nodes += 1
    if facts.nodes > MOST_NODES:
        raise Unsafe(f"has more than {MOST_NODES:,} operators")
    names: dict[int, list[str]] = {1: [], 2: [], 4: [""], 7: [""]}
    attributes = []
    for number, value in _fields(view):
        if isinstance(value, int):
            continue
        if number in names:
            names[number].append(_text(value))
        elif number == 5:
            attributes.append(value)
    inputs, operator, domain = names[1], names[4][-1], names[7][-1]
    if domain not in DOMAINS:
        raise Unsafe(f"uses the operator {operator[:60]!r} of {domain[:60]!r}, which needs foreign code")
    if operator in ENDLESS:
        raise Unsafe(f"repeats a part of itself ({operator})")
    if operator == "Constant" and names[2]:
        facts.shapes[names[2][0]] = tuple(_constant(attributes))
    elif operator == "ConstantOfShape" and inputs:
        facts.asked.append((operator, inputs[0]))
    elif operator in {"Expand", "Tile", "Resize"} and len(inputs) > 1:
        facts.asked.append((operator, inputs[-1]))


def _constant(attributes: list[memoryview]) -> Iterator[int]:
    """The integers of a constant, where it is a small tensor or a list of them."""
    for attribute in attributes:
        for number, value in _fields(attribute):
            if number == 8:
                yield from _integers(value)
            elif number == 5 and not isinstance(value, int) and len(value) < 2 * _SHAPE_BYTES:
                yield from _tensor(value, Facts())


def _tensor(view: memoryview, facts: Facts) -> tuple[int, ...]:
    """The integers of a small tensor; others give none."""
    name, kind, sides, typed, external = "", 0, list[int](), 0, False
    raw: memoryview | None = None
    held = list[int]()
    for number, value in _fields(view):
        if number == 1:
            sides += _integers(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 8 and not isinstance(value, int):
            name = _text(value)
        elif number == 9 and not isinstance(value, int):
            raw = value
        elif number in _TYPED:
            typed += _values(value, _TYPED[number])
            if number == _INT64 and typed * 8 <= _SHAPE_BYTES:
                held += _integers(value)
        external |= number == 13 or (number == 14 and value == 1)
    if external:
        facts.external.append(name)
        return ()
    _require_data(name, kind, sides, raw, typed)
    if kind == _INT64 and raw is not None and len(raw) <= _SHAPE_BYTES:
        held = [int.from_bytes(raw[at : at + 8], "little", signed=True) for at in range(0, len(raw), 8)]
    facts.shapes[name] = tuple(held)
    return tuple(held)


def _require_data(name: str, kind: int, sides: list[int], raw: memoryview | None, typed: int) -> None:
    """Raise Unsafe unless a tensor holds the data that its dimensions claim."""
    called = f"the tensor {name[:60]!r}"
    if any(not 0 <= side <= MOST_SIDE for side in sides) or prod(sides) > MOST_VALUES:
        raise Unsafe(f"claims {' x '.join(map(str, sides[:8]))} values for {called}")
    if kind not in _BITS:
        raise Unsafe(f"holds {called} of the unknown type {kind}")
    needed = -(-prod(sides) * _BITS[kind] // 8)
    if raw is not None and len(raw) != needed:
        raise Unsafe(f"claims {needed:,} bytes for {called} and holds {len(raw):,}")
    if raw is None and 2 * typed < prod(sides):  # types of four bits lie two in a value
        raise Unsafe(f"claims {prod(sides):,} values for {called} and holds {typed:,}")


def _values(value: memoryview | int, width: int) -> int:
    """How many values a field holds: one, or so many packed ones of `width` bytes (0: as varints)."""
    if isinstance(value, int):
        return 1
    if width:
        return len(value) // width
    return sum(byte < 0x80 for byte in bytes(value))


def _value(view: memoryview) -> tuple[str, tuple[int | None, ...]]:
    """Name and dimensions of an input or output."""
    name, sides = "", list[int | None]()
    for number, value in _fields(view):
        if isinstance(value, int):
            continue
        if number == 1:
            name = _text(value)
        elif number == 2:
            for dimension in _under(value, (1, 2, 1)):
                known = [one for at, one in _fields(dimension) if at == 1 and isinstance(one, int)]
                sides.append(_signed(known[0]) if known else None)
    if any(side is not None and not 0 <= side <= MOST_SIDE for side in sides):
        raise Unsafe(f"claims {' x '.join(map(str, sides[:8]))} for {name[:60]!r}")
    return name, tuple(sides)


def _under(view: memoryview, path: tuple[int, ...]) -> Iterator[memoryview]:
    """The messages below a message at a path of field numbers."""
    for number, value in _fields(view):
        if number != path[0] or isinstance(value, int):
            continue
        if len(path) == 1:
            yield value
        else:
            yield from _under(value, path[1:])


def _integers(value: memoryview | int) -> Iterator[int]:
    """One integer, or all of a packed field."""
    if isinstance(value, int):
        yield _signed(value)
        return
    at = 0
    while at < len(value):
        number, at = varint(value, at)
        yield _signed(number)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _text(value: memoryview) -> str:
    return bytes(value[:256]).decode("utf-8", "replace")


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
