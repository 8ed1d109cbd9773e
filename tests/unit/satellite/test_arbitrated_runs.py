"""A whole satellite whose wake words are decided elsewhere: its run, its chime, and the audio of the command."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event
from wyoming.satellite import RunSatellite

from tests.houses import House
from tests.unit.satellite.fakes import RecordingSpeaker
from tests.unit.satellite.test_handler import Peer
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.arbitration.events import (
    WakeClaim,
    WakeVerdict,
    create_arbitration_event,
    create_verdict_event,
    parse_claim,
)
from wyoming_rosie.wakeword.arbitration.peer_arbiter import Decided
from wyoming_rosie.wakeword.arbitration.rules import Claim
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.config import ArbitrationSettings, SatelliteConfig
from wyoming_rosie_satellite.satellite import Satellite, SatelliteComponents
from wyoming_rosie_satellite.wake.peer_network import create_peer_network

CHIME = b"\x07\x00" * 160
FRAME = 320


class QueueMicrophone:
    """Yields the frames of a test, whose samples count up, so that a missing one would be seen."""

    format = SPEECH

    def __init__(self) -> None:
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._position = 0

    def hears(self, frames: int) -> None:
        for _ in range(frames):
            samples = range(self._position, self._position + FRAME)
            self._frames.put_nowait(array("h", (one % 30_000 for one in samples)).tobytes())
            self._position += FRAME

    async def frames(self) -> AsyncGenerator[bytes, None]:
        while True:
            yield await self._frames.get()


class ScriptedDetector:
    """Detects a word when the test says so."""

    def __init__(self) -> None:
        self.pushed = 0  # samples
        self._on_wake_word: Callable[[m.WakeWord], None] = lambda _: None

    def push_audio(self, pcm: bytes) -> None:
        self.pushed += len(pcm) // 2

    def select_words(self, names: Sequence[str]) -> None:
        pass

    async def run(self, on_wake_word: Callable[[m.WakeWord], None]) -> None:
        self._on_wake_word = on_wake_word
        await asyncio.Event().wait()

    def detects(self, sample: int, turn_id: str = "turn") -> None:
        self._on_wake_word(m.WakeWord("okay_nabu", sample, turn_id, 0.9))


class DecidingPeers:
    """Other satellites, which decide when the test says so."""

    def __init__(self, *, is_alone: bool = False) -> None:
        self.is_alone = is_alone
        self.claims: list[Claim] = []
        self.decide: Callable[[Decided], None] = lambda _: None
        self.turns_ended = 0

    def claim(self, claim: Claim, on_decided: Callable[[Decided], None]) -> None:
        self.claims.append(claim)
        self.decide = on_decided

    def end_turn(self) -> None:
        self.turns_ended += 1


class Box:
    """A satellite that runs, with a hub that arbitrates."""

    def __init__(self, peers: DecidingPeers | None = None) -> None:
        self.speaker = RecordingSpeaker()
        self.microphone, self.detector = QueueMicrophone(), ScriptedDetector()
        self.satellite = Satellite(self.speaker, SatelliteComponents({m.Cue.AWAKE: CHIME}, peers=peers))
        self.hub = Peer(self.satellite, m.MAIN_SLOT)

    async def hears(self, frames: int) -> None:
        wanted = self.detector.pushed + frames * FRAME
        self.microphone.hears(frames)
        await wait_until(lambda: self.detector.pushed == wanted)

    async def joins(self, *, is_arbitrated: bool = True) -> None:
        await self.hub.says(RunSatellite().event(), create_arbitration_event(is_active=is_arbitrated))

    async def is_told(self, *, wins: bool, turn_id: str = "turn") -> None:
        await self.hub.says(create_verdict_event(WakeVerdict(turn_id, wins, "hall")))

    async def claims(self, count: int) -> list[WakeClaim]:
        await wait_until(lambda: len(self._claims) >= count)
        return self._claims

    @property
    def _claims(self) -> list[WakeClaim]:
        return [claim for event in self.hub.told if (claim := parse_claim(event)) is not None]

    @property
    def chunks(self) -> list[Event]:
        return [event for event in self.hub.told if event.type == "audio-chunk"]

    @property
    def is_streaming(self) -> bool:
        return self.satellite.phase is m.SatellitePhase.STREAMING

    @property
    def has_chimed(self) -> bool:
        return CHIME in self.speaker.played


@pytest.fixture
def peers() -> DecidingPeers:
    return DecidingPeers()


@pytest.fixture
async def box(peers: DecidingPeers) -> AsyncIterator[Box]:
    inside = Box(peers)
    running = asyncio.create_task(inside.satellite.run(inside.microphone, inside.detector))
    await asyncio.sleep(0)
    yield inside
    await inside.hub.conversation.close()
    running.cancel()
    await asyncio.wait([running])


async def test_not_one_sample_of_the_command_is_lost_while_it_is_decided(box: Box) -> None:
    await box.joins()
    await box.hears(50)
    box.detector.detects(sample=40 * FRAME + 7)
    await box.hears(10)
    assert not box.has_chimed
    assert box.chunks == []
    await box.is_told(wins=True)
    await box.hears(5)
    sent = array("h", b"".join(chunk.payload or b"" for chunk in box.chunks))
    assert sent.tolist() == [one % 30_000 for one in range(40 * FRAME + 7, 65 * FRAME)]
    await wait_until(lambda: box.has_chimed)


async def test_a_loser_stays_silent_and_hears_the_next_word(box: Box) -> None:
    await box.joins()
    await box.hears(50)
    box.detector.detects(sample=40 * FRAME)
    await box.is_told(wins=False)
    await box.hears(20)
    assert (box.satellite.phase, box.chunks, box.speaker.played) == (m.SatellitePhase.WAITING, [], b"")
    box.detector.detects(sample=60 * FRAME, turn_id="next")
    assert [claim.turn_id for claim in await box.claims(2)] == ["turn", "next"]


async def test_who_has_just_spoken_says_so(box: Box) -> None:
    await box.joins()
    box.detector.detects(0, "first")
    await box.is_told(wins=False, turn_id="first")
    await box.hub.says(AudioStart(16000, 2, 1).event(), AudioStop().event())
    await box.hub.is_told("played")
    box.detector.detects(0, "second")
    assert [claim.has_follow_up for claim in await box.claims(2)] == [False, True]


async def test_a_muted_satellite_claims_nothing(box: Box) -> None:
    await box.joins()
    box.satellite.mute(True)
    box.detector.detects(0)
    box.satellite.mute(False)
    box.detector.detects(0, "next")
    assert [claim.turn_id for claim in await box.claims(1)] == ["next"]


async def test_without_a_hub_that_decides_the_satellites_do(box: Box, peers: DecidingPeers) -> None:
    await box.joins(is_arbitrated=False)
    box.detector.detects(0)
    (claim,) = peers.claims
    assert (claim.word, claim.score_permille, claim.has_conductor) == ("okay_nabu", 900, True)
    assert not box.is_streaming
    peers.decide(Decided("okay_nabu", wins=True))
    assert box.is_streaming


async def test_the_others_learn_that_the_turn_is_over(box: Box, peers: DecidingPeers) -> None:
    await box.joins(is_arbitrated=False)
    box.detector.detects(0)
    peers.decide(Decided("okay_nabu", wins=True))
    before = peers.turns_ended
    await box.hub.says(AudioStart(16000, 2, 1).event(), AudioStop().event())
    await box.hub.is_told("played")
    assert peers.turns_ended > before


async def test_a_satellite_alone_does_not_wait(box: Box, peers: DecidingPeers) -> None:
    peers.is_alone = True
    await box.joins(is_arbitrated=False)
    box.detector.detects(0)
    assert box.is_streaming


async def test_a_hub_that_leaves_before_the_verdict_is_missed_aloud(box: Box) -> None:
    await box.joins()
    box.detector.detects(0)
    await box.claims(1)
    await box.hub.conversation.close()
    assert (box.satellite.phase, box.has_chimed) == (m.SatellitePhase.OFFLINE, False)
    assert not any(event.type == "run-pipeline" for event in box.hub.told)


def test_a_key_that_could_be_guessed_is_refused_with_the_next_step(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("short")
    with pytest.raises(ConfigError, match=r"make another: head -c 32 /dev/urandom"):
        create_peer_network(SatelliteConfig(arbitration=ArbitrationSettings(key)), None)


def test_without_a_house_and_a_key_nothing_is_opened() -> None:
    assert create_peer_network(SatelliteConfig(), None) is None


def test_a_member_needs_no_key_file_and_can_leave_it_to_the_hub(tmp_path: Path) -> None:
    member = House(tmp_path).member("satellite", "kitchen")
    off = SatelliteConfig(arbitration=ArbitrationSettings(port=0))
    assert create_peer_network(off, member) is None
    assert create_peer_network(SatelliteConfig(), member) is not None
