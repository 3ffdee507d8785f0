"""What the service counts, in the form that Prometheus reads (text exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ..monitor.capture import Capture
from ..monitor.state import Watch
from ..types import Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms of seconds."""
CHANCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Upper bounds of the histogram of confidence."""


class Metrics:
    """The counts of one service, in a registry of its own, beside those of its process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
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
        self.confidence = Histogram(
            "emendo_confidence",
            "Chance that all of a reading is right, as the model says.",
            ("kind",),
            buckets=CHANCES,
            registry=registry,
        )
        self.characters = Counter("emendo_characters", "Characters that were read.", ("kind",), registry=registry)
        self.feedback = Counter(
            "emendo_feedback",
            "Truths of readings that were told: kept, repeated, refused.",
            ("result",),
            registry=registry,
        )
        self._model = Info("emendo_model", "The model in use.", registry=registry)

    def answered(self, kind: str, reading: Reading, seconds: float) -> None:
        """Count an image that was read."""
        self.took.labels(kind).observe(seconds)
        self.confidence.labels(kind).observe(reading.confidence)
        self.characters.labels(kind).inc(len(reading.text))

    def show_model(self, model: str, reference: str) -> None:
        """Name the model in use."""
        self._model.info({"model": model, "reference": reference})

    def gauge(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Show a value that is asked for whenever somebody looks."""
        Gauge(name, what, registry=self._registry).set_function(value)

    def watch(self, capture: Capture) -> None:
        """Show what becomes of the captures, and what the monitor that looks at them says."""
        self._registry.register(_Captured(capture))
        self._registry.register(_Watched(Watch(capture.captures.folder)))

    def text(self) -> bytes:
        """All counts."""
        return bytes(generate_latest(self._registry))


class _Captured:
    """The counts of a capture, which knows nothing of Prometheus."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def collect(self) -> Iterator[Metric]:
        """What is shown now."""
        counts = self._capture.counts
        yield CounterMetricFamily("emendo_captured", "Readings that were captured.", counts.written)
        yield CounterMetricFamily("emendo_captured_pictures", "Pictures that were captured.", counts.pictures)
        yield CounterMetricFamily("emendo_captured_bytes", "Bytes that were captured.", counts.bytes)
        dropped = CounterMetricFamily(
            "emendo_capture_dropped", "Readings that were to be captured and were not, by reason.", labels=("reason",)
        )
        for reason, count in counts.dropped.items():
            dropped.add_metric((reason,), count)
        yield dropped
        yield CounterMetricFamily(
            "emendo_capture_pictures_dropped", "Pictures left out for want of room.", counts.pictures_dropped
        )
        yield GaugeMetricFamily("emendo_capture_waiting", "Readings that wait to be written.", self._capture.waiting)
        yield GaugeMetricFamily("emendo_capture_held_bytes", "Bytes of all captures.", self._capture.held_bytes)
        yield GaugeMetricFamily(
            "emendo_capture_bound_bytes", "Bytes that all captures may take.", self._capture.settings.bytes
        )


class _Watched:
    """What the monitor wrote down when it last looked at the captures; nothing before it has."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """What is shown now."""
        state = self._watch.state()
        if state is None:
            return
        yield GaugeMetricFamily("emendo_monitor_age_seconds", "Time since the monitor looked.", self._watch.age())
        measures = GaugeMetricFamily("emendo_monitor_measure", "What the monitor measures.", labels=("name",))
        for name, value in state.measures.items():
            measures.add_metric((name,), value)
        yield measures
        yield GaugeMetricFamily("emendo_alerts", "Alerts that stand.", len(state.alerts))
        alerts = GaugeMetricFamily("emendo_alert", "Each alert that stands.", labels=("name",))
        for name in dict.fromkeys(state.alerts):
            alerts.add_metric((name,), 1.0)
        yield alerts
