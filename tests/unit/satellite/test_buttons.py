"""Buttons of all kinds; the libraries are fakes, the file descriptors are real."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.satellite.integration_fakes import FakeControls
from tests.waiting import wait_until
from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.integrations import buttons
from wyoming_rosie_satellite.integrations.buttons import ButtonDriver, ButtonKey, KeyEvent
from wyoming_rosie_satellite.integrations.buttons.controller import ButtonController
from wyoming_rosie_satellite.integrations.buttons.drivers.gpiod import GpiodButton
from wyoming_rosie_satellite.integrations.buttons.drivers.gpiozero import GpiozeroButton
from wyoming_rosie_satellite.integrations.buttons.drivers.usb import UsbButtons
from wyoming_rosie_satellite.integrations.buttons.press_detector import (
    DEBOUNCE_SECONDS,
    LONG_PRESS_SECONDS,
    ButtonAction,
    PressDetector,
    perform_action,
)

DOWN, UP = KeyEvent(ButtonKey.TALK, is_down=True), KeyEvent(ButtonKey.TALK, is_down=False)


def actions(*moves: tuple[float, KeyEvent]) -> list[ButtonAction]:
    """Return what the moves at these times ask for, with a look at the deadline before each and at the end."""
    presses, found = PressDetector(), []
    for now, move in moves:
        found += [presses.on_deadline(now), presses.process(move, now)]
    return [action for action in [*found, presses.on_deadline(1e9)] if action]


def test_a_short_press_asks_to_talk_when_the_button_comes_up() -> None:
    assert actions((0, DOWN), (0.2, UP)) == [ButtonAction.TALK]


def test_a_long_press_asks_to_mute_while_it_is_held() -> None:
    assert actions((0, DOWN), (LONG_PRESS_SECONDS + 1, UP)) == [ButtonAction.MUTE]
    assert actions((0, DOWN)) == [ButtonAction.MUTE]


def test_a_contact_that_bounces_counts_once() -> None:
    bouncing = [(0, DOWN), (0.001, UP), (0.002, DOWN), (0.003, UP), (0.004, DOWN)]
    assert actions(*bouncing, (0.2, UP)) == [ButtonAction.TALK]


def test_who_presses_twice_means_it_twice() -> None:
    assert actions((1, DOWN), (1.1, UP), (1.1 + DEBOUNCE_SECONDS, DOWN), (2, UP)) == [
        ButtonAction.TALK,
        ButtonAction.TALK,
    ]


@pytest.mark.parametrize(
    ("phase", "is_ringing", "asked"),
    [
        ("waiting", False, ["hold"]),
        ("speaking", False, ["hold"]),
        ("waiting", True, ["stop"]),
        ("thinking", False, ["hold"]),
    ],
)
def test_with_push_to_talk_it_listens_as_long_as_the_button_is_held(
    phase: str, is_ringing: bool, asked: list[str]
) -> None:
    presses, controls = PressDetector(push_to_talk=True), FakeControls()
    controls.status = replace(controls.status, phase=phase, ringing=is_ringing)
    for is_down in (True, True):
        if (action := presses.process(KeyEvent(ButtonKey.TALK, is_down), 0.0)) is not None:
            perform_action(action, controls)
    assert controls.requests == asked
    assert presses.on_deadline(100.0) is None
    controls.status = replace(controls.status, phase="streaming")
    action = presses.process(KeyEvent(ButtonKey.TALK, False), 5.0)
    assert action is ButtonAction.RELEASE
    perform_action(action, controls)
    assert controls.requests == [*asked, "stop"]


def test_who_lets_go_when_nothing_listens_any_more_ends_no_answer() -> None:
    controls = FakeControls()
    controls.status = replace(controls.status, phase="speaking")
    perform_action(ButtonAction.RELEASE, controls)
    assert controls.requests == []


def test_keys_of_a_headset_act_when_they_go_down() -> None:
    moves = [
        (float(at), KeyEvent(key, down))
        for at, key in enumerate((ButtonKey.MUTE, ButtonKey.LOUDER))
        for down in (True, False)
    ]
    assert actions(*moves) == [ButtonAction.MUTE, ButtonAction.LOUDER]


@given(st.lists(st.tuples(st.floats(0, 3), st.builds(KeyEvent, st.sampled_from(ButtonKey), st.booleans()))))
def test_no_more_happens_than_keys_go_down(moves: list[tuple[float, KeyEvent]]) -> None:
    now, timed = 0.0, []
    for passed, move in moves:
        now += passed
        timed.append((now, move))
    assert len(actions(*timed)) <= sum(move.is_down for _, move in timed)


@pytest.mark.parametrize(
    ("phase", "is_ringing", "asked"),
    [("waiting", False, "trigger"), ("offline", False, "trigger"), ("waiting", True, "stop"), ("speaking", False, "stop"),
     ("streaming", False, "stop")],
)  # fmt: skip
def test_the_talk_button_begins_or_ends(phase: str, is_ringing: bool, asked: str) -> None:
    controls = FakeControls()
    controls.status = replace(controls.status, phase=phase, ringing=is_ringing)
    perform_action(ButtonAction.TALK, controls)
    assert controls.requests == [asked]


def test_mute_toggles_and_volume_has_ends() -> None:
    controls = FakeControls()
    states = []
    for _ in range(2):
        perform_action(ButtonAction.MUTE, controls)
        states.append(controls.status.muted)
    assert states == [True, False]
    perform_action(ButtonAction.LOUDER, controls)
    assert controls.status.volume == 100
    for _ in range(30):
        perform_action(ButtonAction.SOFTER, controls)
    assert controls.status.volume == 0


class FakeGpiozeroButton:
    def __init__(self, pin: int) -> None:
        self.pin = pin
        self.closed = False
        self.when_pressed: Any = None
        self.when_released: Any = None

    def close(self) -> None:
        self.closed = True


class FakeGpiozero:
    class GPIOZeroError(Exception): ...

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.made: list[FakeGpiozeroButton] = []

    def Button(self, pin: int, *, bounce_time: float) -> FakeGpiozeroButton:  # noqa: N802 - gpiozero's name
        if self.broken:
            raise self.GPIOZeroError("the pin is in use")
        self.made.append(FakeGpiozeroButton(pin))
        return self.made[-1]


async def first(moves: AsyncGenerator[KeyEvent, None], count: int) -> list[KeyEvent]:
    async with asyncio.timeout(60):
        return [await anext(moves) for _ in range(count)]


async def test_a_pin_is_heard_on_gpiozeros_thread() -> None:
    gpiozero = FakeGpiozero()
    async with aclosing(GpiozeroButton(gpiozero, 17).events()) as moves:
        reading = asyncio.create_task(first(moves, 2))
        while not gpiozero.made or gpiozero.made[0].when_released is None:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(gpiozero.made[0].when_pressed)
        await asyncio.to_thread(gpiozero.made[0].when_released)
        assert await reading == [DOWN, UP]
    assert (gpiozero.made[0].pin, gpiozero.made[0].closed) == (17, True)


async def test_a_pin_in_use_is_a_fault_of_the_device() -> None:
    with pytest.raises(DeviceError, match="in use"):
        await anext(GpiozeroButton(FakeGpiozero(broken=True), 17).events())


class FakeLine:
    """One line of a chip; `send` makes edges, 1 for falling, that can be read from a real pipe."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe()
        self.released = False
        os.set_blocking(self.fd, False)

    def send(self, *edges: int) -> None:
        os.write(self._write, bytes(edges))

    def read(self) -> bytes:
        return os.read(self.fd, 64)

    def release(self) -> None:
        self.released = True

    def hang_up(self) -> None:
        os.close(self._write)
        self._write = -1

    def free(self) -> None:
        os.close(self.fd)
        if self._write >= 0:
            self.hang_up()


@pytest.fixture
def line() -> Iterator[FakeLine]:
    one = FakeLine()
    yield one
    one.free()


def gpiod_1(line: FakeLine) -> Any:
    """The names of libgpiod 1.6 that matter here."""
    requested = SimpleNamespace(
        request=lambda **_: None,
        event_get_fd=lambda: line.fd,
        event_read_multiple=lambda: [SimpleNamespace(type=edge) for edge in line.read()],
        release=line.release,
    )
    chip = SimpleNamespace(get_line=lambda _: requested, close=lambda: None)
    return SimpleNamespace(
        Chip=lambda _: chip,
        LineEvent=SimpleNamespace(FALLING_EDGE=1),
        LINE_REQ_EV_BOTH_EDGES=3,
        LINE_REQ_FLAG_BIAS_PULL_UP=32,
    )


def gpiod_2(line: FakeLine) -> Any:
    """The names of libgpiod 2.x that matter here."""
    rising, falling = object(), object()
    requested = SimpleNamespace(
        fd=line.fd,
        read_edge_events=lambda: [SimpleNamespace(event_type=falling if edge else rising) for edge in line.read()],
        release=line.release,
    )
    return SimpleNamespace(
        request_lines=lambda *_, **__: requested,
        LineSettings=lambda **_: None,
        EdgeEvent=SimpleNamespace(Type=SimpleNamespace(FALLING_EDGE=falling)),
        line=SimpleNamespace(Edge=SimpleNamespace(BOTH=3), Bias=SimpleNamespace(PULL_UP=2)),
    )


@pytest.mark.parametrize("gpiod", [gpiod_1, gpiod_2])
async def test_a_line_is_heard_through_either_libgpiod(gpiod: Any, line: FakeLine) -> None:
    async with aclosing(GpiodButton(gpiod(line), "gpiochip0", 17).events()) as moves:
        reading = asyncio.create_task(first(moves, 3))
        await asyncio.sleep(0.05)
        line.send(1, 0)
        await asyncio.sleep(0.05)
        line.send(1)
        assert await reading == [DOWN, UP, DOWN]
    assert line.released


@dataclass
class FakeInput:
    """An input device; each byte in its pipe is a key code, with its value in the next."""

    name: str
    keys: list[int]
    line: FakeLine

    @property
    def fd(self) -> int:
        return self.line.fd

    def capabilities(self) -> dict[int, list[int]]:
        return {1: self.keys}

    def read(self) -> Iterable[Any]:
        if not (raw := self.line.read()):
            raise OSError(19, "No such device")
        return [SimpleNamespace(type=1, code=raw[at], value=raw[at + 1]) for at in range(0, len(raw), 2)]

    def close(self) -> None:
        self.line.release()


CODES = {
    "EV_KEY": 1, "KEY_MUTE": 113, "KEY_MICMUTE": 248, "KEY_VOLUMEUP": 115, "KEY_VOLUMEDOWN": 114,
    "KEY_PLAYPAUSE": 164, "KEY_PHONE": 169,
}  # fmt: skip


def evdev(*devices: FakeInput) -> Any:
    known = {f"/dev/input/event{number}": device for number, device in enumerate(devices)}
    return SimpleNamespace(list_devices=lambda: list(known), InputDevice=known.get, ecodes=SimpleNamespace(**CODES))


async def test_a_speakerphone_is_found_among_others_and_heard(line: FakeLine) -> None:
    keyboard = FakeInput("Keyboard", [30, 31], FakeLine())
    phone = FakeInput("Jabra SPEAK 510", [113, 115], line)
    async with aclosing(UsbButtons(evdev(keyboard, phone), "speak").events()) as moves:
        reading = asyncio.create_task(first(moves, 5))
        await asyncio.sleep(0.05)
        line.send(113, 1, 113, 2, 113, 0, 115, 1, 115, 2, 30, 1, 115, 0)
        louder = KeyEvent(ButtonKey.LOUDER, is_down=True)
        assert await reading == [
            KeyEvent(ButtonKey.MUTE, is_down=True), KeyEvent(ButtonKey.MUTE, is_down=False), louder, louder, replace(louder, is_down=False)
        ]  # fmt: skip
    assert line.released
    assert keyboard.line.released
    keyboard.line.free()


async def test_a_speakerphone_that_is_pulled_out_is_gone(line: FakeLine) -> None:
    async with aclosing(UsbButtons(evdev(FakeInput("Jabra", [113], line)), "").events()) as moves:
        reading = asyncio.create_task(first(moves, 1))
        await asyncio.sleep(0.05)
        line.hang_up()
        with pytest.raises(OSError, match="No such device"):
            await reading


async def test_no_such_device_is_a_fault_that_says_what_to_look_at() -> None:
    with pytest.raises(DeviceError, match=r"named 'jabra' are there; .*group input"):
        await anext(UsbButtons(evdev(), "jabra").events())


@pytest.mark.parametrize(
    "written", ["", "knob", "gpiozero", "gpiozero:x", "gpiozero:-1", "gpiod:", "gpiod:gpiochip0:", "gpiod:gpiochip0"]
)
def test_what_is_no_button_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="write"):
        buttons.load(written)


class FakeButtonDriver:
    """Fails once, then makes its moves and waits."""

    def __init__(self, *moves: KeyEvent) -> None:
        self._moves = moves
        self._failed = False

    async def events(self) -> AsyncGenerator[KeyEvent, None]:
        if not self._failed:
            self._failed = True
            raise OSError(19, "No such device")
        for move in self._moves:
            yield move
        await asyncio.sleep(3600)


@asynccontextmanager
async def pressed(one: ButtonDriver, controls: FakeControls) -> AsyncIterator[None]:
    task = asyncio.create_task(ButtonController(one, controls, first_pause_seconds=0.01).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_buttons_that_were_away_are_obeyed() -> None:
    controls = FakeControls()
    async with pressed(FakeButtonDriver(DOWN, UP, KeyEvent(ButtonKey.SOFTER, is_down=True)), controls):
        await wait_until(lambda: controls.status.volume == 95)
    assert controls.requests == ["trigger"]


async def test_a_button_that_is_held_mutes_before_it_comes_up() -> None:
    controls = FakeControls()
    async with pressed(FakeButtonDriver(DOWN), controls):
        assert not controls.status.muted
        await wait_until(lambda: controls.status.muted)
