"""Wake detector at a wake daemon."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event
from wyoming.info import Describe, Info, WakeProgram
from wyoming.wake import Detect

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.wakeword.detection import match_name
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.detector import AudioBacklog, count_samples

_LOG = structlog.get_logger()
MAX_PAUSE_SECONDS = 30.0
SAMPLES_PER_MS = SPEECH.rate // 1000
MAX_STREAM_MS = 1e12
MAX_WORDS = 64
USER_EVENT = "user-event"
SCORES = "scores"
"""Name of the user-event that asks the wake daemon for scores, and of its answer."""
CONTEXT = {"near_misses": True}


class RemoteDetector:
    """Streams the microphone to a wake daemon, and reconnects when it is away; without names the daemon chooses."""

    def __init__(self, uri: str, names: Sequence[str], on_info: Callable[[list[WakeProgram]], None]) -> None:
        self._uri = uri
        self._detect = Detect(names=list(names) or None, context=CONTEXT).event()
        self._selected: Sequence[str] | None = None  # None: as in the settings
        self._is_changed = asyncio.Event()
        self._on_info = on_info  # called with the wake words that the daemon can detect
        self._backlog = AudioBacklog()
        self._is_connected = False
        self._sent = 0  # samples of this connection's stream
        self._scores: dict[str, float] = {}
        self._is_asked = False  # for scores
        self.thresholds: dict[str, float] = {}

    def push_audio(self, pcm: bytes) -> None:
        self._backlog.push(pcm)

    def take_scores(self) -> Mapping[str, float]:
        """Return the scores that the daemon told since the last call, and ask it for the next ones."""
        scores, self._scores, self._is_asked = self._scores, {}, True
        return scores

    def select_words(self, names: Sequence[str]) -> None:
        self._selected = names
        self._detect = Detect(names=list(names) or None, context=CONTEXT).event()
        self._is_changed.set()

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                async with connect(self._uri, role="wake") as peer:
                    await run_until_first_exit(
                        self._send(peer), self._receive(peer, on_wake_word), self._wait_for_change()
                    )
                    continue
            except RosieError as err:
                if self._is_connected:
                    backoff.reset()
                if not backoff.failures:
                    _LOG.warning("wake daemon is away", uri=self._uri, reason=str(err))
            self._is_connected = False
            await backoff.sleep()

    async def _wait_for_change(self) -> None:
        """Wait until other words are selected, which the daemon learns on a new connection."""
        await self._is_changed.wait()
        self._is_changed.clear()

    async def _send(self, peer: Client) -> None:
        self._backlog.reset()
        self._sent = 0
        for event in (Describe().event(), self._detect, AudioStart(SPEECH.rate, SPEECH.width, SPEECH.channels).event()):
            await peer.send(event)
        while True:
            pcm = await self._backlog.pop()
            if self._is_asked:
                self._is_asked = False
                await peer.send(Event(USER_EVENT, {"name": SCORES}))
            timestamp = self._sent // SAMPLES_PER_MS
            self._sent += count_samples(pcm)
            await peer.send(AudioChunk(SPEECH.rate, SPEECH.width, SPEECH.channels, pcm, timestamp=timestamp).event())

    async def _receive(self, peer: Client, on_wake_word: Callable[[WakeWord], None]) -> None:
        while True:
            event = await peer.receive()
            match event.type:
                case "info":
                    self._is_connected = True
                    _LOG.info("wake daemon connected", uri=self._uri)
                    self._on_info(_parse_wake_programs(event))
                case "detection":
                    word = self._parse_detection(event)
                    if self._selected is None or match_name(word.name, self._selected) in self._selected:
                        on_wake_word(word)
                case "user-event":
                    self._on_user_event(event, on_wake_word)
                case "error":
                    _LOG.warning("wake daemon reports an error", uri=self._uri, reason=event.data.get("text"))

    def _on_user_event(self, event: Event, on_wake_word: Callable[[WakeWord], None]) -> None:
        match event.data.get("name"):
            case "near-miss":
                name, score = str(event.data.get("word") or ""), _bounded_number(event.data.get("score"), 1.0)
                on_wake_word(WakeWord(name, self._backlog.offset + self._sent, turn.new_id(), score, is_near_miss=True))
            case "scores":
                for name, score in _parse_shares(event.data.get("wake_scores")).items():
                    self._scores[name] = max(score, self._scores.get(name, 0.0))
                self.thresholds.update(_parse_shares(event.data.get("wake_thresholds")))

    def _parse_detection(self, detection: Event) -> WakeWord:
        context = turn.event_context(detection)
        milliseconds = _bounded_number(detection.data.get("timestamp"), MAX_STREAM_MS)
        position = self._sent if milliseconds is None else round(milliseconds * SAMPLES_PER_MS)
        return WakeWord(
            name=str(detection.data.get("name") or ""),
            sample=self._backlog.offset + position,
            turn_id=str(context.get("turn_id") or turn.new_id()),
            score=_bounded_number(context.get("score"), 1.0),
        )


def _parse_wake_programs(info: Event) -> list[WakeProgram]:
    try:
        return Info.from_event(info).wake
    except (TypeError, KeyError, ValueError, AttributeError) as err:  # it is from another program
        raise BadEventError("the wake daemon's info cannot be read") from err


def _parse_shares(given: object) -> dict[str, float]:
    """Return the valid numbers from 0 to 1 by wake word."""
    if not isinstance(given, Mapping):
        return {}
    numbers = {str(name): _bounded_number(number, 1.0) for name, number in list(given.items())[:MAX_WORDS]}
    return {name: number for name, number in numbers.items() if number is not None}


def _bounded_number(value: object, limit: float) -> float | None:
    number = parse_number(value)
    return number if number is not None and 0 <= number <= limit else None
