"""Presence of conductors: which slots have a conductor that listens, or one that has paused."""

from dataclasses import dataclass, field

from wyoming_rosie_satellite.messages import BRIDGE_SLOT, SatellitePhase


@dataclass
class ConductorPresence:
    """The slots with a conductor. A slot without one is neither listening nor paused."""

    _listening: set[str] = field(default_factory=set)
    _paused: set[str] = field(default_factory=set)

    @property
    def idle_phase(self) -> SatellitePhase:
        """The phase of an idle satellite: one listening conductor is enough to wait for a wake word.

        The bridge takes no runs from a conductor that has paused.
        """
        if self._listening - {BRIDGE_SLOT}:
            return SatellitePhase.WAITING
        if self._paused:
            return SatellitePhase.PAUSED
        return SatellitePhase.WAITING if self._listening else SatellitePhase.OFFLINE

    def is_listening(self, slot: str) -> bool:
        return slot in self._listening

    def is_paused(self, slot: str) -> bool:
        return slot in self._paused

    def join(self, slot: str) -> None:
        self._listening.add(slot)
        self._paused.discard(slot)

    def pause(self, slot: str) -> None:
        self._listening.discard(slot)
        self._paused.add(slot)

    def leave(self, slot: str) -> None:
        self._listening.discard(slot)
        self._paused.discard(slot)
