"""Fakes of the satellite's controls, timers and LEDs."""

from collections.abc import Sequence
from dataclasses import replace

from wyoming_rosie.timers.timer import Timer
from wyoming_rosie_satellite.integrations.controls import SatelliteStatus


class FakeControls:
    """Records the calls."""

    def __init__(self) -> None:
        self.status = SatelliteStatus(phase="waiting", muted=False, volume=100, ringing=False)
        self.requests: list[str] = []

    def trigger(self, *, held: bool = False) -> None:
        self.requests.append("hold" if held else "trigger")

    def stop(self) -> None:
        self.requests.append("stop")

    def mute(self, muted: bool) -> None:
        self.status = replace(self.status, muted=muted)

    def set_volume(self, percent: int) -> None:
        self.status = replace(self.status, volume=percent)


class FakeTimerControls:
    """Timers that do not run."""

    def __init__(self) -> None:
        self.timers: tuple[Timer, ...] = ()

    def start(self, seconds: float, name: str | None = None) -> str:
        self.timers = (
            *self.timers,
            Timer(str(len(self.timers)), seconds, name).with_remaining(seconds, 0, is_active=True),
        )
        return self.timers[-1].id

    def cancel(self, timer_id: str) -> bool:
        left = tuple(timer for timer in self.timers if timer.id != timer_id)
        was_there, self.timers = len(left) < len(self.timers), left
        return was_there


class RecordingLedDriver:
    """Records every frame."""

    def __init__(self, count: int = 3) -> None:
        self.count = count
        self.shown: list[tuple[tuple[int, int, int], ...]] = []
        self.closed = False

    def show(self, pixels: Sequence[tuple[int, int, int]]) -> None:
        self.shown.append(tuple(pixels))

    def has_shown(self, count: int) -> bool:
        return len(self.shown) == count

    def close(self) -> None:
        self.closed = True
