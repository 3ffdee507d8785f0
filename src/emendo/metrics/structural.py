"""Structural ("manifold") compression of text: sliding byte windows, a signature each, a table of signatures.

The published form (windows of 512 bytes, one every 384; coherence, stability, entropy and hazard quantised into 9
bytes) reports bytes of text / bytes of signatures. That figure is arithmetic: every window pays 9 bytes for 384 new
ones, so any text of any content gives about 384 / 9 = 42.7. No text can be had back from the signatures alone.

So two ratios are made here. `signature_ratio` is that arithmetic. `stored_ratio` counts what reconstruction needs:
the signatures, the table that turns a signature back into bytes, and the bytes of every window whose signature was
taken already by other bytes. `unpack` does the reconstruction, and the result is compared byte for byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import FormatError, UsageError

WINDOW, STRIDE = 512, 384
SIGNATURE_BYTES = 9
"""Three quantised measures of two bytes each, and a check of three bytes."""
ZLIB_LEVEL = 9
_HEAD = struct.Struct("<4sIIQII")
"""Mark, window, stride, length of the text, number of windows, number of exceptions."""
_MARK = b"EMST"
_EXCEPTION = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Structural:
    """Sizes in bytes of one corpus and of what it was turned into; ratios are `original / size`, above 1 is smaller.

    `signatures` counts the different ones, `exceptions` the windows whose signature stood for other bytes already.
    `stored` is everything that `unpack` needs, `stored_zlib` the same through zlib, `plain_zlib` the text through zlib
    alone. `exact` says that the text came back from `stored` byte for byte.
    """

    window: int
    stride: int
    signature_bytes: int
    zlib_level: int
    original: int
    windows: int
    signatures: int
    exceptions: int
    signature_size: int
    stored: int
    stored_zlib: int
    plain_zlib: int
    exact: bool

    @property
    def signature_ratio(self) -> float:
        """Text / signatures: about stride / signature bytes whatever the text is."""
        return self.original / max(self.signature_size, 1)

    @property
    def arithmetic(self) -> float:
        """What `signature_ratio` comes to for a long text, before any text is seen."""
        return self.stride / self.signature_bytes

    @property
    def stored_ratio(self) -> float:
        """Text / everything that is needed to have it back."""
        return self.original / max(self.stored, 1)

    @property
    def stored_zlib_ratio(self) -> float:
        """The same with zlib over it."""
        return self.original / max(self.stored_zlib, 1)

    @property
    def zlib_ratio(self) -> float:
        """Text / text through zlib: what needs no windows at all."""
        return self.original / max(self.plain_zlib, 1)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, sizes and ratios."""
        ratios = ("signature_ratio", "arithmetic", "stored_ratio", "stored_zlib_ratio", "zlib_ratio")
        return {**asdict(self), **{name: getattr(self, name) for name in ratios}}


def structural(data: bytes, *, window: int = WINDOW, stride: int = STRIDE, level: int = ZLIB_LEVEL) -> Structural:
    """Pack `data`, have it back, and measure. Raises UsageError for sizes that cannot be."""
    packed, signatures, exceptions = _pack(data, window, stride)
    windows = len(list(_blocks(data, stride)))
    return Structural(
        window=window,
        stride=stride,
        signature_bytes=SIGNATURE_BYTES,
        zlib_level=level,
        original=len(data),
        windows=windows,
        signatures=signatures,
        exceptions=exceptions,
        signature_size=windows * SIGNATURE_BYTES,
        stored=len(packed),
        stored_zlib=len(zlib.compress(packed, level)),
        plain_zlib=len(zlib.compress(data, level)),
        exact=unpack(packed) == data,
    )


def signature(window: bytes) -> bytes:
    """The signature of one window: 9 bytes that say what kind of bytes it holds, not which.

    Entropy of its bytes (0 to 8 bits), coherence (correlation of neighbouring bytes, -1 to 1), stability (share of
    neighbours of one kind: letter, digit, blank, other), each quantised to 16 bits, and 24 bits of its CRC-32 to tell
    apart windows of one kind.
    """
    values = np.frombuffer(window, dtype=np.uint8).astype(np.float64)
    share = np.bincount(values.astype(np.int64), minlength=256) / max(len(values), 1)
    held = share[share > 0]
    entropy = float(-(held * np.log2(held)).sum())
    spread = float(values.std())
    centred = values - values.mean()
    coherence = float((centred[1:] * centred[:-1]).mean() / spread**2) if spread > 0 and len(values) > 1 else 1.0
    kinds = _KINDS[values.astype(np.int64)]
    stability = float((kinds[1:] == kinds[:-1]).mean()) if len(values) > 1 else 1.0
    quantised = (entropy / 8, (min(max(coherence, -1.0), 1.0) + 1) / 2, stability)
    parts = struct.pack("<3H", *(min(65535, round(part * 65535)) for part in quantised))
    return parts + zlib.crc32(window).to_bytes(4, "little")[:3]


def pack(data: bytes, *, window: int = WINDOW, stride: int = STRIDE) -> bytes:
    """Everything that `unpack` needs: signatures in order, the table, the exceptions."""
    return _pack(data, window, stride)[0]


def _pack(data: bytes, window: int, stride: int) -> tuple[bytes, int, int]:
    if not 1 <= stride <= window <= 1 << 20:
        raise UsageError(
            f"windows of {window} bytes, one every {stride}", remedy="give 1 <= stride <= window <= 1,048,576"
        )
    table: dict[bytes, bytes] = {}
    order: list[bytes] = []
    odd: list[tuple[int, bytes]] = []
    for number, (start, block) in enumerate(_blocks(data, stride)):
        mark = signature(data[start : start + window])
        order.append(mark)
        if table.setdefault(mark, block) != block:
            odd.append((number, block))
    head = _HEAD.pack(_MARK, window, stride, len(data), len(order), len(odd))
    held = b"".join(table.values())
    return head + b"".join(order) + held + b"".join(_EXCEPTION.pack(at) + one for at, one in odd), len(table), len(odd)


def unpack(packed: bytes) -> bytes:
    """The bytes that `pack` was given. Raises FormatError for anything else than its result."""
    try:
        mark, _, stride, size, windows, exceptions = _HEAD.unpack_from(packed)
    except struct.error as error:
        raise FormatError("is no packed text: it is too short") from error
    if mark != _MARK or stride < 1 or windows != -(-size // stride) or exceptions > windows:
        raise FormatError("is no packed text: its head is wrong")
    at = _HEAD.size
    order = [packed[at + i * SIGNATURE_BYTES : at + (i + 1) * SIGNATURE_BYTES] for i in range(windows)]
    at += windows * SIGNATURE_BYTES
    table: dict[bytes, bytes] = {}
    for number, found in enumerate(order):
        if found not in table:
            length = _length(number, stride, size)
            table[found] = packed[at : at + length]
            at += length
    blocks = [table[found] for found in order]
    for _ in range(exceptions):
        if at + _EXCEPTION.size > len(packed):
            raise FormatError("is no packed text: it is cut off")
        (number,) = _EXCEPTION.unpack_from(packed, at)
        if number >= windows:
            raise FormatError("is no packed text: it names a window that is not there")
        at += _EXCEPTION.size
        length = _length(number, stride, size)
        blocks[number] = packed[at : at + length]
        at += length
    data = b"".join(blocks)
    if at != len(packed) or len(data) != size:
        raise FormatError("is no packed text: its length is wrong")
    return data


def _length(number: int, stride: int, size: int) -> int:
    return min(stride, size - number * stride)


def _blocks(data: bytes, stride: int) -> Iterator[tuple[int, bytes]]:
    """Where each window begins, and the bytes that it has before the next begins."""
    return ((start, data[start : start + stride]) for start in range(0, len(data), stride))


def _kinds() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    found = np.full(256, 3, dtype=np.uint8)
    for byte in range(256):
        char = bytes([byte])
        found[byte] = 0 if char.isalpha() or byte >= 128 else 1 if char.isdigit() else 2 if char.isspace() else 3
    return found


_KINDS = _kinds()
