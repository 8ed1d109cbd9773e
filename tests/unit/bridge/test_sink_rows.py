"""What becomes of events in the sinks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import Result, VisionEvent, Zones
from wyoming_rosie.bus.schema import wrap
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.sinks.role import SinkRole, event_time, without_speech
from wyoming_rosie_bridge.sinks.settings import SinkSettings
from wyoming_rosie_bridge.sinks.sink import Record
from wyoming_rosie_bridge.sinks.victoria_metrics import WINDOW_MS, LabelLimit, create_rows, split_by_time
from wyoming_rosie_bridge.stage_metrics import StageMetrics

NOW = 1_800_000_000.0
PERSON = VisionEvent(
    "e1", "frigate", "Front Door", "person", "new", score=0.8, start=NOW - 3, zones=Zones(new=("porch",))
)


def envelope(message: VisionEvent | Result) -> Envelope:
    return wrap(message, key="k", source="test", now=NOW)


def test_an_event_is_counted_with_its_score_and_the_zones_it_entered() -> None:
    seen = {"camera": "front_door", "label": "person", "phase": "update"}
    assert list(create_rows(envelope(replace(PERSON, phase="update")), LabelLimit())) == [
        ({"__name__": "rosie_vision_event", **seen}, 1.0),
        ({"__name__": "rosie_vision_score", **seen}, 0.8),
        ({"__name__": "rosie_vision_zone_entered", "camera": "front_door", "label": "person", "zone": "porch"}, 1.0),
    ]


def test_the_first_zones_of_a_new_object_are_counted_by_their_own_events() -> None:
    names = [series["__name__"] for series, _ in create_rows(envelope(PERSON), LabelLimit())]
    assert names == ["rosie_vision_event", "rosie_vision_score"]


def test_of_a_result_only_its_outcome_is_kept() -> None:
    said = envelope(Result("done", ok=True, message="The light is on", device_id="bath", detail="what was said"))
    kept = without_speech(said)
    assert kept == replace(said, data={"outcome": "done", "ok": True})
    assert list(create_rows(kept, LabelLimit())) == [({"__name__": "rosie_result", "outcome": "done"}, 1.0)]


def test_what_is_no_event_is_not_counted() -> None:
    assert list(create_rows(Envelope("rosie.v1.other", "k", NOW, "test", "k", {}), LabelLimit())) == []
    with pytest.raises(BadMessageError):
        list(create_rows(Envelope("rosie.v1.vision.event", "k", NOW, "test", "k", {"camera": 7}), LabelLimit()))


@pytest.mark.parametrize(
    ("event", "at"),
    [
        (PERSON, NOW - 3),
        (replace(PERSON, phase="update"), NOW),
        (replace(PERSON, phase="end", end=NOW - 1), NOW - 1),
        (replace(PERSON, phase="end"), NOW),
        (replace(PERSON, start=3600.0), NOW),  # a camera without a clock begins in 1970
    ],
    ids=["new", "update", "end", "end without a time", "wrong clock"],
)
def test_an_event_has_its_own_time_if_that_can_be_right(event: VisionEvent, at: float) -> None:
    assert event_time(envelope(event)) == at


@given(cameras=st.lists(st.text(max_size=300), max_size=300), most=st.integers(1, 20))
def test_strangers_names_are_a_bounded_number_of_safe_series(cameras: list[str], most: int) -> None:
    labels = LabelLimit(most)
    series = {json.dumps(next(create_rows(envelope(replace(PERSON, camera=camera)), labels))[0]) for camera in cameras}
    assert len(series) <= most + 1  # the last one is `other`
    for text in series:
        assert set(json.loads(text)["camera"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert json.loads(text)["camera"]


@given(times=st.lists(st.integers(0, 10**13), max_size=50))
def test_events_are_read_back_in_short_spans_of_time(times: list[int]) -> None:
    records = [Record(number, at, b"") for number, at in enumerate(times)]
    windows = list(split_by_time(records))
    assert sorted(record.id for window in windows for record in window) == list(range(len(times)))
    for window in windows:
        assert window
        assert window == sorted(window, key=lambda record: record.time_ms)
        assert window[-1].time_ms - window[0].time_ms <= WINDOW_MS


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (SinkSettings(victoria_metrics="http://elsewhere:8428"), "another machine.*https://"),
        (SinkSettings(victoria_metrics="localhost:8428"), "http://HOST:PORT"),
        (SinkSettings(victoria_metrics="http://me:secret@127.0.0.1:8428"), "without a password"),
        (SinkSettings(victoria_metrics="http://127.0.0.1:8428", spool_mb=0), "at least 1"),
        (SinkSettings(kafka=("elsewhere:9092",)), "another machine.*kafka-tls"),
        (SinkSettings(kafka=("127.0.0.1",)), "HOST:PORT"),
        (SinkSettings(kafka=("127.0.0.1:9092",), kafka_user="rosie"), "KAFKA_PASSWORD"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "settings",
)
def test_settings_that_cannot_work_are_refused_with_what_would(
    settings: SinkSettings, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=says):
        SinkRole(replace(settings, spool=tmp_path), BridgeContext(create_memory_buses(), StageMetrics(Metrics())))


def test_the_time_of_the_message_counts_for_a_result() -> None:
    assert event_time(envelope(Result("done", ok=True))) == NOW
