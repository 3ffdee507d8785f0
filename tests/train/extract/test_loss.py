"""The loss of partial truths: nothing for what is open, something for each wrong answer."""

from __future__ import annotations

import torch

from emendo.models.extract.labels import LABELS, TYPES
from emendo.train.extract.loss import losses
from emendo.train.extract.network import Seen

C = len(LABELS)


def seen(labels: torch.Tensor, rows: torch.Tensor | None = None) -> Seen:
    batch, count = labels.shape[:2]
    return Seen(labels, rows if rows is not None else torch.zeros(batch, count, count), torch.zeros(batch, len(TYPES)))


def test_an_open_word_costs_nothing_and_a_told_one_what_stands_against_it() -> None:
    labels = torch.zeros(1, 2, C)
    labels[0, 0, 3] = 4.0
    allowed = torch.ones(1, 2, C, dtype=torch.bool)
    nothing = torch.full((1, 2), -1), torch.tensor([-1])
    assert abs(float(losses(seen(labels), allowed, *nothing, []))) < 1e-5
    allowed[0, 0] = False
    allowed[0, 0, 3] = True
    one = float(losses(seen(labels), allowed, *nothing, []))
    allowed[0, 0, 5] = True
    either = float(losses(seen(labels), allowed, *nothing, []))
    assert 0 < either < one
    allowed[0, 0, 3] = False
    assert float(losses(seen(labels), allowed, *nothing, [])) > one + 1


def test_padding_does_not_count() -> None:
    labels = torch.randn(1, 3, C)
    allowed = torch.zeros(1, 3, C, dtype=torch.bool)
    allowed[0, :2, 1] = True
    nothing = torch.full((1, 3), -1), torch.tensor([-1])
    first = float(losses(seen(labels), allowed, *nothing, []))
    labels[0, 2] += 50 * torch.randn(C)
    assert float(losses(seen(labels), allowed, *nothing, [])) == first


def test_rows_count_where_they_are_known() -> None:
    labels, allowed = torch.zeros(1, 3, C), torch.ones(1, 3, C, dtype=torch.bool)
    rows = torch.tensor([[0, 0, -1]])
    right, wrong = torch.zeros(1, 3, 3), torch.zeros(1, 3, 3)
    right[0, :2, :2], wrong[0, :2, :2] = 5.0, -5.0
    right[0, 2] = wrong[0, 2] = 9.0
    kinds = torch.tensor([-1])
    assert float(losses(seen(labels, right), allowed, rows, kinds, [])) < 0.05
    assert float(losses(seen(labels, wrong), allowed, rows, kinds, [])) > 2


def test_kinds_count_where_they_are_known() -> None:
    labels, allowed, rows = torch.zeros(2, 1, C), torch.ones(2, 1, C, dtype=torch.bool), torch.full((2, 1), -1)
    unknown = float(losses(seen(labels), allowed, rows, torch.tensor([-1, -1]), []))
    assert float(losses(seen(labels), allowed, rows, torch.tensor([-1, 1]), [])) > unknown + 0.05


def test_of_several_places_one_is_enough_and_none_is_too_few() -> None:
    allowed = torch.ones(1, 4, C, dtype=torch.bool)
    rows, kinds = torch.full((1, 4), -1), torch.tensor([-1])
    choices = [(0, 7, [[0], [1, 2]])]
    none, first, second = torch.zeros(1, 4, C), torch.zeros(1, 4, C), torch.zeros(1, 4, C)
    none[0, :, 0] = 9.0
    first[0, 0, 7] = 12.0
    second[0, 1:3, 7] = 12.0
    costs = [float(losses(seen(one), allowed, rows, kinds, choices)) for one in (none, first, second)]
    assert costs[0] > 5 and costs[1] < 0.1 and costs[2] < 0.1


def test_a_batch_of_words_of_no_table_has_a_loss_that_can_be_followed() -> None:
    labels = torch.randn(2, 3, C, requires_grad=True)
    allowed = torch.zeros(2, 3, C, dtype=torch.bool)
    allowed[..., 2] = True
    loss = losses(seen(labels), allowed, torch.full((2, 3), -1), torch.tensor([-1, -1]), [(0, 1, [[0]])])
    loss.backward()
    assert torch.isfinite(loss) and labels.grad is not None and torch.isfinite(labels.grad).all()
