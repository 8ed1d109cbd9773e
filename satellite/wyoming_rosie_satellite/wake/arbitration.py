"""Wake arbitration: holds a wake word until it is decided whether this satellite answers, or another one that heard it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog
from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.wakeword.arbitration.events import WakeClaim, WakeVerdict, create_claim_event
from wyoming_rosie.wakeword.arbitration.loudness import LoudnessMeter
from wyoming_rosie.wakeword.arbitration.peer_arbiter import Decided
from wyoming_rosie.wakeword.arbitration.rules import Claim, to_permille, to_tenths
from wyoming_rosie.wakeword.detection import normalize_name
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.detector import count_samples

_LOG = structlog.get_logger()
VERDICT_TIMEOUT_SECONDS = 0.6
"""Time without a verdict after which the satellite answers: a stall of the Wi-Fi is mostly over by then, and without the hub nobody would understand."""
MAX_HELD = 8


class PeerSatellites(Protocol):
    """Other satellites of the house, which decide together with this one while no conductor does."""

    @property
    def is_alone(self) -> bool:
        """Whether no other satellite was heard within a day."""

    def claim(self, claim: Claim, on_decided: Callable[[Decided], None]) -> None:
        """Claim a wake word; `on_decided` is called once, perhaps at once."""

    def end_turn(self) -> None:
        """Let the words that this satellite has won be claimed anew, as its turn is over."""


class ArbitratingConductor(Protocol):
    """A conductor that decides which of its satellites answers."""

    def queue_event(self, event: Event) -> None:
        """Send an event as soon as possible; never waits."""


@dataclass(frozen=True)
class Situation:
    """What a claim says about the satellite besides the word: who conducts it, and whether it is spoken with."""

    conductor: ArbitratingConductor | None
    has_follow_up: bool


@dataclass(frozen=True)
class _HeldWord:
    word: WakeWord
    conductor: ArbitratingConductor
    since: float
    timer: asyncio.TimerHandle


class WakeArbitration:
    """Passes wake words on to `answer`: at once if nobody arbitrates, else when this satellite has won.

    A word that is held loses none of the command: what follows it stays in the pre-roll.
    """

    def __init__(self, answer: Callable[[WakeWord], None], peers: PeerSatellites | None = None) -> None:
        self._answer = answer
        self._peers = peers
        self._arbitrating: set[ArbitratingConductor] = set()
        self._held: dict[str, _HeldWord] = {}  # by turn
        self._meter = LoudnessMeter()
        self._position = 0  # samples of the microphone's audio

    def push_audio(self, pcm: bytes) -> None:
        """Measure the next audio of the microphone, while others could hear the same."""
        self._position += count_samples(pcm)
        if self._arbitrating or (self._peers is not None and not self._peers.is_alone):
            self._meter.push(pcm, self._position)

    def set_arbitrating(self, conductor: ArbitratingConductor, *, is_active: bool) -> None:
        """Claim wake words at a conductor from now on, or no longer."""
        if is_active:
            self._arbitrating.add(conductor)
        else:
            self.forget(conductor)

    def forget(self, conductor: ArbitratingConductor) -> None:
        """Decide without a conductor that has left."""
        self._arbitrating.discard(conductor)
        for held in [held for held in self._held.values() if held.conductor is conductor]:
            self._release(held.word)

    def on_wake_word(self, word: WakeWord, situation: Situation) -> None:
        """Answer a wake word, or claim it and wait."""
        if situation.conductor in self._arbitrating and len(self._held) < MAX_HELD:
            self._claim(word, situation.conductor, has_follow_up=situation.has_follow_up)
        elif self._peers is not None and not self._peers.is_alone:
            self._peers.claim(self._create_peer_claim(word, situation), partial(self._on_decided, word, loop_time()))
        else:
            self._answer(word)

    def on_verdict(self, verdict: WakeVerdict) -> None:
        """Take the conductor's decision; one that comes too late changes nothing."""
        held = self._held.get(verdict.turn_id)
        if held is None:
            return
        if verdict.wins:
            _log_win(held.word, held.since)
            self._release(held.word)
            return
        held.timer.cancel()
        del self._held[verdict.turn_id]
        _log_loss(held.word, verdict.winner)

    def end_turn(self) -> None:
        """Let the other satellites claim the word anew, as the turn of this one is over; a conductor knows by itself."""
        if self._peers is not None:
            self._peers.end_turn()

    def _claim(self, word: WakeWord, conductor: ArbitratingConductor, *, has_follow_up: bool) -> None:
        age_ms = max(0, round(1000 * (self._position - word.sample) / SPEECH.rate))
        snr = self._meter.measure_word(word.sample)
        conductor.queue_event(
            create_claim_event(WakeClaim(word.turn_id, word.name, age_ms, word.score, snr, has_follow_up))
        )
        timer = asyncio.get_running_loop().call_later(VERDICT_TIMEOUT_SECONDS, self._release, word)
        self._held[word.turn_id] = _HeldWord(word, conductor, loop_time(), timer)

    def _create_peer_claim(self, word: WakeWord, situation: Situation) -> Claim:
        return Claim(
            "",
            normalize_name(word.name),
            to_permille(word.score),
            to_tenths(self._meter.measure_word(word.sample)),
            has_follow_up=situation.has_follow_up,
            has_conductor=situation.conductor is not None,
        )

    def _on_decided(self, word: WakeWord, since: float, decided: Decided) -> None:
        if not decided.wins:
            _log_loss(word, decided.winner)
            return
        _log_win(word, since, heard_too=decided.others)
        self._answer(word)

    def _release(self, word: WakeWord) -> None:
        self._held.pop(word.turn_id).timer.cancel()
        self._answer(word)


def _log_win(word: WakeWord, since: float, **fields: Any) -> None:
    waited_ms = round(1000 * (loop_time() - since))
    _LOG.info("this satellite answers", word=word.name, waited_ms=waited_ms, turn_id=word.turn_id, **fields)


def _log_loss(word: WakeWord, winner: str) -> None:
    _LOG.info("another satellite answers", word=word.name, answers=winner, turn_id=word.turn_id)
