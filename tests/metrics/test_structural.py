from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError, UsageError
from emendo.metrics import structural as module
from emendo.metrics.structural import pack, signature, structural, unpack


@given(st.binary(max_size=3000), st.integers(1, 64), st.integers(0, 64))
@settings(max_examples=60, deadline=None)
def test_every_text_comes_back(data: bytes, stride: int, more: int) -> None:
    assert unpack(pack(data, window=stride + more, stride=stride)) == data


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="is no packed text"):
        unpack(b"EMST" + data)


def test_a_signature_shared_by_other_bytes_is_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "signature", lambda window: b"123456789")
    data = b"aaaabbbbaaaacc"
    found = structural(data, window=4, stride=4)
    assert (found.windows, found.signatures, found.exceptions, found.exact) == (4, 1, 2, True)
    assert found.stored == 28 + 4 * 9 + 4 + (4 + 4) + (4 + 2)


def test_the_sizes_by_hand() -> None:
    data = b"x" * 384 * 4
    found = structural(data)
    assert (found.original, found.windows, found.signature_size) == (1536, 4, 36)
    assert found.signature_ratio == pytest.approx(1536 / 36)
    assert found.arithmetic == pytest.approx(384 / 9)
    assert found.signatures == 2, "the last windows are shorter than the first ones"
    assert found.stored == 28 + 36 + 2 * 384
    assert found.stored_ratio == pytest.approx(1536 / 832)
    assert found.plain_zlib == len(zlib.compress(data, 9))


def test_a_signature_says_what_kind_of_bytes_not_which() -> None:
    assert len(signature(b"some text")) == 9
    assert signature(b"abab")[:6] == signature(b"cdcd")[:6]
    assert signature(b"abab") != signature(b"cdcd")


@pytest.mark.parametrize("folder", ["peraire", "hands_fr", "arabic_print"])
def test_forty_times_is_arithmetic_and_real_text_says_otherwise(data: Path, folder: str) -> None:
    rows = map(json.loads, (data / folder / "lines.jsonl").read_text(encoding="utf-8").splitlines())
    text = "\n".join(row["text"] for row in rows if row["split"] in ("train", "val")).encode()
    found = structural(text)
    assert found.exact
    assert found.signature_ratio == pytest.approx(384 / 9, rel=0.02), "whatever the text is"
    assert 0.9 < found.stored_ratio < 1.05, "no text is made smaller by being cut into windows"
    assert found.zlib_ratio > 2
    assert found.stored_zlib_ratio < found.zlib_ratio, "the signatures only add to what zlib does alone"


def test_sizes_that_cannot_be() -> None:
    with pytest.raises(UsageError, match=r"windows of 100 bytes, one every 200; give 1 <= stride <= window"):
        structural(b"x", window=100, stride=200)
