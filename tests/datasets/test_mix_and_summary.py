"""Mixes by final share, filters that name the known values, and the summary.

Covers the mixes of N5 and N10, and the filters of M3.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.datasets import open_dataset
from emendo.datasets.mix import draw, mix, mix_corrected
from emendo.datasets.summary import filter_samples, narrowed, summarize
from emendo.errors import UsageError
from emendo.types import Origin, Sample


def samples(count: int, prefix: str = "s", origin: Origin = Origin.GOLD) -> list[Sample]:
    return [Sample(id=f"{prefix}{i}", image=Path("x.png"), text="x", origin=origin) for i in range(count)]


REPLAY = samples(1000, "r", Origin.REPLAY)


@settings(max_examples=60, deadline=None)
@given(main=st.integers(1, 100), share=st.floats(0, 0.9), seed=st.integers(0, 9))
def test_the_share_is_that_of_the_result(main: int, share: float, seed: int) -> None:
    result = mix(samples(main), REPLAY, share, seed)
    replayed = sum(one.origin is Origin.REPLAY for one in result.samples)
    assert abs(replayed - share * len(result.samples)) <= 0.51
    assert result.share == replayed / len(result.samples)
    assert len({one.id for one in result.samples}) == len(result.samples)
    assert result.samples == mix(samples(main), REPLAY, share, seed).samples


def test_too_few_to_mix_in_is_told() -> None:
    result = mix(samples(80), samples(5, "r"), 0.2)
    assert len(result.samples) == 85 and result.share == 5 / 85 and "asked: 20%" in str(result)


def test_seventy_to_thirty() -> None:
    lines = samples(900, "a", Origin.ACCEPTED) + samples(30, "c", Origin.CORRECTED) + samples(10, "g")
    result = mix_corrected(lines)
    kinds = [one.origin for one in result.samples]
    assert (kinds.count(Origin.ACCEPTED), kinds.count(Origin.CORRECTED), kinds.count(Origin.GOLD)) == (70, 30, 10)
    assert result.share == pytest.approx(0.7)


def test_no_correction_is_ever_dropped() -> None:
    lines = samples(10, "a", Origin.ACCEPTED) + samples(90, "c", Origin.CORRECTED)
    assert len(mix_corrected(lines).samples) == 100 and mix_corrected(lines).share == 0.1
    assert len(mix_corrected(samples(10, "a", Origin.ACCEPTED)).samples) == 10


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_that_cannot_be(share: float) -> None:
    with pytest.raises(UsageError, match="is not between 0 and 1"):
        mix(samples(3), samples(3), share)


def test_draw_keeps_order_and_never_repeats() -> None:
    assert [one.id for one in draw(samples(3), 9)] == ["s0", "s1", "s2"]
    chosen = [int(one.id[1:]) for one in draw(samples(100), 10, seed=3)]
    assert chosen == sorted(set(chosen)) and len(chosen) == 10
    assert draw(samples(5), 0) == ()


def test_filters_on_real_data(data: Path) -> None:
    plates = open_dataset(data / "plates")
    street = filter_samples(plates.samples, subset=["plate_street"])
    assert 0 < len(street) < len(plates)
    kept = narrowed(plates, street)
    assert kept.place(0).endswith(f":{kept.lines[0]}") and kept.samples[0] == plates.samples[kept.lines[0] - 1]
    with pytest.raises(
        UsageError, match=r"unknown subset 'plates' \(did you mean 'plate'\?\); .*'plate', 'plate_street'"
    ):
        filter_samples(plates.samples, subset=["plates"])
    with pytest.raises(UsageError, match=r"unknown language 'fr'.*has 'und'"):
        filter_samples(plates.samples, language=["fr"])


def test_summary_of_a_real_set_is_that_of_its_readme(data: Path) -> None:
    summary = summarize(open_dataset(data / "peraire"))
    assert {part: (n["samples"], n["groups"], n["characters"]) for part, n in summary.splits.items()} == {
        "train": (1629, 50, 78897),
        "val": (209, 7, 10305),
        "test": (262, 8, 14323),
    }
    assert len(summary.alphabet) == 117 and summary.alphabet.startswith(" esnat")
    assert summary.to_dict()["languages"] == {"fr": 2100}
