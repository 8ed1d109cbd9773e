"""The turn metrics of a satellite."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.metrics import ABANDONED, FAILED, TurnMetrics
from wyoming_rosie_satellite.integrations.observers import muted_event, phase_event
from wyoming_rosie_satellite.integrations.turn_metrics import ANSWERED, TurnMetricsObserver
from wyoming_rosie_satellite.messages import SatellitePhase


class RecordingTurnMetrics(TurnMetrics):
    def __init__(self) -> None:
        self.stages: list[tuple[str, float]] = []
        self.outcomes: list[str] = []

    def observe_stage(self, stage: str, milliseconds: float) -> None:
        self.stages.append((stage, milliseconds))

    def count_outcome(self, outcome: str) -> None:
        self.outcomes.append(outcome)


def seen(*shown: tuple[float, SatellitePhase]) -> RecordingTurnMetrics:
    """Return what is noted of phases that begin at these seconds."""
    notebook, moments = RecordingTurnMetrics(), iter([at for at, _ in shown])
    watcher = TurnMetricsObserver(notebook, lambda: next(moments))
    for _, phase in shown:
        watcher.on_event(phase_event(phase))
    return notebook


def test_each_stage_of_an_answered_turn_is_timed() -> None:
    turn = [
        (0, SatellitePhase.WAITING),
        (1, SatellitePhase.STREAMING),
        (3, SatellitePhase.THINKING),
        (3.5, SatellitePhase.SPEAKING),
        (5, SatellitePhase.WAITING),
    ]
    noted = seen(*turn)
    assert noted.stages == [("listen", 2000), ("answer", 500), ("speak", 1500)]
    assert noted.outcomes == [ANSWERED]


@pytest.mark.parametrize(
    ("phases", "outcomes"),
    [
        pytest.param(
            [SatellitePhase.STREAMING, SatellitePhase.THINKING, SatellitePhase.WAITING], [FAILED], id="no answer"
        ),
        pytest.param([SatellitePhase.STREAMING, SatellitePhase.WAITING], [FAILED], id="an error while somebody speaks"),
        pytest.param(
            [SatellitePhase.STREAMING, SatellitePhase.THINKING, SatellitePhase.OFFLINE],
            [ABANDONED],
            id="the conductor leaves",
        ),
        pytest.param(
            [SatellitePhase.STREAMING, SatellitePhase.SPEAKING, SatellitePhase.STREAMING],
            [ANSWERED],
            id="a question and its answer",
        ),
        pytest.param(
            [SatellitePhase.STREAMING, SatellitePhase.THINKING, SatellitePhase.STREAMING],
            [FAILED],
            id="somebody asks again",
        ),
        pytest.param(
            [SatellitePhase.WAITING, SatellitePhase.SPEAKING, SatellitePhase.WAITING],
            [],
            id="an announcement is no turn",
        ),
        pytest.param(
            [SatellitePhase.OFFLINE, SatellitePhase.WAITING, SatellitePhase.OFFLINE], [], id="nothing is said"
        ),
    ],
)
def test_how_a_turn_ends(phases: list[SatellitePhase], outcomes: list[str]) -> None:
    assert seen(*((0, phase) for phase in phases)).outcomes == outcomes


def test_other_events_are_no_phases() -> None:
    notebook = RecordingTurnMetrics()
    TurnMetricsObserver(notebook, lambda: 0).on_event(muted_event(True))
    assert (notebook.stages, notebook.outcomes) == ([], [])


@given(st.lists(st.sampled_from(SatellitePhase)))
def test_every_turn_but_the_one_under_way_has_ended_once(phases: list[SatellitePhase]) -> None:
    begun = sum(phase is SatellitePhase.STREAMING for phase in phases)
    assert begun - 1 <= len(seen(*((0, phase) for phase in phases)).outcomes) <= begun
