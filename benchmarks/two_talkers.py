"""The first voice alone ends its command: how soon, while another voice goes on speaking, and how often one voice is cut.

    python -m benchmarks.two_talkers SHARED_DATA_FOLDER [--data-dir FOLDER] [--commands N] [--engine NAME]

Voice activity detection and endpointing are those of `benchmarks.rooms`, in simulated time, without decoding. Another voice begins 0.1 s
after the last word of a recorded command. The threshold is chosen on one half of the other voices, and the figures are of the other
half. For one voice, commands are heard alone, and three of them joined without the pauses between them.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.accuracy_asr import samples
from benchmarks.rooms import MS, Condition, Listener, Result, Samples, Scene, clips, level, make_scene, speech_span
from benchmarks.rooms import backgrounds as room_backgrounds
from benchmarks.speakers import recorded_people
from benchmarks.synthetic_voices import espeak_voices, pico_voices
from wyoming_rosie import config
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.change import OPENING_MS, STEP_MS, SURE_WINDOWS, WINDOW_MS, SpeakerChangeDetector
from wyoming_rosie.audio.speakers.engine import SpeakerEngine, load_engine
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.__main__ import AsrEndpointingRules
from wyoming_rosie_asr.engine import SpeechAudio

BELOW_DB = (0, 5, 10)
GAP_MS = 100
OTHER_SECONDS = 10
TALK_SECONDS = 8
TALKS = 3
TALK_COMMANDS = 3
FALSE_CHANGES = 0.01
KITCHEN_DB = (None, 20, 10)


@dataclass(frozen=True)
class OtherVoice:
    name: str
    audio: Samples


class Undecoded:
    """A recognizer that says nothing of what was said, so that the audio alone ends a command."""

    def transcribe(self, speech: SpeechAudio) -> tuple[str, float, Completeness]:
        return "", 0.0, Completeness.UNKNOWN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--data-dir", type=Path, default=config.data_folder())
    parser.add_argument("--commands", type=int, default=8, help="recorded commands that another voice follows")
    parser.add_argument("--engine", default="voicefilter-lite")
    given = parser.parse_args()
    vad = silero.load(silero.Settings())
    recorded = [(said, pcm, speech_span(vad, pcm)) for said, pcm in clips(given.shared)]
    commands = recorded[:: max(1, len(recorded) // given.commands)][: given.commands]
    others = list(other_voices(given.shared))
    chosen_on, counted = others[::2], others[1::2]
    print(f"{len(commands)} commands, {len(counted)} other voices: {', '.join(voice.name for voice in counted)}")
    engine = load_engine(given.engine, given.data_dir)
    show_thresholds(engine, chosen_on, counted)
    off, on = (Listener(vad, Undecoded(), AsrEndpointingRules(), speakers) for speakers in (None, engine))
    for below in BELOW_DB:
        scenes = [
            follow_by(said, pcm, span, counted[number % len(counted)], below)
            for number, (said, pcm, span) in enumerate(commands)
        ]
        for label, listener in (("off", off), ("on", on)):
            show(f"another voice, {below} dB softer, {label}", [listener.listen(scene) for scene in scenes])
    kitchen = room_backgrounds(given.shared)["kitchen"]
    for decibels in KITCHEN_DB:
        condition = Condition("one voice", background="kitchen" if decibels else "", below_db=decibels or 0)
        talks = [commands[at : at + TALK_COMMANDS] for at in range(0, len(commands) - TALK_COMMANDS + 1, TALK_COMMANDS)]
        for label, parts in (("one command", [[command] for command in commands]), ("a talk of three", talks)):
            said = [join(part) for part in parts]
            scenes = [
                make_scene("", pcm, span, (), condition, {"kitchen": kitchen}, np.random.default_rng(number))
                for number, (pcm, span) in enumerate(said)
            ]
            show(f"{label}, kitchen noise {decibels or '-'} dB softer, on", [on.listen(scene) for scene in scenes])


def join(commands: Sequence[tuple[str, bytes, tuple[int, int]]]) -> tuple[bytes, tuple[int, int]]:
    """Return the speech of commands, one right after the other, and its span in milliseconds."""
    pcm = b"".join(
        said[SPEECH.bytes_in(begin / 1000) : SPEECH.bytes_in(end / 1000)] for _, said, (begin, end) in commands
    )
    return pcm, (0, round(1000 * SPEECH.seconds(len(pcm))))


def other_voices(shared: Path) -> Iterator[OtherVoice]:
    """Yield the recorded voices that say more than commands, and synthetic ones."""
    for name, sentences in recorded_people(shared):
        if name != "commands-en" and sum(map(len, sentences)) > SPEECH.bytes_in(4):
            yield OtherVoice(name, samples(b"".join(sentences)))
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


def show(label: str, found: Sequence[Result]) -> None:
    delays = sorted(result.delay_ms for result in found)
    changes = [result.other_voice_ms for result in found if result.other_voice_ms is not None]
    print(
        f"{label:50} end: median {statistics.median(delays) / 1000:4.1f} s, 90 % {delays[int(0.9 * len(delays))] / 1000:4.1f} s; "
        f"change found in {len(changes)} of {len(found)}"
        + (f", {min(changes) / 1000:.1f} to {max(changes) / 1000:.1f} s after the command" if changes else ""),
        flush=True,
    )


if __name__ == "__main__":
    main()
