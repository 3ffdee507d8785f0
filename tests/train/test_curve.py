from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from emendo.train.curve import ROWS, Curve, add_to_curve, begin_curve, read_curve


def test_a_curve_grows_and_goes_back_to_the_checkpoint(tmp_path: Path) -> None:
    assert read_curve(tmp_path) == Curve()
    begin_curve(tmp_path, 0)
    for step in range(1, 7):
        add_to_curve(tmp_path, step=step, total=10, loss=1 / step)
        if step % 3 == 0:
            add_to_curve(tmp_path, step=step, cer=0.5 / step)
    seen = read_curve(tmp_path)
    assert (seen.total, seen.steps, [step for step, _ in seen.cers]) == (10, 6, [3, 6])
    begin_curve(tmp_path, 3)
    assert (read_curve(tmp_path).steps, read_curve(tmp_path).cers) == (3, ((3, 0.5 / 3),))
    begin_curve(tmp_path, 0)
    assert read_curve(tmp_path) == Curve()


def test_a_torn_row_is_left_out(tmp_path: Path) -> None:
    begin_curve(tmp_path, 0)
    add_to_curve(tmp_path, step=1, total=2, loss=0.5)
    with (tmp_path / ROWS).open("a") as stream:
        stream.write('[1]\n{"step": 2}\n{"step": 2, "tot')
    assert read_curve(tmp_path).losses == ((1, 0.5),)


@given(st.integers(0, 2000), st.integers(1, 300))
def test_a_thinned_curve_keeps_order_and_end(count: int, most: int) -> None:
    whole = Curve(count, tuple((step, 1.0) for step in range(1, count + 1)))
    thin = whole.thinned(most)
    steps = [step for step, _ in thin.losses]
    assert len(steps) == min(count, most)
    assert steps == sorted(set(steps))
    assert thin.steps == whole.steps
    assert json.loads(json.dumps(thin.losses)) == [list(row) for row in thin.losses]
