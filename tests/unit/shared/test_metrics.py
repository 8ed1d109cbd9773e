"""Metrics, and their text for Prometheus."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from wyoming_rosie.errors import EngineError
from wyoming_rosie.metrics import ABANDONED, BUCKETS_MS, FAILED, MAX_SERIES, OTHER, Metrics, create_turn_metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_a_counter_counts_each_label() -> None:
    metrics = Metrics()
    turns = metrics.counter("turns", "Turns", "outcome")
    for outcome in ("ok", "ok", "failed"):
        turns.add(outcome)
    found = samples(metrics)
    assert found["wyoming_rosie_turns_total", (("outcome", "ok"),)] == 2
    assert found["wyoming_rosie_turns_total", (("outcome", "failed"),)] == 1


def test_a_counter_without_labels_begins_at_nothing() -> None:
    metrics = Metrics()
    metrics.counter("dropped", "Dropped frames")
    assert samples(metrics)["wyoming_rosie_dropped_total", ()] == 0


def test_a_gauge_is_read_when_somebody_asks() -> None:
    metrics, waiting = Metrics(), [1]
    metrics.gauge("waiting", "Waiting requests", lambda: len(waiting))
    waiting.append(2)
    assert samples(metrics)["wyoming_rosie_waiting", ()] == 2


@given(st.lists(st.floats(0, 60_000)))
def test_every_duration_lies_below_its_limits(durations: Iterable[float]) -> None:
    metrics = Metrics()
    stage = metrics.histogram("stage_milliseconds", "Stages", "stage")
    stage.observe(0, "asr")
    for milliseconds in durations:
        stage.observe(milliseconds, "asr")
    found = samples(metrics)
    for limit in BUCKETS_MS:
        below = found["wyoming_rosie_stage_milliseconds_bucket", (("le", str(limit)), ("stage", "asr"))]
        assert below == 1 + sum(one <= limit for one in durations)
    assert found["wyoming_rosie_stage_milliseconds_sum", (("stage", "asr"),)] == pytest.approx(sum(durations))


def test_labels_that_peers_make_up_are_bounded() -> None:
    metrics = Metrics()
    sent = metrics.counter("sent", "Events", "type")
    for number in range(3 * MAX_SERIES):
        sent.add(f"type-{number}")
    assert len(sent.values) == MAX_SERIES + 1
    assert sent.values[(OTHER,)] == 2 * MAX_SERIES


def test_the_process_is_measured_too() -> None:
    found = samples(Metrics())
    assert found["process_resident_memory_bytes", ()] > 1_000_000
    assert found["process_cpu_seconds_total", ()] > 0


def test_a_name_is_given_once() -> None:
    metrics = Metrics()
    metrics.counter("turns", "Turns")
    with pytest.raises(ValueError, match="already"):
        metrics.gauge("turns", "Turns", lambda: 0)


def ended_by(error: BaseException | None) -> Metrics:
    """Return the metrics after one turn that ended so."""
    metrics = Metrics()
    with suppress(BaseException), create_turn_metrics(metrics, is_enabled=True).turn("decide") as answered:
        if error is not None:
            raise error
        answered.outcome = "understood"
    return metrics


def test_a_turn_is_timed_and_counted() -> None:
    found = samples(ended_by(None))
    assert found["wyoming_rosie_turns_total", (("outcome", "understood"),)] == 1
    assert found["wyoming_rosie_stage_milliseconds_count", (("stage", "decide"),)] == 1
    assert found["wyoming_rosie_stage_milliseconds_sum", (("stage", "decide"),)] < 1000


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(EngineError("out of order"), FAILED, id="a failure"),
        pytest.param(ZeroDivisionError(), FAILED, id="a mistake of ours"),
        pytest.param(asyncio.CancelledError(), ABANDONED, id="nobody waits any more"),
        pytest.param(ConnectionResetError(), ABANDONED, id="the peer is gone"),
    ],
)
def test_a_turn_without_an_answer_is_counted_and_not_timed(error: BaseException, outcome: str) -> None:
    found = samples(ended_by(error))
    assert found["wyoming_rosie_turns_total", (("outcome", outcome),)] == 1
    assert ("wyoming_rosie_stage_milliseconds_count", (("stage", "decide"),)) not in found


def test_the_queue_is_measured_when_somebody_asks() -> None:
    metrics, queue = Metrics(), ["one"]
    create_turn_metrics(metrics, lambda: len(queue), is_enabled=True)
    queue.append("another")
    assert samples(metrics)["wyoming_rosie_queue_depth", ()] == 2


def test_no_notes_are_taken_unless_wanted() -> None:
    metrics = Metrics()
    uncounted = create_turn_metrics(metrics, lambda: 1, is_enabled=False)
    with uncounted.turn("decide"):
        uncounted.observe_stage("decode", 5)
        uncounted.count_outcome("understood")
    assert list(metrics.collect()) == []
