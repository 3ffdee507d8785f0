"""What the service counts, in the form that Prometheus reads (text exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms."""


class Metrics:
    """The counts of one service, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "emendo_requests", "Requests answered, by route and status.", ("route", "status"), registry=registry
        )
        self.rejects = Counter(
            "emendo_rejects", "Images and requests that were turned away, by reason.", ("reason",), registry=registry
        )
        self.cancelled = Counter(
            "emendo_cancelled", "Images whose client left before they were read.", registry=registry
        )
        self.late = Counter(
            "emendo_late", "Images that were read but answered after their deadline.", registry=registry
        )
        self.failures = Counter("emendo_read_failures", "Images that could not be read.", ("kind",), registry=registry)
        self.swaps = Counter("emendo_swaps", "Models put in use or refused.", ("result",), registry=registry)
        self.trial_readings = Counter(
            "emendo_trial_readings", "Readings of a trial, by arm.", ("arm",), registry=registry
        )
        self.trial_lost = Counter(
            "emendo_trial_lost", "Readings that a trial did not get, by reason.", ("reason",), registry=registry
        )
        self.trial_errors = Gauge(
            "emendo_trial_errors", "Errors that are known of a trial, by arm.", ("arm",), registry=registry
        )
        self.trial_size = Gauge(
            "emendo_trial_size", "Characters or values in which they were made.", ("arm",), registry=registry
        )
        self.trial_verdict = Gauge(
            "emendo_trial_verdict", "1 for the verdict on the last trial.", ("verdict",), registry=registry
        )
        self.waited = Histogram(
            "emendo_queue_seconds", "Time that an image waited.", buckets=SECONDS, registry=registry
        )
        self.took = Histogram(
            "emendo_read_seconds", "Time that reading an image took.", ("kind",), buckets=SECONDS, registry=registry
        )
        self._model = Info("emendo_model", "The model in use.", registry=registry)

    def show_model(self, model: str, reference: str) -> None:
        """Name the model in use."""
        self._model.info({"model": model, "reference": reference})

    def gauge(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Show a value that is asked for whenever somebody looks."""
        Gauge(name, what, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All counts."""
        return bytes(generate_latest(self._registry))
