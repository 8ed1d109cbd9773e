"""Metrics: plain numbers, converted for Prometheus only at a request."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PREFIX = "wyoming_rosie_"
OTHER = "other"
MAX_SERIES = 200
"""Limit of a metric's series; further labels are counted as OTHER, since peers choose some of the labels."""
BUCKETS_MS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0)
Labels: TypeAlias = tuple[str, ...]
FAILED, ABANDONED = "failed", "left"
"""Outcomes of any turn: an error; the peer disconnected."""


class Counter:
    """A number per label set that only grows; for use from the event loop."""

    def __init__(self, name: str, documentation: str, labels: Labels) -> None:
        self.values: dict[Labels, float] = {} if labels else {(): 0.0}
        self._description = name, documentation, labels

    def add(self, *labels: str, by: float = 1.0) -> None:
        known = _limit_series(labels, self.values)
        self.values[known] = self.values.get(known, 0.0) + by

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily

        name, meaning, labels = self._description
        family = CounterMetricFamily(PREFIX + name, meaning, labels=labels)
        for values, value in dict(self.values).items():
            family.add_metric(values, value)
        yield family


class Histogram:
    """A histogram of milliseconds per label set; for use from the event loop."""

    def __init__(self, name: str, documentation: str, labels: Labels) -> None:
        self.values: dict[Labels, list[float]] = {}
        self._description = name, documentation, labels

    def observe(self, milliseconds: float, *labels: str) -> None:
        known = _limit_series(labels, self.values)
        buckets = self.values.setdefault(known, [0.0] * (len(BUCKETS_MS) + 2))
        buckets[bisect_left(BUCKETS_MS, milliseconds)] += 1
        buckets[-1] += milliseconds  # the sum of all

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.core import HistogramMetricFamily

        name, meaning, labels = self._description
        family = HistogramMetricFamily(PREFIX + name, meaning, labels=labels)
        for values, buckets in dict(self.values).items():
            family.add_metric(values, buckets=_cumulative(buckets[:-1]), sum_value=buckets[-1])
        yield family


class Gauge:
    """A number that `read` returns at each request; `read` is called on a thread and must not block."""

    def __init__(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        self.read = read
        self._description = name, documentation

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.core import GaugeMetricFamily

        name, meaning = self._description
        yield GaugeMetricFamily(PREFIX + name, meaning, value=self.read())


class LabelledGauge:
    """A number per value of one label; `read` returns them at each request, on a thread, and must not block."""

    def __init__(self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        self.read = read
        self._description = name, documentation, [label]

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.core import GaugeMetricFamily

        name, meaning, labels = self._description
        family = GaugeMetricFamily(PREFIX + name, meaning, labels=labels)
        for label, value in self.read().items():
            family.add_metric([label], value)
        yield family


M = TypeVar("M", Counter, Histogram, Gauge, LabelledGauge)


class Metrics:
    """All metrics of a program."""

    def __init__(self) -> None:
        self._metrics: dict[str, Counter | Histogram | Gauge | LabelledGauge] = {}

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """Return a new counter; its name in Prometheus is `wyoming_rosie_NAME_total`."""
        return self._register(name, Counter(name, meaning, labels))

    def histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        """Return a new histogram; its name should end in `_milliseconds`."""
        return self._register(name, Histogram(name, meaning, labels))

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> Gauge:
        """Return a new gauge."""
        return self._register(name, Gauge(name, meaning, read))

    def labelled_gauge(
        self, name: str, meaning: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> LabelledGauge:
        """Return a new gauge with one label."""
        return self._register(name, LabelledGauge(name, meaning, label, read))

    def collect(self) -> "Iterator[Metric]":
        """Yield the metrics for prometheus_client."""
        for metric in self._metrics.values():
            yield from metric.collect()

    def text(self) -> bytes:
        """Return all metrics and the process's own in Prometheus's text format; reads /proc."""
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(self)
        return generate_latest(registry)

    def _register(self, name: str, metric: M) -> M:
        if name in self._metrics:
            raise ValueError(f"there is a metric '{name}' already")
        self._metrics[name] = metric
        return metric


class TurnMetrics:
    """Metrics of a program's turns, for use from the event loop. This base class records nothing."""

    def observe_stage(self, stage: str, milliseconds: float) -> None:
        """Record the duration of a stage."""

    def count_outcome(self, outcome: str) -> None:
        """Count a turn that has ended."""

    @contextmanager
    def turn(self, stage: str) -> "Iterator[TurnOutcome]":
        """Record the outcome of the turn in the block, and its duration unless it fails."""
        yield TurnOutcome()


NULL_TURN_METRICS = TurnMetrics()


class RecordedTurnMetrics(TurnMetrics):
    """Turn metrics that are recorded; `waiting` returns the number of queued requests."""

    def __init__(self, metrics: Metrics, waiting: Callable[[], float] | None = None) -> None:
        self._stages = metrics.histogram("stage_milliseconds", "How long each stage of a turn takes", "stage")
        self._turns = metrics.counter("turns", "Turns that ended", "outcome")
        if waiting is not None:
            metrics.gauge("queue_depth", "Requests that wait for the engine", waiting)

    def observe_stage(self, stage: str, milliseconds: float) -> None:
        self._stages.observe(milliseconds, stage)

    def count_outcome(self, outcome: str) -> None:
        self._turns.add(outcome)

    @contextmanager
    def turn(self, stage: str) -> "Iterator[TurnOutcome]":
        turn, began = TurnOutcome(), time.monotonic()
        try:
            yield turn
        except (asyncio.CancelledError, ConnectionError):
            turn.outcome = ABANDONED
            raise
        else:
            self.observe_stage(stage, 1000 * (time.monotonic() - began))
        finally:
            self.count_outcome(turn.outcome)


class TurnOutcome:
    """The outcome of a running turn, set by its handler."""

    outcome = FAILED


def create_turn_metrics(
    metrics: Metrics, waiting: Callable[[], float] | None = None, *, is_enabled: bool
) -> TurnMetrics:
    """Return turn metrics, which record only if enabled."""
    return RecordedTurnMetrics(metrics, waiting) if is_enabled else NULL_TURN_METRICS


def _limit_series(labels: Labels, known: dict[Labels, float] | dict[Labels, list[float]]) -> Labels:
    if labels in known or len(known) < MAX_SERIES:
        return labels
    return (OTHER,) * len(labels)


def _cumulative(counts: list[float]) -> list[tuple[str, float]]:
    total = 0.0
    buckets: list[tuple[str, float]] = []
    for limit, count in zip([*map(str, BUCKETS_MS), "+Inf"], counts, strict=True):
        total += count
        buckets.append((limit, total))
    return buckets
