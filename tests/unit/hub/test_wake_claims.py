"""Claims of a hub's satellites: those that wait for the verdict, and those that have started to stream."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.wakeword.arbitration import decisions
from wyoming_rosie.wakeword.arbitration.events import (
    WakeClaim,
    WakeVerdict,
    create_claim_event,
    create_verdict_event,
    parse_arbitration,
    parse_claim,
    parse_verdict,
)
from wyoming_rosie.wakeword.arbitration.rules import HUB_WINDOW_SECONDS
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.satellites.arbitration import SatelliteArbitration
from wyoming_rosie_hub.satellites.wake_claims import WakeClaims

WORD = "okay_nabu"
LOUD, FAINT = (WakeClaim(f"{snr} dB", WORD, score=0.9, snr_db=snr) for snr in (30.0, 10.0))


class Box:
    """A satellite at the hub: what it is told, and what its turn is told."""

    def __init__(self, arbitration: SatelliteArbitration, name: str, *, tells_words: bool = True) -> None:
        self.told: list[Event] = []
        self.inputs: list[m.Input] = []
        self.claims = WakeClaims(arbitration, name, self.told.append, self.inputs.append, tells_words=tells_words)
        self.claims.join()

    @property
    def is_arbitrated(self) -> bool:
        return [False, *(active for event in self.told if (active := parse_arbitration(event)) is not None)][-1]

    @property
    def verdicts(self) -> list[WakeVerdict]:
        return [verdict for event in self.told if (verdict := parse_verdict(event)) is not None]

    def runs(self, turn_id: str = "run") -> None:
        self.claims.claim_run(m.RunRequested(turn_id, wake_word=WORD), None)


@pytest.fixture
async def arbitration() -> AsyncIterator[SatelliteArbitration]:
    yield SatelliteArbitration()
    await asyncio.sleep(0)


@pytest.fixture
def kitchen(arbitration: SatelliteArbitration) -> Box:
    return Box(arbitration, "kitchen")


@pytest.fixture
def hall(arbitration: SatelliteArbitration, kitchen: Box) -> Box:
    return Box(arbitration, "hall")


async def decided() -> None:
    await asyncio.sleep(HUB_WINDOW_SECONDS + 0.05)


async def test_satellites_claim_only_while_there_are_several(arbitration: SatelliteArbitration, kitchen: Box) -> None:
    assert kitchen.told == []
    hall = Box(arbitration, "hall")
    assert [box.is_arbitrated for box in (kitchen, hall)] == [True, True]
    hall.claims.leave()
    assert not kitchen.is_arbitrated


async def test_the_only_satellite_streams_undisturbed(kitchen: Box) -> None:
    kitchen.runs()
    kitchen.claims.claim_detection(m.WakeWordDetected(WORD, 0), None)
    assert kitchen.inputs == [m.WakeWordDetected(WORD, 0)]


async def test_the_louder_claim_wins_and_its_turn_knows_the_others(kitchen: Box, hall: Box) -> None:
    hall.claims.claim(FAINT)
    kitchen.claims.claim(LOUD)
    assert kitchen.verdicts == [WakeVerdict("30.0 dB", wins=True, winner="kitchen")]
    assert hall.verdicts == [WakeVerdict("10.0 dB", wins=False, winner="kitchen")]
    kitchen.runs("30.0 dB")
    assert kitchen.inputs == [m.OthersHeard(("hall",))]
    assert hall.inputs == []


async def test_the_run_of_another_make_ends_when_it_loses(kitchen: Box, hall: Box) -> None:
    hall.runs()
    kitchen.claims.claim(replace(LOUD, age_ms=50))
    assert hall.inputs == [m.AnsweredElsewhere("kitchen")]
    assert hall.verdicts == []


async def test_the_run_of_another_make_goes_on_when_it_wins(kitchen: Box, hall: Box) -> None:
    hall.runs()
    kitchen.claims.claim(FAINT)
    assert hall.inputs == [m.OthersHeard(("kitchen",))]
    assert [verdict.wins for verdict in kitchen.verdicts] == [False]


async def test_a_satellite_that_waited_in_vain_loses_its_run(kitchen: Box, hall: Box) -> None:
    hall.claims.claim(FAINT)
    hall.runs("10.0 dB")
    kitchen.claims.claim(LOUD)
    assert hall.inputs == [m.AnsweredElsewhere("kitchen")]


async def test_a_run_that_comes_late_ends_at_once(kitchen: Box, hall: Box) -> None:
    hall.claims.claim(FAINT)
    await decided()
    kitchen.runs()
    assert kitchen.inputs == [m.AnsweredElsewhere("hall")]


async def test_of_two_detections_of_the_hub_one_counts(kitchen: Box, hall: Box) -> None:
    detection = m.WakeWordDetected(WORD, 100)
    hall.claims.claim_detection(detection, 0.8)
    kitchen.claims.claim_detection(detection, 0.9)
    inputs = {"kitchen": kitchen.inputs, "hall": hall.inputs}
    assert inputs == {"kitchen": [detection, m.OthersHeard(("hall",))], "hall": []}


async def test_a_word_is_claimed_anew_once_the_turn_is_over(
    kitchen: Box, hall: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "LEAST_SUPPRESSION_SECONDS", 0.0)
    hall.claims.claim(FAINT)
    await decided()
    kitchen.claims.claim(LOUD)
    hall.claims.end_turn()
    kitchen.claims.claim(LOUD)
    await decided()
    assert [verdict.wins for verdict in kitchen.verdicts] == [False, True]


async def test_a_button_is_no_claim(kitchen: Box, hall: Box) -> None:
    hall.claims.claim_run(m.RunRequested("button"), None)
    await decided()
    assert hall.inputs == []


async def test_the_run_of_another_make_that_does_not_tell_its_word_ends_when_it_loses(
    arbitration: SatelliteArbitration, kitchen: Box, hall: Box
) -> None:
    garage = Box(arbitration, "garage", tells_words=False)
    garage.claims.claim_run(m.RunRequested("run"), None)
    kitchen.claims.claim(replace(LOUD, age_ms=50))
    await decided()
    assert garage.inputs == [m.AnsweredElsewhere("kitchen")]


async def test_satellites_of_one_name_are_two(arbitration: SatelliteArbitration, kitchen: Box) -> None:
    twin = Box(arbitration, "kitchen")
    twin.claims.claim(LOUD)
    kitchen.claims.claim(FAINT)
    assert [box.verdicts[0].wins for box in (kitchen, twin)] == [False, True]


async def test_a_satellite_that_left_is_told_nothing(kitchen: Box, hall: Box) -> None:
    hall.claims.claim(FAINT)
    hall.claims.leave()
    hall.claims.claim(FAINT)
    kitchen.claims.claim(LOUD)
    await decided()
    assert hall.verdicts == []


@pytest.mark.parametrize("claim", [LOUD, FAINT, WakeClaim("t", WORD, 40, has_follow_up=True)], ids=str)
def test_claims_survive_the_wire(claim: WakeClaim) -> None:
    assert parse_claim(create_claim_event(claim)) == claim


@pytest.mark.parametrize(
    "wrong",
    [
        {"turn_id": ""},
        {"word": 7},
        {"age_ms": -1},
        {"age_ms": True},
        {"score": 2},
        {"snr_db": "loud"},
        {"follow_up": None},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(wrong: dict[str, object]) -> None:
    event = create_claim_event(LOUD)
    with pytest.raises(BadEventError, match="wake-claim"):
        parse_claim(Event(event.type, {**event.data, **wrong}))


def test_wrong_verdicts_are_refused() -> None:
    event = create_verdict_event(WakeVerdict("t", wins=True))
    with pytest.raises(BadEventError, match="wake-verdict"):
        parse_verdict(Event(event.type, {**event.data, "wins": "yes"}))
