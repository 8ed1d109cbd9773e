"""What buttons and programs may have the satellite do."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class SatelliteStatus:
    """How the satellite is; `volume` is 0 to 100."""

    phase: str
    muted: bool
    volume: int
    ringing: bool


class Controls(Protocol):
    """A satellite that does what it is told; nothing waits, what makes no sense now changes nothing."""

    @property
    def status(self) -> SatelliteStatus: ...

    def trigger(self, *, held: bool = False) -> None:
        """Listen now, as after a wake word; held: until told to stop, whatever pauses the speaker makes."""

    def stop(self) -> None:
        """Stop ringing, speaking and listening."""

    def mute(self, muted: bool) -> None:
        """Let nothing that the microphone hears leave it, or everything again; survives a restart."""

    def set_volume(self, percent: int) -> None:
        """Play this loud from now on, 0 to 100; survives a restart."""
