"""Controls of the satellite, for buttons and programs."""

from dataclasses import dataclass
from typing import Protocol

MAX_VOLUME = 100
"""Percent."""


@dataclass(frozen=True)
class SatelliteStatus:
    """State of the satellite; `volume` is 0 to MAX_VOLUME."""

    phase: str
    muted: bool
    volume: int
    ringing: bool


class Controls(Protocol):
    """Interface of a satellite for its controls; no call waits, and one that does not fit its state changes nothing."""

    @property
    def status(self) -> SatelliteStatus: ...

    def trigger(self, *, held: bool = False) -> None:
        """Start a run, as a wake word does; `held`: until `stop`, however long the pauses are."""

    def stop(self) -> None:
        """Stop ringing, speaking and streaming."""

    def mute(self, muted: bool) -> None:
        """Mute or unmute the microphone; survives a restart."""

    def set_volume(self, percent: int) -> None:
        """Set the volume, 0 to MAX_VOLUME; survives a restart."""
