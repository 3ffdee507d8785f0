"""`emendo flow arabic`: the books -> each learned and judged, side by side -> all on one page."""

from __future__ import annotations

from typing import Any

from metaflow import Config, FlowSpec, card, config_expr, schedule, step

from emendo.flows.orders import ArabicOrder
from emendo.flows.parts import arabic
from emendo.flows.sentences import told
from emendo.flows.specs.common import PageCard, order_of


@schedule(cron=config_expr("plan.cron"), daily=False)
class EmendoArabic(FlowSpec):
    """Adapt the Arabic reader to the typeface of each book."""

    order = Config("order", default_value="{}")
    plan = Config("plan", default_value='{"cron": ""}')

    @step
    def start(self) -> None:
        """Which books."""
        order = order_of(ArabicOrder, self.order)
        with told(order.out):
            self.books = arabic.books(order)
        self.next(self.adapt, foreach="books")

    @step
    def adapt(self) -> None:
        """One book."""
        order = order_of(ArabicOrder, self.order)
        with told(order.out):
            self.found = arabic.adapt(order, self.input)
        self.next(self.gather)

    @card(type=PageCard.type)
    @step
    def gather(self, inputs: Any) -> None:
        """All books on one page."""
        order = order_of(ArabicOrder, self.order)
        with told(order.out):
            self.result, self.page = arabic.gather(order, [one.found for one in inputs])
        self.next(self.end)

    @step
    def end(self) -> None:
        """Nothing more."""


if __name__ == "__main__":
    EmendoArabic()
