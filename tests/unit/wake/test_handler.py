"""The handler of the wake daemon, with an engine that finds its words in single samples."""

from collections.abc import AsyncIterator, Sequence

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import WakeProgram
from wyoming.wake import Detect

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.protocol import turn
from wyoming_rosie.runtime.stream_scheduler import BatchLimits, BatchScheduler
from wyoming_rosie.wakeword.detection import UnknownWakeWordError, WakeDetection, match_name
from wyoming_rosie.wakeword.micro import describe_models, find_package_models
from wyoming_rosie_wake.engine import WakeEngine
from wyoming_rosie_wake.handler import WakeHandler

START = AudioStart(rate=16000, width=2, channels=1).event()
STOP = AudioStop().event()
WORD = b"\x01\x00"  # the sample that is a wake word


def audio(pcm: bytes) -> Event:
    return AudioChunk(rate=16000, width=2, channels=1, audio=pcm).event()


class SampleStream:
    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.sample = 0
        self.thresholds = dict.fromkeys(names, 0.5)

    def take_scores(self) -> dict[str, float]:
        return dict.fromkeys(self.names, 0.25)

    def skip(self, samples: int) -> None:
        self.sample += samples


class SampleEngine(WakeEngine[SampleStream]):
    """Detects its first word in each sample of the value 1."""

    batch_limits = BatchLimits(hop_bytes=2, max_bytes=3200, tick_seconds=0.01)

    def describe(self) -> WakeProgram:
        return describe_models(find_package_models().values())

    def match_names(self, names: Sequence[str]) -> list[str]:
        if "snowboy" in names:
            raise UnknownWakeWordError("no wake word is named 'snowboy'; there are: ...")
        return [match_name(name, ("okay_nabu", "alexa", "hey_jarvis")) for name in names]

    def create_stream(self, names: Sequence[str]) -> SampleStream:
        return SampleStream(names)

    def set_words(self, stream: SampleStream, names: Sequence[str]) -> None:
        stream.names = names

    def process_batch(self, batch: Sequence[tuple[SampleStream, bytes]]) -> list[list[WakeDetection]]:
        return [self._detect(stream, pcm) for stream, pcm in batch]

    def _detect(self, stream: SampleStream, pcm: bytes) -> list[WakeDetection]:
        samples = [pcm[start : start + 2] for start in range(0, len(pcm), 2)]
        first, stream.sample = stream.sample, stream.sample + len(samples)
        name = stream.names[0] if stream.names else "any"
        return [WakeDetection(name, 0.9, first + place) for place, one in enumerate(samples) if one == WORD]


class FakeClient:
    """Sends events to a handler and keeps its answers."""

    def __init__(self, scheduler: BatchScheduler[SampleStream, WakeDetection], engine: SampleEngine) -> None:
        self.answers: list[Event] = []
        self.handler = WakeHandler(engine, scheduler, None, self._receive)

    async def send(self, *events: Event) -> list[Event]:
        """Send the events; return the answers once all audio has been processed."""
        for event in events:
            turn.adopt(event)  # as the service does
            await self.handler.on_event(event)
        stream = self.handler._stream
        if stream is not None:
            await stream.finish()
            await self.handler._outbox.flush()
        answers, self.answers = self.answers, []
        return answers

    async def _receive(self, event: Event) -> None:
        self.answers.append(event)


@pytest.fixture
async def peer() -> AsyncIterator[FakeClient]:
    engine = SampleEngine()
    scheduler = BatchScheduler("wake", engine.process_batch, engine.batch_limits, 1)
    peer = FakeClient(scheduler, engine)
    yield peer
    await peer.handler.close()
    scheduler.close()


async def test_a_detection_has_name_timestamp_score_and_turn(peer: FakeClient) -> None:
    await peer.send(Detect(names=["okay_nabu"], context={"turn_id": "t1", "area": "Kitchen"}).event(), START)
    (detection,) = await peer.send(audio(bytes(3200) + WORD + bytes(20)))
    assert detection.type == "detection"
    assert detection.data["name"] == "okay_nabu"
    assert detection.data["timestamp"] == 100
    assert detection.data["context"] == {"turn_id": "t1", "area": "Kitchen", "score": 0.9}


@pytest.mark.parametrize("name", ["ok_nabu", "ok_nabu_v0.1", "Okay Nabu"])
async def test_a_detection_has_the_name_from_the_request(peer: FakeClient, name: str) -> None:
    (detection,) = await peer.send(Detect(names=[name]).event(), START, audio(WORD))
    assert detection.data["name"] == name


async def test_each_word_of_a_stream_begins_a_turn_of_its_own(peer: FakeClient) -> None:
    detections = await peer.send(START, audio(WORD + bytes(3200)), audio(WORD))
    assert len({one.data["context"]["turn_id"] for one in detections}) == 2


async def test_all_words_are_detected_without_a_request(peer: FakeClient) -> None:
    (detection,) = await peer.send(START, audio(WORD))
    assert detection.data["name"] == "any"


async def test_audio_without_a_word_is_not_detected(peer: FakeClient) -> None:
    (answer,) = await peer.send(Detect(context={"turn_id": "t1"}).event(), START, audio(bytes(320)), STOP)
    assert (answer.type, answer.data["context"]["turn_id"]) == ("not-detected", "t1")


async def test_audio_with_a_word_ends_without_an_answer(peer: FakeClient) -> None:
    assert [one.type for one in await peer.send(START, audio(WORD), STOP)] == ["detection"]


async def test_a_second_stream_on_the_connection_starts_at_zero(peer: FakeClient) -> None:
    await peer.send(START, audio(bytes(32_000) + WORD), STOP)
    (detection,) = await peer.send(START, audio(WORD))
    assert detection.data["timestamp"] == 0


async def test_an_unknown_word_is_an_error_and_nothing_is_detected(peer: FakeClient) -> None:
    with pytest.raises(UnknownWakeWordError):
        await peer.send(Detect(names=["snowboy"]).event())
    assert await peer.send(START, audio(WORD), STOP) == []


async def test_words_may_change_in_the_middle_of_a_stream(peer: FakeClient) -> None:
    await peer.send(Detect(names=["alexa"]).event(), START, audio(bytes(320)))
    (detection,) = await peer.send(Detect(names=["hey_jarvis"]).event(), audio(WORD))
    assert (detection.data["name"], detection.data["timestamp"]) == ("hey_jarvis", 10)


@pytest.mark.parametrize("names", ["okay_nabu", [1], {"a": 1}, ["x"] * 101], ids=repr)
async def test_names_that_are_not_a_list_of_strings_are_rejected(peer: FakeClient, names: object) -> None:
    with pytest.raises(BadEventError, match="names must be a list"):
        await peer.send(Event("detect", {"names": names}))


async def test_events_of_other_programs_are_ignored(peer: FakeClient) -> None:
    assert await peer.send(Event("transcribe"), Event("played")) == []


async def test_plain_audio_takes_the_fast_path(peer: FakeClient) -> None:
    assert not peer.handler.on_audio_nowait(audio(WORD))  # there is no stream: on_event answers that
    await peer.send(START)
    assert peer.handler.on_audio_nowait(audio(bytes(320) + WORD))
    (detection,) = await peer.send(audio(bytes(2)))
    assert detection.data["timestamp"] == 10


@pytest.mark.parametrize(
    "event",
    [
        AudioChunk(rate=48000, width=2, channels=1, audio=bytes(96)).event(),
        AudioChunk(rate=16000, width=2, channels=2, audio=bytes(8)).event(),
        audio(bytes(3)),
        Event("audio-chunk", {"rate": "16000"}, bytes(2)),
    ],
    ids=["rate", "channels", "half a sample", "nonsense"],
)
async def test_other_audio_leaves_the_fast_path(peer: FakeClient, event: Event) -> None:
    await peer.send(START)
    assert not peer.handler.on_audio_nowait(event)
