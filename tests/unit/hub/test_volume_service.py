"""Volume intents and service: the events, their targets, and the answers."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.timers.intents import Slots
from wyoming_rosie.timers.requests import IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.volume.intents import create_volume_event, describe_result, find_targets, parse_volume_report
from wyoming_rosie_hub.volume.service import VolumeService

AREAS = {"kitchen satellite": "Kitchen", "den": "Living room", "sofa": "living_room", "attic": None}


@pytest.mark.parametrize(
    ("intent", "slots", "told"),
    [
        ("HassSetVolume", {"volume_level": 40}, {"percent": 40}),
        ("HassSetVolumeRelative", {"volume_step": "up"}, {"change": 10}),
        ("HassSetVolumeRelative", {"volume_step": "down", "area": "Kitchen"}, {"change": -10}),
        ("HassSetVolumeRelative", {"volume_step": -25}, {"change": -25}),
    ],
)
def test_a_volume_intent_becomes_an_event(intent: str, slots: Slots, told: dict[str, int]) -> None:
    event = create_volume_event(intent, slots)
    assert event is not None
    assert (event.type, event.data) == ("user-event", {"name": "volume", **told})


@pytest.mark.parametrize(
    ("intent", "slots"),
    [
        ("HassTurnOn", {"volume_level": 40}),
        ("HassSetVolume", {}),
        ("HassSetVolume", {"volume_level": 140}),
        ("HassSetVolume", {"volume_level": "loud"}),
        ("HassSetVolumeRelative", {"volume_step": "sideways"}),
        ("HassSetVolumeRelative", {"volume_step": -1000}),
    ],
)
def test_an_invalid_volume_becomes_no_event(intent: str, slots: Slots) -> None:
    assert create_volume_event(intent, slots) is None


@pytest.mark.parametrize(
    ("slots", "satellite", "satellites"),
    [
        ({}, "den", ("den",)),
        ({"area": "living room"}, "den", ("den",)),
        ({"area": "Kitchen"}, "den", ("kitchen satellite",)),
        ({"area": "living_room"}, "kitchen satellite", ("den", "sofa")),
        ({"area": "Garage"}, "den", ()),
        ({"area": "Kitchen"}, "attic", ("kitchen satellite",)),
    ],
    ids=["no room", "this room", "another room", "two in a room", "nobody there", "its room is not known"],
)
def test_the_satellite_that_asked_is_meant_unless_another_room_is_named(
    slots: Slots, satellite: str, satellites: tuple[str, ...]
) -> None:
    assert find_targets(slots, satellite, AREAS) == satellites


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([40], "The volume is at 40 percent."),
        ([40, 40], "The volume is at 40 percent."),
        ([40, 50], "The volume is changed where that is possible."),
        ([40, None], "The volume is changed where that is possible."),
        ([None], "Sorry, the volume of this satellite cannot be changed."),
        ([], "There is no satellite in that room."),
    ],
)
def test_the_result_is_described(told: list[int | None], sentence: str) -> None:
    assert describe_result(told) == sentence


@given(name=st.sampled_from(["volume", "muted"]), percent=st.one_of(st.none(), st.integers(), st.text(), st.floats()))
def test_only_valid_volumes_are_parsed(name: str, percent: object) -> None:
    told = parse_volume_report(Event("user-event", {"name": name, "percent": percent}))
    assert told is None or (told == percent and 0 <= told <= 100 and name == "volume")


class Satellites:
    """Satellites that report the requested volume, except unresponsive and disconnected ones."""

    def __init__(self, areas: dict[str, str | None]) -> None:
        self.told: list[tuple[str, Event]] = []
        self.unresponsive: set[str] = set()
        self.volume = VolumeService(lambda: areas, self._tell)

    def _tell(self, satellite_id: str, event: Event) -> bool:
        self.told.append((satellite_id, event))
        if satellite_id not in self.unresponsive and "percent" in event.data:
            asyncio.get_running_loop().call_soon(self.volume.on_report, satellite_id, event.data["percent"])
        return satellite_id != "away"


def loud(satellite: str, language: str = "en") -> IntentRequest:
    return IntentRequest("HassSetVolume", {"volume_level": 40}, SatelliteIdentity(satellite, None, language))


async def test_the_reported_volume_is_the_answer() -> None:
    satellites = Satellites(dict(AREAS))
    said = await satellites.volume.execute(loud("den"))
    assert said == SpokenAnswer("The volume is at 40 percent.")
    assert [who for who, _ in satellites.told] == ["den"]
    satellites.volume.on_report("den", 50)  # a button was pressed


async def test_a_satellite_without_volume_control_is_reported() -> None:
    satellites = Satellites(dict(AREAS))
    satellites.unresponsive = {"den"}
    said = await satellites.volume.execute(loud("den"))
    assert said == SpokenAnswer("Sorry, the volume of this satellite cannot be changed.", succeeded=False)
    assert await satellites.volume.execute(loud("away")) == said


async def test_the_answer_is_in_the_language_of_the_speaker() -> None:
    said = await Satellites(dict(AREAS)).volume.execute(loud("den", "de"))
    assert said == SpokenAnswer("Die Lautstärke ist bei 40 Prozent.")


async def test_other_intents_are_left_to_other_services() -> None:
    assert (
        await Satellites({}).volume.execute(IntentRequest("HassStartTimer", {"minutes": 5}, SatelliteIdentity("den")))
        is None
    )
