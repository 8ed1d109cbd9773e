"""A satellite's turns as a monitor sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.metrics import ABANDONED, FAILED, TurnMetrics
from wyoming_rosie_satellite.integrations.observers import muted, phase_shown
from wyoming_rosie_satellite.integrations.turn_metrics import ANSWERED, TurnWatcher
from wyoming_rosie_satellite.messages import Phase


class Notebook(TurnMetrics):
    def __init__(self) -> None:
        self.stages: list[tuple[str, float]] = []
        self.outcomes: list[str] = []

    def observe_stage(self, stage: str, milliseconds: float) -> None:
        self.stages.append((stage, milliseconds))

    def count_outcome(self, outcome: str) -> None:
        self.outcomes.append(outcome)


def seen(*shown: tuple[float, Phase]) -> Notebook:
    """Return what is noted of phases that begin at these seconds."""
    notebook, moments = Notebook(), iter([at for at, _ in shown])
    watcher = TurnWatcher(notebook, lambda: next(moments))
    for _, phase in shown:
        watcher.saw(phase_shown(phase))
    return notebook


def test_each_stage_of_an_answered_turn_is_timed() -> None:
    turn = [(0, Phase.WAITING), (1, Phase.STREAMING), (3, Phase.THINKING), (3.5, Phase.SPEAKING), (5, Phase.WAITING)]
    noted = seen(*turn)
    assert noted.stages == [("listen", 2000), ("answer", 500), ("speak", 1500)]
    assert noted.outcomes == [ANSWERED]


@pytest.mark.parametrize(
    ("phases", "outcomes"),
    [
        pytest.param([Phase.STREAMING, Phase.THINKING, Phase.WAITING], [FAILED], id="no answer"),
        pytest.param([Phase.STREAMING, Phase.WAITING], [FAILED], id="an error while somebody speaks"),
        pytest.param([Phase.STREAMING, Phase.THINKING, Phase.OFFLINE], [ABANDONED], id="the conductor leaves"),
        pytest.param([Phase.STREAMING, Phase.SPEAKING, Phase.STREAMING], [ANSWERED], id="a question and its answer"),
        pytest.param([Phase.STREAMING, Phase.THINKING, Phase.STREAMING], [FAILED], id="somebody asks again"),
        pytest.param([Phase.WAITING, Phase.SPEAKING, Phase.WAITING], [], id="an announcement is no turn"),
        pytest.param([Phase.OFFLINE, Phase.WAITING, Phase.OFFLINE], [], id="nothing is said"),
    ],
)
def test_how_a_turn_ends(phases: list[Phase], outcomes: list[str]) -> None:
    assert seen(*((0, phase) for phase in phases)).outcomes == outcomes


def test_other_events_are_no_phases() -> None:
    notebook = Notebook()
    TurnWatcher(notebook, lambda: 0).saw(muted(True))
    assert (notebook.stages, notebook.outcomes) == ([], [])


@given(st.lists(st.sampled_from(Phase)))
def test_every_turn_but_the_one_under_way_has_ended_once(phases: list[Phase]) -> None:
    begun = sum(phase is Phase.STREAMING for phase in phases)
    assert begun - 1 <= len(seen(*((0, phase) for phase in phases)).outcomes) <= begun
