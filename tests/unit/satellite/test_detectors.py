"""The local and the remote wake detector, and a backlog of audio."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import pytest
from wyoming.event import Event
from wyoming.info import WakeProgram

from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.wakeword.detection import TriggerRules, drop_near_misses
from wyoming_rosie.wakeword.micro import MicroStream, describe_models, find_package_models
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.detector import MAX_QUEUED_FRAMES, AudioBacklog, ScoredDetector, WakeDetector
from wyoming_rosie_satellite.wake.local_detector import MAX_QUEUED_PIECES, PIECE_BYTES, LocalDetector
from wyoming_rosie_satellite.wake.remote_detector import RemoteDetector

FRAME = bytes(640)
INFO = Event("info", {"wake": [describe_models(find_package_models().values()).to_dict()]})
Answer: TypeAlias = Callable[[Event, EventStream], Awaitable[None]]


@asynccontextmanager
async def wake_daemon(answer: Answer) -> AsyncIterator[str]:
    """Answer each event that a peer sends."""

    def accepted(stream: EventStream) -> None:
        tasks.append(asyncio.create_task(serve(stream)))

    async def serve(stream: EventStream) -> None:
        with suppress(ConnectionError):
            while (event := await stream.read()) is not None:
                await answer(event, stream)
        await stream.close()

    tasks: list[asyncio.Task[None]] = []
    server = await asyncio.get_running_loop().create_server(lambda: EventStream(accepted), "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@asynccontextmanager
async def listening(detector: WakeDetector) -> AsyncIterator[asyncio.Queue[WakeWord]]:
    heard: asyncio.Queue[WakeWord] = asyncio.Queue()
    task = asyncio.create_task(detector.run(heard.put_nowait))
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


async def first_word(answers: dict[str, Event]) -> tuple[WakeWord, list[WakeProgram]]:
    """Return what ears hear that listen to such a daemon, and what they have learned."""
    learned: list[WakeProgram] = []

    async def answer(event: Event, stream: EventStream) -> None:
        if event.type in answers:
            await stream.write(answers[event.type])

    async with wake_daemon(answer) as uri:
        ears = RemoteDetector(uri, ["okay_nabu"], learned.extend)
        ears.push_audio(FRAME * 5)  # before anybody listens
        async with listening(ears) as heard, asyncio.timeout(60):
            while heard.empty():
                ears.push_audio(FRAME)
                await asyncio.sleep(0.01)
            return heard.get_nowait(), learned


def detection(timestamp: object, **context: object) -> Event:
    return Event("detection", {"name": "okay_nabu", "timestamp": timestamp, "context": context})


async def test_a_detection_is_placed_in_the_microphones_audio() -> None:
    word, learned = await first_word({"describe": INFO, "audio-chunk": detection(40, turn_id="t1", score=0.9)})
    assert (word.name, word.turn_id, word.score) == ("okay_nabu", "t1", 0.9)
    assert (word.sample - 40 * 16) % 320 == 0
    assert word.sample >= 5 * 320 + 40 * 16
    assert [model.name for model in learned[0].models] == list(KNOWN)


@pytest.mark.parametrize("timestamp", [None, "soon", -1, 1e300, [1]], ids=repr)
async def test_a_detection_without_a_usable_time_is_now(timestamp: object) -> None:
    word, _ = await first_word({"audio-chunk": detection(timestamp, score="high")})
    assert word.sample >= 5 * 320
    assert word.score is None
    assert word.turn_id


async def test_a_daemon_whose_info_is_none_is_left() -> None:
    seen: list[str] = []

    async def answer(event: Event, stream: EventStream) -> None:
        seen.append(event.type)
        if event.type == "describe":
            await stream.write(Event("info", {"wake": [1]}))

    async with wake_daemon(answer) as uri:
        ears = RemoteDetector(uri, [], lambda _: None)
        async with listening(ears), asyncio.timeout(60):
            while seen.count("describe") < 2:
                ears.push_audio(FRAME)
                await asyncio.sleep(0.01)


async def test_scores_of_a_wake_daemon_are_asked_for_while_somebody_takes_them() -> None:
    told = {"name": "scores", "wake_scores": {"okay_nabu": 0.4, "odd": 7}, "wake_thresholds": {"okay_nabu": 0.8}}

    async def answer(event: Event, stream: EventStream) -> None:
        if event.type == "user-event":
            await stream.write(Event("user-event", told))

    async with wake_daemon(answer) as uri:
        detector = RemoteDetector(uri, [], lambda _: None)
        assert isinstance(detector, ScoredDetector)
        async with listening(detector), asyncio.timeout(60):
            while not (scores := detector.take_scores()):
                detector.push_audio(FRAME)
                await asyncio.sleep(0.01)
    assert scores == {"okay_nabu": 0.4}
    assert detector.thresholds == {"okay_nabu": 0.8}


async def test_near_misses_of_a_wake_daemon_are_told() -> None:
    near_miss = Event("user-event", {"name": "near-miss", "word": "okay_nabu", "score": 0.5})
    heard, _ = await first_word({"detect": near_miss})
    assert (heard.name, heard.score, heard.is_near_miss) == ("okay_nabu", 0.5, True)


async def test_audio_that_nobody_listens_to_is_forgotten_and_counted() -> None:
    backlog = AudioBacklog()
    for number in range(MAX_QUEUED_FRAMES + 3):
        backlog.push(number.to_bytes(2, "little") * 320)
    assert backlog.offset == 3 * 320
    assert await backlog.pop() == (3).to_bytes(2, "little") * 320
    backlog.reset()
    assert backlog.offset == (MAX_QUEUED_FRAMES + 3) * 320


@pytest.fixture
def okay_nabu(shared_data: Path) -> bytes:
    _, pcm = read_wav(shared_data / "wake" / "mww_okay_nabu_1.wav")
    return bytes(SPEECH.bytes_in(1)) + pcm + bytes(SPEECH.bytes_in(1))


@pytest.mark.parametrize("lost_pieces", [0, 7], ids=["all", "the latest"])
async def test_local_ears_place_a_word_in_all_that_was_heard(okay_nabu: bytes, lost_pieces: int) -> None:
    pcm = okay_nabu
    (expected,) = await asyncio.to_thread(lambda: drop_near_misses(MicroStream([KNOWN["okay_nabu"]]).process(pcm)))
    before = bytes((MAX_QUEUED_PIECES + lost_pieces) * PIECE_BYTES - len(pcm) // PIECE_BYTES * PIECE_BYTES)
    ears = LocalDetector([KNOWN["okay_nabu"]], TriggerRules())
    for start in range(0, len(before + pcm), len(FRAME)):
        ears.push_audio((before + pcm)[start : start + len(FRAME)])
    async with listening(ears) as heard, asyncio.timeout(60):
        found = await heard.get()
    assert found.name == "okay_nabu"
    assert found.sample == pytest.approx(expected.sample + len(before) // 2, abs=480)


async def test_local_ears_end_with_their_listener() -> None:
    ears = LocalDetector([], TriggerRules())
    async with listening(ears):
        await asyncio.sleep(0.05)
    async with asyncio.timeout(60):
        while any(thread.name.startswith("wake") for thread in threading.enumerate()):
            await asyncio.sleep(0.01)


KNOWN = find_package_models()


async def test_a_remote_detector_asks_for_other_words_and_ignores_the_rest() -> None:
    asked: list[list[str]] = []

    async def answer(event: Event, stream: EventStream) -> None:
        match event.type:
            case "describe":
                await stream.write(INFO)
            case "detect":
                asked.append(event.data.get("names") or [])
            case "audio-chunk":
                for name in ("okay_nabu", "hey_jarvis"):
                    await stream.write(Event("detection", {"name": name}))

    async with wake_daemon(answer) as uri:
        ears = RemoteDetector(uri, ["okay_nabu"], lambda _: None)
        async with listening(ears) as heard, asyncio.timeout(60):
            await next_word(ears, heard, "okay_nabu")
            ears.select_words(["hey_jarvis"])
            while ["hey_jarvis"] not in asked:
                await asyncio.sleep(0.01)
            while not heard.empty():
                heard.get_nowait()
            await next_word(ears, heard, "hey_jarvis")
    assert asked == [["okay_nabu"], ["hey_jarvis"]]


async def next_word(ears: WakeDetector, heard: asyncio.Queue[WakeWord], name: str) -> None:
    """Wait for a word, and expect it to be this one."""
    while heard.empty():
        ears.push_audio(FRAME)
        await asyncio.sleep(0.01)
    assert heard.get_nowait().name == name


@pytest.mark.parametrize(("names", "expected"), [(["hey_jarvis"], ["hey_jarvis"]), ([], []), (["nonsense"], [])])
async def test_a_local_detector_finds_the_selected_words_only(
    shared_data: Path, names: list[str], expected: list[str]
) -> None:
    models = await asyncio.to_thread(find_package_models)
    files = [shared_data / "wake" / f"woww_{word}.wav" for word in ("okay_nabu", "hey_jarvis")]
    spoken = [(await asyncio.to_thread(read_wav, file))[1] for file in files]
    ears = LocalDetector([models["okay_nabu"]], TriggerRules(), models)
    ears.select_words(names)
    async with listening(ears) as heard:
        for pcm in (*spoken, bytes(PIECE_BYTES * 20)):
            ears.push_audio(pcm)
        async with asyncio.timeout(60):
            found = [(await heard.get()).name for _ in expected]
            while not ears._pieces.empty():
                await asyncio.sleep(0.01)
            assert heard.empty()
            ears.select_words(["okay_nabu"])
            while "okay_nabu" not in found:
                ears.push_audio(spoken[0])
                with suppress(TimeoutError):
                    found.append((await asyncio.wait_for(heard.get(), 0.2)).name)
    assert found == [*expected, "okay_nabu"]
