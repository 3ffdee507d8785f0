"""`emendo flow monitor`: what was captured -> looks, side by side -> one page."""

from __future__ import annotations

from typing import Any

from metaflow import Config, FlowSpec, card, config_expr, schedule, step

from emendo.flows.orders import MonitorOrder
from emendo.flows.parts import monitor
from emendo.flows.sentences import told
from emendo.flows.specs.common import PageCard, order_of


@schedule(cron=config_expr("plan.cron"), daily=False)
class EmendoMonitor(FlowSpec):
    """Look at what the service read."""

    order = Config("order", default_value="{}")
    plan = Config("plan", default_value='{"cron": ""}')

    @step
    def start(self) -> None:
        """Which readings."""
        order = order_of(MonitorOrder, self.order)
        with told(order.out):
            self.found = monitor.window(order)
        self.looks = self.found["looks"]
        self.next(self.look, foreach="looks")

    @step
    def look(self) -> None:
        """One look at them."""
        order = order_of(MonitorOrder, self.order)
        with told(order.out):
            self.seen = monitor.look(order, self.found, self.input)
        self.next(self.gather)

    @card(type=PageCard.type)
    @step
    def gather(self, inputs: Any) -> None:
        """All looks on one page."""
        order = order_of(MonitorOrder, self.order)
        self.merge_artifacts(inputs, include=["found"])
        with told(order.out):
            self.result, self.page = monitor.gather(order, self.found, [one.seen for one in inputs])
        self.next(self.end)

    @step
    def end(self) -> None:
        """Nothing more."""


if __name__ == "__main__":
    EmendoMonitor()
