"""What a channel and its devices agree on."""

from __future__ import annotations

from pathlib import Path

import pytest

from emendo.errors import BundleError
from emendo.models.channel import compare, in_share, read_release, read_self_test


def test_what_is_no_release_of_ours_is_none() -> None:
    good = {"bundle": "0" * 16, "certificate": "0" * 16, "groups": {"stable": {"number": 1, "share": 5, "created": ""}}}
    assert read_release(f"{'0' * 16}.zip", good) is not None
    assert read_release("other.zip", good) is None
    assert read_release(f"{'0' * 16}.zip", {**good, "more": 1}) is None
    assert read_release("notes.txt", None) is None
    wrong = {**good, "groups": {"stable": {"number": 1, "share": 101, "created": ""}}}
    assert read_release(f"{'0' * 16}.zip", wrong) is None


def test_a_self_test_bears_rounding_and_no_more(tmp_path: Path) -> None:
    assert compare(["x" * 100], ["x" * 95]) == ""
    assert "6 of 100 characters differ" in compare(["x" * 100], ["x" * 94])
    assert compare(["a"], []) == "0 of 1 lines were read"
    (tmp_path / "lines.json").write_text('{"lines": [{"image": "000.png", "text": "a"}]}')
    with pytest.raises(BundleError, match="lacks the picture"):
        read_self_test(tmp_path)
    (tmp_path / "lines.json").write_text('{"lines": [{"image": "../x.png", "text": "a"}]}')
    with pytest.raises(BundleError, match="no self-test"):
        read_self_test(tmp_path)


def test_a_growing_share_only_adds_devices() -> None:
    devices = [f"device-{number}" for number in range(2000)]
    for bundle in ("0123456789abcdef", "fedcba9876543210"):
        small, half = ({one for one in devices if in_share(one, bundle, share)} for share in (5, 50))
        assert small < half
        assert 60 <= len(small) <= 140
        assert 900 <= len(half) <= 1100
        assert all(in_share(one, bundle, 100) for one in devices)
    assert {in_share("x", f"{number:016x}", 50) for number in range(20)} == {True, False}
