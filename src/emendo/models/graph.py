"""An ONNX graph as far as its weights, ends and names are rewritten: read from bytes and written back, without `onnx`.

ONNX is a protocol-buffer message (https://onnx.ai/onnx/repo-docs/IR.html, onnx/onnx.proto). What is not touched is
written back as it was read. So a device that expands a model at its first start needs neither the package `onnx` nor
`protobuf`, thirty megabytes of a light installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError

from .onnx_wire import varint

FLOAT: Final = 1
_KINDS: Final = {1: "<f4", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
"""Element types of `TensorProto` as numpy's."""
_NAMED: Final = {"f4": 1, "i4": 6, "i8": 7, "f2": 10, "f8": 11}
_GRAPH, _METADATA = 7, 14
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE_INFO = 1, 5, 11, 12, 13
_DIMS, _DATA_TYPE, _FLOATS, _NAME, _RAW = 1, 2, 4, 8, 9
Field = tuple[int, int, Any]
"""Number, wire type, and value: an int for wire type 0, bytes or a `Message` for 2, bytes for 1 and 5."""


class Message:
    """A protocol-buffer message as its fields in their order."""

    def __init__(self, data: bytes = b"") -> None:
        self.fields: list[Field] = []
        view, at = memoryview(data), 0
        while at < len(data):
            key, at = varint(view, at)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = varint(view, at)
                self.fields.append((number, wire, value))
                continue
            length = {1: 8, 5: 4}.get(wire, -1)
            if wire == 2:
                length, at = varint(view, at)
            if length < 0 or at + length > len(data) or number == 0:
                raise ValueError(f"no message at byte {at}")
            self.fields.append((number, wire, data[at : at + length]))
            at += length

    def all(self, number: int) -> list[Any]:
        """The values of a field that may come several times."""
        return [value for one, _, value in self.fields if one == number]

    def first(self, number: int, default: Any = b"") -> Any:
        """The value of a field, or the default."""
        return next((value for one, _, value in self.fields if one == number), default)

    def child(self, number: int) -> Message:
        """The message in a field, made when there is none; what is changed in it is written."""
        return self.children(number)[0] if self.all(number) else self.add(number, Message())

    def children(self, number: int) -> list[Message]:
        """The messages in a field that may come several times; what is changed in them is written."""
        for at, (one, wire, value) in enumerate(self.fields):
            if one == number and isinstance(value, bytes):
                self.fields[at] = (one, wire, Message(value))
        return self.all(number)

    def add(self, number: int, value: Any) -> Any:
        """One more value of a field, behind those with the same or a lower number."""
        at = sum(1 for one, _, _ in self.fields if one <= number)
        self.fields.insert(at, (number, 0 if isinstance(value, int) else 2, value))
        return value

    def put(self, number: int, *values: Any) -> None:
        """These values of a field and no others."""
        self.fields = [field for field in self.fields if field[0] != number]
        for value in values:
            self.add(number, value)

    def to_bytes(self) -> bytes:
        """The message as it is stored."""
        parts: list[bytes] = []
        for number, wire, value in self.fields:
            parts.append(_varint(number << 3 | wire))
            if isinstance(value, int):
                parts.append(_varint(value))
                continue
            held = value.to_bytes() if isinstance(value, Message) else value
            parts += [_varint(len(held)), held] if wire == 2 else [held]
        return b"".join(parts)


class Tensor:
    """A constant of the graph: `name`, `dims`, and its values."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self.name: str = message.first(_NAME).decode()

    @property
    def kind(self) -> int:
        """The element type, `FLOAT` for float32."""
        return int(self._message.first(_DATA_TYPE, 0))

    @property
    def dims(self) -> tuple[int, ...]:
        """The shape."""
        return tuple(int(one) for one in self._message.all(_DIMS))

    def array(self) -> npt.NDArray[Any]:
        """The values; raises BundleError for element types that no weight has."""
        held = self._message.first(_RAW) or (self._message.first(_FLOATS) if self.kind == FLOAT else b"")
        if self.kind not in _KINDS or len(held) != np.prod(self.dims) * np.dtype(_KINDS[self.kind]).itemsize:
            raise BundleError(f"the graph's tensor {self.name!r} is stored in a form that is not read")
        return np.frombuffer(held, _KINDS[self.kind]).reshape(self.dims)

    def put(self, array: npt.NDArray[Any]) -> None:
        """Other values, of any shape, under the same name."""
        kind = _NAMED[array.dtype.str[1:]]
        self._message.fields = []
        self._message.put(_DIMS, *array.shape)
        self._message.put(_DATA_TYPE, kind)
        self._message.put(_NAME, self.name.encode())
        self._message.put(_RAW, np.ascontiguousarray(array, _KINDS[kind]).tobytes())


class Node:
    """One operation of the graph."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self.input: tuple[str, ...] = tuple(name.decode() for name in message.all(1))
        self.output: tuple[str, ...] = tuple(name.decode() for name in message.all(2))

    @property
    def op_type(self) -> str:
        """The operator's name."""
        return str(self._message.first(4).decode())

    @op_type.setter
    def op_type(self, name: str) -> None:
        self._message.put(4, name.encode())

    def real(self, name: str, default: float) -> float:
        """The float attribute of that name."""
        for attribute in self._message.children(5):
            if attribute.first(1) == name.encode():
                return float(np.frombuffer(attribute.first(2, b"\0\0\0\0"), "<f4")[0])
        return default

    def set_integers(self, **values: Sequence[int]) -> None:
        """Other integers for attributes that the node has."""
        for attribute in self._message.children(5):
            name = attribute.first(1).decode()
            if name in values:
                attribute.put(8, *values[name])

    def rename(self, names: dict[str, str]) -> None:
        """Inputs and outputs by other names, where `names` has one."""
        self.input, self.output = (tuple(names.get(one, one) for one in ends) for ends in (self.input, self.output))
        self._message.put(1, *(one.encode() for one in self.input))
        self._message.put(2, *(one.encode() for one in self.output))


class Graph:
    """An ONNX model's graph with its weights; `SerializeToString` gives the file's bytes, as the model of `onnx` does.

    Raises ValueError when the bytes are no protocol-buffer message.
    """

    def __init__(self, data: bytes) -> None:
        self._model = Message(data)
        graph = self._graph = self._model.child(_GRAPH)
        self.nodes = [Node(one) for one in graph.children(_NODE)]
        self.tensors = {one.name: one for one in map(Tensor, graph.children(_INITIALIZER))}

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """Keys and values of the model's metadata."""
        return [(one.first(1).decode(), one.first(2).decode()) for one in self._model.children(_METADATA)]

    def drop_metadata(self) -> None:
        """Leave the metadata out."""
        self._model.put(_METADATA)

    def ends(self) -> tuple[str, str]:
        """Names of the first input and the first output."""
        first, last = self._graph.children(_INPUT)[0], self._graph.children(_OUTPUT)[0]
        return first.first(1).decode(), last.first(1).decode()

    def input_shape(self) -> tuple[int, ...]:
        """The shape of the first input, 0 where it is free."""
        return tuple(int(dim.first(1, 0)) for dim in _dims(self._graph.children(_INPUT)[0]))

    def set_classes(self, classes: int) -> None:
        """The last dimension of the output, where its shape is stated; shapes in between are left out."""
        self.forget_shapes()
        dims = _dims(self._graph.children(_OUTPUT)[0])
        if dims:
            dims[-1].put(2)
            dims[-1].put(1, classes)

    def forget_shapes(self) -> None:
        """Leave out the shapes in between, which other weights would belie."""
        self._graph.put(_VALUE_INFO)

    def set_ends(
        self, given: str, given_shape: Sequence[int | str], made: str, made_shape: Sequence[int | str]
    ) -> None:
        """Other names and shapes (float32; a name where a dimension is free) for the first input and output."""
        old = self.ends()
        for node in self.nodes:
            node.rename(dict(zip(old, (given, made), strict=True)))
        for number, name, shape in ((_INPUT, given, given_shape), (_OUTPUT, made, made_shape)):
            self._graph.children(number)[0].fields = _value_info(name, shape).fields

    def SerializeToString(self) -> bytes:
        """The file's bytes."""
        return self._model.to_bytes()


def load_graph(path: Path) -> Graph:
    """The graph of an ONNX file, weights inside. Raises BundleError when it is none."""
    try:
        return Graph(path.read_bytes())
    except (ValueError, AttributeError) as error:
        raise BundleError("is no ONNX graph", where=path, remedy="export the model again") from error


def _dims(value: Message) -> list[Message]:
    kind = value.child(2).child(1)
    return kind.child(2).children(1) if kind.all(2) else []


def _value_info(name: str, shape: Sequence[int | str]) -> Message:
    value = Message()
    value.add(1, name.encode())
    kind = value.child(2).child(1)
    kind.add(1, FLOAT)
    held = kind.child(2)
    for size in shape:
        dim = held.add(1, Message())
        dim.add(*((1, size) if isinstance(size, int) else (2, size.encode())))
    return value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
