"""The LED patterns, and the bytes for the LEDs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.error import Error
from wyoming.event import Event

from tests.unit.satellite.integration_fakes import RecordingLedDriver
from tests.waiting import wait_until
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.integrations import leds
from wyoming_rosie_satellite.integrations.leds.apa102 import Apa102, encode_frame, open_bus
from wyoming_rosie_satellite.integrations.leds.boards.respeaker_4mic import POWER_PIN, _power_on
from wyoming_rosie_satellite.integrations.leds.controller import LedController
from wyoming_rosie_satellite.integrations.leds.patterns import FAILED_SECONDS, LedState, LedStatus, render_frame
from wyoming_rosie_satellite.integrations.observers import muted_event, phase_event, ringing_event

COLOUR = st.tuples(*[st.integers(0, 255)] * 3)
FAILED = Error(text="it failed").event()


def mood_after(*events: Event, now: float = 100.0) -> LedState:
    show = LedStatus()
    for event in events:
        show.on_event(event, 100.0)
    return show.current_state(now)


@pytest.mark.parametrize(
    ("events", "mood"),
    [
        ([], LedState.OFFLINE),
        ([phase_event("waiting")], LedState.IDLE),
        ([phase_event("streaming")], LedState.LISTENING),
        ([phase_event("thinking")], LedState.THINKING),
        ([phase_event("speaking")], LedState.SPEAKING),
        ([phase_event("waiting"), muted_event(True)], LedState.MUTED),
        ([phase_event("waiting"), muted_event(True), muted_event(False)], LedState.IDLE),
        ([muted_event(True), phase_event("speaking")], LedState.SPEAKING),
        ([phase_event("speaking"), ringing_event(True)], LedState.RINGING),
        ([phase_event("waiting"), ringing_event(True), ringing_event(False)], LedState.IDLE),
        ([ringing_event(True), FAILED], LedState.FAILED),
        ([phase_event("waiting"), phase_event("no such phase")], LedState.IDLE),
    ],
)
def test_the_lights_show_what_matters_most(events: list[Event], mood: LedState) -> None:
    assert mood_after(*events) is mood


def test_a_failure_is_shown_for_a_moment() -> None:
    events = [phase_event("waiting"), FAILED]
    assert mood_after(*events, now=100 + FAILED_SECONDS - 0.1) is LedState.FAILED
    assert mood_after(*events, now=100 + FAILED_SECONDS) is LedState.IDLE


@given(
    st.dictionaries(st.sampled_from(["name", "phase", "muted"]), st.none() | st.text() | st.booleans() | st.floats())
)
def test_no_event_breaks_the_show(data: dict[str, object]) -> None:
    assert mood_after(Event("user-event", data)) in LedState


@given(st.sampled_from(LedState), st.floats(0, 1e9), st.integers(1, 40))
def test_each_picture_has_a_colour_for_every_light(mood: LedState, now: float, count: int) -> None:
    colours = render_frame(mood, now, count)
    assert len(colours) == count
    assert all(0 <= part <= 255 for colour in colours for part in colour)


@given(st.lists(COLOUR, max_size=40), st.integers(1, 31))
def test_a_frame_holds_each_light_in_order(pixels: list[tuple[int, int, int]], brightness: int) -> None:
    sent = encode_frame(pixels, brightness)
    assert sent[:4] == bytes(4)
    for place, (red, green, blue) in enumerate(pixels, start=1):
        assert sent[4 * place : 4 * place + 4] == bytes((0b1110_0000 | brightness, blue, green, red))
    end = sent[4 + 4 * len(pixels) :]
    assert 8 * len(end) >= 32 + len(pixels) // 2  # each light delays the clock by half a bit


class FakeSpi:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.opened = (0, 0)
        self.closed = False
        self.max_speed_hz = 0

    def open(self, bus: int, device: int) -> None:
        self.opened = bus, device

    def writebytes2(self, sent: bytes) -> None:
        self.sent.append(sent)

    def close(self) -> None:
        self.closed = True


class FakeSpidev:
    SpiDev = FakeSpi


class MissingSpi(FakeSpi):
    def open(self, bus: int, device: int) -> None:
        raise FileNotFoundError(2, "No such file or directory")


class FakeSpidevWithoutBus:
    SpiDev = MissingSpi


def test_a_board_is_driven_over_its_bus() -> None:
    spi = open_bus(FakeSpidev())
    board = Apa102(spi, 1, 31, power := FakeSpi())
    board.show([(1, 2, 3)])
    board.close()
    assert (spi.opened, spi.sent[0][4:8]) == ((0, 1), bytes((0xFF, 3, 2, 1)))
    assert spi.closed
    assert power.closed


def test_a_machine_without_a_bus_is_told_what_to_switch_on() -> None:
    with pytest.raises(ConfigError, match="raspi-config"):
        open_bus(FakeSpidevWithoutBus())


class FakeGpiozero:
    class GPIOZeroError(Exception): ...

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.lit: list[tuple[int, bool]] = []

    def LED(self, pin: int, *, initial_value: bool) -> object:  # noqa: N802 - gpiozero's name
        if self.broken:
            raise self.GPIOZeroError("no pins here")
        self.lit.append((pin, initial_value))
        return self


def test_a_pin_feeds_the_lights_of_the_larger_board() -> None:
    gpiozero = FakeGpiozero()
    _power_on(gpiozero)
    assert gpiozero.lit == [(POWER_PIN, True)]
    with pytest.raises(ConfigError, match="no pins here"):
        _power_on(FakeGpiozero(broken=True))


@pytest.mark.parametrize(("name", "brightness"), [("disco", 31), ("respeaker-2mic", 0), ("respeaker-2mic", 32)])
def test_what_cannot_be_had_is_refused(name: str, brightness: int) -> None:
    with pytest.raises(ConfigError):
        leds.load(name, brightness)


@asynccontextmanager
async def running(board: RecordingLedDriver) -> AsyncIterator[LedController]:
    shown = LedController(board, pause_seconds=0.02)
    task = asyncio.create_task(shown.run())
    await asyncio.sleep(0.05)
    try:
        yield shown
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_picture_is_sent_once_and_the_lights_end_dark() -> None:
    board = RecordingLedDriver(1)
    async with running(board) as shown:
        for count, event in ((1, phase_event("waiting")), (2, phase_event("streaming"))):
            await wait_until(partial(board.has_shown, count))
            shown.on_event(Event("played"))
            shown.on_event(event)
        await wait_until(lambda: len(board.shown) == 3)
        shown.on_event(Event("transcript"))
    assert board.shown == [((24, 0, 0),), ((0, 0, 0),), ((0, 0, 255),), ((0, 0, 0),)]
    assert board.closed


async def test_dimmed_lights_are_darker_and_can_be_off() -> None:
    board = RecordingLedDriver(2)
    async with running(board) as shown:
        shown.on_event(phase_event("streaming"))
        await wait_until(lambda: board.shown[-1:] == [((0, 0, 255),) * 2])
        shown.brightness = 0.5
        await wait_until(lambda: board.shown[-1] == ((0, 0, 128),) * 2)
        shown.brightness = 0.0
        await wait_until(lambda: board.shown[-1] == ((0, 0, 0),) * 2)


async def test_what_moves_goes_on_moving() -> None:
    board = RecordingLedDriver(3)
    async with running(board) as shown:
        shown.on_event(phase_event("thinking"))
        await wait_until(lambda: len(set(board.shown)) >= 4)


class Unplugged(RecordingLedDriver):
    broken = True
    tried: Sequence[tuple[int, int, int]] = ()

    def show(self, pixels: Sequence[tuple[int, int, int]]) -> None:
        self.tried = pixels
        if self.broken:
            raise OSError(5, "Input/output error")
        super().show(pixels)


async def test_lights_that_come_back_show_the_moment() -> None:
    board = Unplugged(1)
    async with running(board) as shown:
        shown.on_event(phase_event("streaming"))
        await wait_until(lambda: tuple(board.tried) == ((0, 0, 255),))
        board.broken = False
        await wait_until(lambda: bool(board.shown))
    assert board.shown[0] == ((0, 0, 255),)
