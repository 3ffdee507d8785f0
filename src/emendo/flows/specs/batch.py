"""`emendo flow batch`: divide -> read, side by side -> put together."""

from __future__ import annotations

from typing import Any

from metaflow import Config, FlowSpec, card, config_expr, schedule, step

from emendo.flows.orders import BatchOrder
from emendo.flows.parts import batch
from emendo.flows.sentences import told
from emendo.flows.specs.common import PageCard, order_of


@schedule(cron=config_expr("plan.cron"), daily=False)
class EmendoBatch(FlowSpec):
    """Read very many lines or pages, each exactly once."""

    order = Config("order", default_value="{}")
    plan = Config("plan", default_value='{"cron": ""}')

    @step
    def start(self) -> None:
        """Divide into shards."""
        order = order_of(BatchOrder, self.order)
        with told(order.out):
            self.portions = batch.divide(order)
        self.next(self.read, foreach="portions")

    @step
    def read(self) -> None:
        """Read the shards that are not there yet."""
        order = order_of(BatchOrder, self.order)
        with told(order.out):
            self.tally = batch.read(order, self.input)
        self.next(self.gather)

    @card(type=PageCard.type)
    @step
    def gather(self, inputs: Any) -> None:
        """One output of all shards."""
        order = order_of(BatchOrder, self.order)
        with told(order.out):
            self.result, self.page = batch.gather(order, [one.tally for one in inputs])
        self.next(self.end)

    @step
    def end(self) -> None:
        """Nothing more."""


if __name__ == "__main__":
    EmendoBatch()
