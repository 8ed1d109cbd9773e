"""Playout: what a page is to hear over WebRTC, handed out in the pace of its playback. Rules without codec and clock."""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from wyoming.event import Event

from wyoming_rosie_hub.web.stream_messages import OPUS, OPUS_FRAME_BYTES

Item: TypeAlias = bytes | Event
MAX_BYTES = OPUS.bytes_in(10)
"""Longest sound that waits; an answer is sent at most three seconds ahead of its playback."""


@dataclass
class Playout:
    """PCM in the format OPUS, and events that are due when the sound before them was handed out."""

    frame_bytes: int = OPUS_FRAME_BYTES
    max_bytes: int = MAX_BYTES
    dropped_bytes: int = 0
    _items: deque[Item] = field(default_factory=deque)
    _pcm_bytes: int = 0

    @property
    def is_empty(self) -> bool:
        return not self._items

    def add_sound(self, pcm: bytes) -> None:
        """Queue PCM; what is beyond the limit is dropped and counted."""
        room = self.max_bytes - self._pcm_bytes
        kept = pcm[: room - room % 2]
        self.dropped_bytes += len(pcm) - len(kept)
        self._pcm_bytes += len(kept)
        if kept and self._items and isinstance(self._items[-1], bytes):
            self._items[-1] += kept
        elif kept:
            self._items.append(kept)

    def add_event(self, event: Event) -> list[Event]:
        """Queue an event behind the sound; return the events that are due at once."""
        self._items.append(event)
        return self._take_events()

    def take_frame(self) -> tuple[bytes, list[Event]]:
        """Return the next frame, empty while there is none, and the events that follow it.

        A frame is shorter only before an event: while more sound may come, a part of a frame waits.
        """
        if not self._items or (len(self._items) == 1 and self._pcm_bytes < self.frame_bytes):
            return b"", self._take_events()
        first = self._items.popleft()
        assert isinstance(first, bytes)
        frame, rest = first[: self.frame_bytes], first[self.frame_bytes :]
        self._pcm_bytes -= len(frame)
        if rest:
            self._items.appendleft(rest)
        return frame, self._take_events()

    def clear(self) -> list[Item]:
        """Drop everything; return what was dropped, in order."""
        dropped = list(self._items)
        self._items.clear()
        self._pcm_bytes = 0
        return dropped

    def _take_events(self) -> list[Event]:
        due: list[Event] = []
        while self._items and isinstance(first := self._items[0], Event):
            self._items.popleft()
            due.append(first)
        return due
