"""Endpointing in a real room: commands with pauses, television, music and kitchen noise, in simulated time.

Usage: rooms.py FOLDER [--seeds N] [--condition WORD]. FOLDER has `commands-en` and `commands-en-tts`, whose file names are the
reference texts, `asr/jfk.wav` and `vad/silero_test.wav` as television, and `noise/background_noise.wav`. Voice activity
detection, endpointing and decoding are those of the speech-to-text daemon; a speculative decoding takes GUESS_MS. With
`--live HOST:PORT` a running daemon listens instead, at the pace of speech; it must have the home of the recordings.
"""

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient

from benchmarks.accuracy_asr import AREA, commands, home, meaning, samples
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.audio.speakers.change import SpeakerChangeDetector
from wyoming_rosie.audio.speakers.engine import SpeakerEngine
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.endpointing import Completeness, EndpointDecision, EndpointingRules
from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.stream import VadStream, process_batch
from wyoming_rosie_asr.__main__ import AsrEndpointingRules, AsrSegmenterRules
from wyoming_rosie_asr.endpointer import UtteranceEndpointer
from wyoming_rosie_asr.engine import SpeechAudio
from wyoming_rosie_asr.engines.pocketsphinx.engine import GrammarRecognizer, Settings
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.rules import hassil

RATE = 16_000
MS = RATE // 1000
LEAD_MS, TAIL_MS = 400, 16_000
GUESS_MS = 350
FRAME_BYTES = 1024
NOTHING_HEARD = ("", 0.0, Completeness.UNKNOWN)

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Condition:
    """What a room does to a command."""

    name: str
    pause_ms: int = 0
    background: str = ""
    below_db: float = 0.0  # level of the background below that of the command


CONDITIONS = (
    Condition("quiet"),
    *(Condition(f"pause {ms / 1000:g} s", pause_ms=ms) for ms in (600, 800, 1000, 1250, 1500)),
    Condition("television -10 dB", background="television", below_db=10),
    Condition("television -20 dB", background="television", below_db=20),
    Condition("music -10 dB", background="music", below_db=10),
    Condition("kitchen -10 dB", background="kitchen", below_db=10),
)


@dataclass(frozen=True)
class Scene:
    said: str
    pcm: bytes
    last_word_ms: int


@dataclass(frozen=True)
class Result:
    text: str
    delay_ms: int
    reason: str
    other_voice_ms: int | None = None  # from the last word, where another voice was found


def level(audio: Samples) -> float:
    """Return the root mean square of the louder half of the 30 ms frames."""
    frames = audio[: len(audio) // (30 * MS) * 30 * MS].reshape(-1, 30 * MS)
    powers = np.sort((frames**2).mean(axis=1))
    return float(np.sqrt(powers[len(powers) // 2 :].mean()))


def music(rng: np.random.Generator, seconds: float) -> Samples:
    """Return chords with overtones and a beat."""
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    audio = np.zeros(count)
    beat = 0.5
    for start in np.arange(0, seconds, 2.0):
        root = 110 * 2 ** (rng.integers(0, 12) / 12)
        part = (time >= start) & (time < start + 2.0)
        for step in (0, 4 if rng.random() < 0.5 else 3, 7, 12):
            for overtone in range(1, 6):
                audio[part] += np.sin(2 * np.pi * root * 2 ** (step / 12) * overtone * time[part]) / overtone
    envelope = np.exp(-((time % beat) / 0.2))
    drums = rng.normal(0, 1, count) * np.exp(-((time % beat) / 0.03)) * 3
    return audio * (0.4 + envelope) + drums


def backgrounds(folder: Path) -> dict[str, Callable[[np.random.Generator, int], Samples]]:
    television = np.concatenate(
        [samples(read_wav(folder / name)[1]) for name in ("asr/jfk.wav", "vad/silero_test.wav")]
    )
    kitchen = samples(read_wav(folder / "noise/background_noise.wav")[1])

    def cut(source: Samples, rng: np.random.Generator, count: int) -> Samples:
        start = int(rng.integers(0, len(source)))
        return np.resize(np.roll(source, -start), count)

    return {
        "television": lambda rng, count: cut(television, rng, count),
        "kitchen": lambda rng, count: cut(kitchen, rng, count),
        "music": lambda rng, count: music(rng, count / RATE + 1)[:count],
    }


def speech_span(engine: VadEngine[Any], pcm: bytes) -> tuple[int, int]:
    """Return the first and last millisecond of speech in a clean clip."""
    stream = VadStream(engine, AsrSegmenterRules())
    padded = pcm + bytes(FRAME_BYTES * 20)
    events = [
        event for events in process_batch(engine, [(stream, padded[: len(padded) // 1024 * 1024])]) for event in events
    ]
    starts = [event.time for event in events if isinstance(event, SpeechStart)]
    stops = [event.time for event in events if isinstance(event, SpeechStop)]
    stream.close()
    return (starts[0], stops[-1]) if starts and stops else (0, len(pcm) // 2 // MS)


def find_gap(audio: Samples, begin: int, end: int, words: Sequence[int]) -> int:
    """Return the boundary of words nearest to the middle of the speech, else the softest 60 ms there, as a sample index."""
    middle = (begin + end) // 2
    if inner := [at for at in words if begin + (end - begin) // 5 < at < end - (end - begin) // 5]:
        return min(inner, key=lambda at: abs(at - middle))
    first, last = begin + (end - begin) // 4, end - (end - begin) // 4
    window = 60 * MS
    powers = [float((audio[at : at + window] ** 2).mean()) for at in range(first, last, 10 * MS)]
    return first + int(np.argmin(powers)) * 10 * MS + window // 2


def word_boundaries(recognizer: GrammarRecognizer, pcm: bytes) -> list[int]:
    """Return where words begin, as sample indices, if the clip is understood."""
    words = recognizer._default_decoder._search_sentences(pcm)[0]  # noqa: SLF001 - only the decoder knows where words begin
    return [word.first * 10 * MS for word in words[1:]]


def floor_noise(audio: Samples, rng: np.random.Generator, count: int) -> Samples:
    """Return noise as soft as the softest tenth of a clip."""
    frames = audio[: len(audio) // (30 * MS) * 30 * MS].reshape(-1, 30 * MS)
    powers = np.sort((frames**2).mean(axis=1))
    return rng.normal(0, np.sqrt(powers[: max(1, len(powers) // 10)].mean()) + 1e-6, count)


def make_scene(
    said: str,
    pcm: bytes,
    span: tuple[int, int],
    words: Sequence[int],
    condition: Condition,
    make: dict[str, Callable[[np.random.Generator, int], Samples]],
    rng: np.random.Generator,
) -> Scene:
    audio = samples(pcm)
    begin, end = (ms * MS for ms in span)
    cut = max(0, begin - 200 * MS)
    audio = audio[cut : min(len(audio), end + 200 * MS)]
    begin, end = min(begin, 200 * MS), min(begin, 200 * MS) + end - begin
    loudness = level(audio[begin:end])
    if condition.pause_ms:
        gap = find_gap(audio, begin, end, [at - cut for at in words])
        pause = floor_noise(audio, rng, condition.pause_ms * MS)
        audio, end = np.concatenate([audio[:gap], pause, audio[gap:]]), end + len(pause)
    lead, tail = floor_noise(audio, rng, LEAD_MS * MS), floor_noise(audio, rng, TAIL_MS * MS)
    whole = np.concatenate([lead, audio, tail])
    if condition.background:
        other = make[condition.background](rng, len(whole))
        whole = whole + other * loudness / level(other) / 10 ** (condition.below_db / 20)
    return Scene(said, np.clip(whole, -32768, 32767).astype("<i2").tobytes(), (len(lead) + end) // MS)


@dataclass(frozen=True)
class Guess:
    """A speculative decoding, which is the transcript if only silence follows."""

    text: str
    completeness: Completeness
    ready_ms: int
    is_final: bool = True


class Recognizer(Protocol):
    def transcribe(self, speech: SpeechAudio) -> tuple[str, float, Completeness]:
        """Return text, score and completeness."""
        ...


class Listening(Protocol):
    def listen(self, scene: Scene) -> Result:
        """Return what was heard and when."""
        ...


class LiveListener:
    """A running speech-to-text daemon, which hears a scene at the pace of speech."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)

    def listen(self, scene: Scene) -> Result:
        return asyncio.run(asyncio.wait_for(self._listen(scene), 2 * TAIL_MS / 1000))

    async def _listen(self, scene: Scene) -> Result:
        async with AsyncTcpClient(self._host, self._port) as client:
            started = time.monotonic()
            speaking = asyncio.create_task(self._speak(client, scene.pcm))
            try:
                while (event := await client.read_event()) is not None:
                    if event.type == "transcript":
                        delay_ms = round(1000 * (time.monotonic() - started)) - scene.last_word_ms
                        return Result(str(event.data["text"]), delay_ms, "forced" if speaking.done() else "done")
            finally:
                speaking.cancel()
        return Result("", TAIL_MS, "closed")

    async def _speak(self, client: AsyncTcpClient, pcm: bytes) -> None:
        await client.write_event(Transcribe().event())
        await client.write_event(AudioStart(RATE, 2, 1).event())
        started = time.monotonic()
        for at in range(0, len(pcm), FRAME_BYTES):
            await client.write_event(AudioChunk(RATE, 2, 1, pcm[at : at + FRAME_BYTES]).event())
            await asyncio.sleep(started + (at + FRAME_BYTES) / 2 / RATE - time.monotonic())
        await client.write_event(AudioStop().event())


class Listener:
    """The daemon's rules in simulated time."""

    def __init__(
        self,
        engine: VadEngine[Any],
        recognizer: Recognizer,
        rules: EndpointingRules,
        speakers: SpeakerEngine | None = None,
    ) -> None:
        self._engine = engine
        self._speakers = speakers  # for --speakers.first-voice-only
        self._recognizer = recognizer
        self._rules = rules

    def listen(self, scene: Scene) -> Result:
        stream = VadStream(self._engine, AsrSegmenterRules())
        endpointer = UtteranceEndpointer(self._rules)
        detector = SpeakerChangeDetector(self._speakers) if self._speakers else None
        guess: Guess | None = None
        other_voice_ms: int | None = None
        try:
            for at in range(0, len(scene.pcm) - FRAME_BYTES + 1, FRAME_BYTES):
                pcm = scene.pcm[: at + FRAME_BYTES]
                (events,) = process_batch(self._engine, [(stream, pcm[at:])])
                now = stream.processed_ms
                if guess is not None and now >= guess.ready_ms:
                    endpointer.set_completeness(guess.completeness)
                decisions = apply(endpointer, events)
                if detector is not None and (at_ms := follow_first_voice(detector, endpointer, pcm, now)) is not None:
                    other_voice_ms = at_ms - scene.last_word_ms
                for decision in [*decisions, *endpointer.advance(now)]:
                    match decision:
                        case EndpointDecision.PERHAPS:
                            guess = self._decode(pcm, endpointer, now)
                            endpointer.on_speculation_start()
                        case EndpointDecision.RESUMED if guess is not None:
                            guess = replace(guess, is_final=False)
                        case EndpointDecision.DONE | EndpointDecision.TOO_LONG | EndpointDecision.NO_SPEECH:
                            final = (
                                guess if guess is not None and guess.is_final else self._decode(pcm, endpointer, now)
                            )
                            delay_ms = max(now, final.ready_ms) - scene.last_word_ms
                            return Result(final.text, delay_ms, decision, other_voice_ms)
            return Result("", TAIL_MS, "never", other_voice_ms)
        finally:
            stream.close()

    def _decode(self, pcm: bytes, endpointer: UtteranceEndpointer, now: int) -> "Guess":
        speech = SpeechAudio(pcm, endpointer.speech_segments(now))
        text, _, completeness = self._recognizer.transcribe(speech) if speech.segments else NOTHING_HEARD
        return Guess(text, completeness, now + GUESS_MS)


def follow_first_voice(
    detector: SpeakerChangeDetector, endpointer: UtteranceEndpointer, pcm: bytes, now: int
) -> int | None:
    """End the command where another voice goes on, as the daemon does; return where."""
    segments = endpointer.speech_segments(now)
    if not endpointer.is_speech or not detector.is_due(segments):
        return None
    at_ms = detector.process(pcm, segments)
    if at_ms is not None:
        endpointer.on_other_voice(at_ms)
    return at_ms


def apply(endpointer: UtteranceEndpointer, events: Sequence[VadEvent]) -> list[EndpointDecision]:
    """Pass voice activity to the rules; return their decisions."""
    decisions = []
    for event in events:
        match event:
            case SpeechStart(time):
                decisions += endpointer.on_speech_start(time)
            case SpeechStop(time):
                endpointer.on_speech_stop(time)
    return decisions


def clips(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in ("commands-en", "commands-en-tts"):
        for clip in commands(folder, name):
            if clip.said:
                yield clip.said, clip.pcm


def rate(said: str, text: str, means: Callable[[str], Match | None]) -> str:
    """Return "right", "wrong" or "nothing", by the intent of what was said and of what was heard."""
    found, expected = means(text) if text else None, means(said)
    if found is None or expected is None:
        return "right" if text == said else "nothing"
    return "right" if meaning(found) == meaning(expected) else "wrong"


def main() -> None:
    """Print a line for each condition."""
    given = _parse_arguments()
    engine = silero.load(silero.Settings())
    rooms = home(given.folder)
    recognizer = GrammarRecognizer(Settings(), rooms)
    simulated = Listener(engine, recognizer, AsrEndpointingRules())
    listener: Listening = LiveListener(given.live) if given.live else simulated
    rules = hassil.load(hassil.Settings(), rooms)
    chosen = [
        (said, pcm, speech_span(engine, pcm), word_boundaries(recognizer, pcm)) for said, pcm in clips(given.folder)
    ][:: given.every]
    sources = backgrounds(given.folder)
    for condition in CONDITIONS:
        if given.condition not in condition.name:
            continue
        delays, kinds = [], Counter[str]()
        for seed in range(given.seeds):
            for number, (said, pcm, span, words) in enumerate(chosen):
                scene = make_scene(said, pcm, span, words, condition, sources, np.random.default_rng([seed, number]))
                result = listener.listen(scene)
                kind = rate(said, result.text, lambda text: rules.recognize(text, "en", AREA))
                kinds[kind] += 1
                delays.append(result.delay_ms)
                if given.verbose:
                    print(f"   {kind:8} {result.delay_ms:6d} ms {result.reason:10} {said!r} -> {result.text!r}")
        _print_line(condition.name, kinds, sorted(delays))


def _print_line(name: str, kinds: Mapping[str, int], delays: Sequence[int]) -> None:
    late = f"{statistics.median(delays):5.0f}, 90 % {delays[int(0.9 * len(delays))]:5d}, worst {delays[-1]:5d} ms"
    print(
        f"{name:20} right {kinds['right']:3d}, wrong {kinds['wrong']:3d}, nothing {kinds['nothing']:3d}; end {late}",
        flush=True,
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--condition", default="", help="only those whose names have this word")
    parser.add_argument("--every", type=int, default=1, help="only every so manyth clip")
    parser.add_argument("--live", metavar="HOST:PORT", help="let the speech-to-text daemon there listen, in real time")
    parser.add_argument("--verbose", action="store_true", help="a line for each command")
    return parser.parse_args()


if __name__ == "__main__":
    main()
