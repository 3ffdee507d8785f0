"""`emendo flow train`: check -> final model and folds, side by side -> their mean -> evaluation -> registration."""

from __future__ import annotations

from typing import Any

from metaflow import Config, FlowSpec, card, config_expr, schedule, step

from emendo.flows.orders import TrainOrder
from emendo.flows.parts import train
from emendo.flows.sentences import told
from emendo.flows.specs.common import PageCard, order_of


@schedule(cron=config_expr("plan.cron"), daily=False)
class EmendoTrain(FlowSpec):
    """Train a model, know how good it is, and put it in use if it is proven better."""

    order = Config("order", default_value="{}")
    plan = Config("plan", default_value='{"cron": ""}')

    @step
    def start(self) -> None:
        """Check the data."""
        order = order_of(TrainOrder, self.order)
        with told(order.out):
            self.checked = train.check(order)
        self.models = train.models(order)
        self.next(self.learn, foreach="models")

    @step
    def learn(self) -> None:
        """One of the models: the final one from everything, that of a fold from all else, and it reads that fold."""
        order = train.checked_order(order_of(TrainOrder, self.order), self.checked)
        with told(order.out):
            self.done = train.learn(order, self.input)
        self.next(self.mean)

    @card(type=PageCard.type)
    @step
    def mean(self, inputs: Any) -> None:
        """Mean and spread."""
        self.merge_artifacts(inputs, include=["checked"])
        order = train.checked_order(order_of(TrainOrder, self.order), self.checked)
        with told(order.out):
            self.crossval, self.page = train.mean(order)
        self.next(self.evaluate)

    @card(type=PageCard.type)
    @step
    def evaluate(self) -> None:
        """The model on lines that it never saw."""
        order = train.checked_order(order_of(TrainOrder, self.order), self.checked)
        with told(order.out):
            self.found, self.page = train.evaluate(order)
        self.next(self.register)

    @card(type=PageCard.type)
    @step
    def register(self) -> None:
        """The verdict, and what follows from it."""
        order = train.checked_order(order_of(TrainOrder, self.order), self.checked)
        with told(order.out):
            self.verdict, self.page = train.register(order, self.checked, self.crossval, self.found)
        self.next(self.end)

    @step
    def end(self) -> None:
        """Nothing more."""


if __name__ == "__main__":
    EmendoTrain()
