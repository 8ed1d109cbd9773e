"""Rules of the conductor over MQTT: recording of utterances, order of answers, presence of the bridge."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from wyoming.event import Event

from wyoming_rosie.bus.messages import MAX_INLINE_BYTES, Say

ABSENT_SECONDS = 5.0
"""A connection to the broker that is back within this time counts as never lost."""
RECEIPT_SECONDS = 10.0
"""The bridge is away when it has not sent a receipt for so long: it would not obey an utterance that is older."""
MAX_WAITING_SAYS = 500
TRIGGER = "trigger"
"""Stands for the wake word of a run that a button or a question has started."""


@dataclass(frozen=True)
class RecordedUtterance:
    """What somebody said, without the wake word: 16 kHz, 16-bit, mono."""

    wake_word: str
    pcm: bytes = field(repr=False)


class UtteranceRecorder:
    """Records the events of a run."""

    def __init__(self, max_bytes: int = MAX_INLINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._wake_word = TRIGGER
        self._pcm: bytearray | None = None  # None outside of a run

    def on_event(self, event: Event) -> RecordedUtterance | None:
        """Return the utterance when it is complete: at its end, or when it has as much audio as a message can carry."""
        match event.type:
            case "run-pipeline":
                self._wake_word = str(event.data.get("wake_word_name") or TRIGGER)
                self._pcm = bytearray()
            case "audio-chunk" if self._pcm is not None:
                self._pcm += event.payload or b""
                if len(self._pcm) >= self._max_bytes:
                    return self._finish(self._pcm)
            case "audio-stop" if self._pcm:
                return self._finish(self._pcm)
        return None

    def _finish(self, pcm: bytearray) -> RecordedUtterance:
        self._pcm = None
        return RecordedUtterance(self._wake_word, bytes(pcm[: self._max_bytes]))


class SayQueue:
    """Orders what comes of several sentences at a time: all of one, then all of the next."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Say]] = OrderedDict()  # by key, the current one first
        self._count = 0

    def put(self, key: str, say: Say) -> None:
        """Add a message; without room it is dropped."""
        if self._count < MAX_WAITING_SAYS:
            self._waiting.setdefault(key, deque()).append(say)
            self._count += 1

    def take(self) -> Say | None:
        """Return the next message of the sentence that was begun, else of the oldest one; None if it has not come."""
        if not self._waiting:
            return None
        key, says = next(iter(self._waiting.items()))
        if not says:
            return None
        say = says.popleft()
        self._count -= 1
        if say.audio is None or say.audio.is_last:
            del self._waiting[key]
        return say

    @property
    def is_interrupted(self) -> bool:
        """Whether a sentence was begun whose next message has not come."""
        return bool(self._waiting) and not next(iter(self._waiting.values()))

    def abandon(self) -> None:
        """Wait no longer for the rest of the sentence that was begun."""
        if self.is_interrupted:
            self._waiting.popitem(last=False)


class BridgePresence:
    """Whether the bridge can be reached. `now` is in seconds."""

    def __init__(self) -> None:
        self._connected_at: float | None = None  # the last time
        self._unconfirmed: dict[str, float] = {}  # by key, when each utterance was made

    def on_utterance(self, key: str, now: float) -> None:
        """Note an utterance, which needs a receipt."""
        self._unconfirmed[key] = now

    def on_receipt(self) -> None:
        """Note a receipt: the bridge is there."""
        self._unconfirmed.clear()

    def on_connect(self) -> None:
        """Note a new connection, at which all utterances are sent again."""
        self._unconfirmed.clear()

    def is_present(self, now: float, *, is_connected: bool) -> bool:
        """Return whether the bridge is there, as far as is known."""
        if is_connected:
            self._connected_at = now
        if self._connected_at is None or now - self._connected_at >= ABSENT_SECONDS:
            return False
        return all(now - sent < RECEIPT_SECONDS for sent in self._unconfirmed.values())
