"""Accuracy of the pocketsphinx engine on recorded commands, its false accepts of other audio, and its decoding time.

Usage: accuracy_asr.py FOLDER, or WYOMING_ROSIE_TEST_DATA=FOLDER. The folder has `commands-en` and `commands-en-tts`, whose
file names are the reference texts, `noise/background_noise.wav`, and in `asr` and `wake` speech without commands.
"""

import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_asr.engine import SpeechAudio
from wyoming_rosie_asr.engines.pocketsphinx.engine import GrammarRecognizer, Settings
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.rules import hassil

AREA = "Kitchen"
SPEECH_LIKE_DB = (None, 20, 10)  # signal-to-noise ratio; None: as recorded
THRESHOLDS = (0.84, 0.86, 0.88, 0.90, 0.92)
_APOSTROPHES = {"whats": "what's", "todays": "today's"}


@dataclass(frozen=True)
class Clip:
    said: str  # empty: no command
    pcm: bytes


@dataclass(frozen=True)
class Outcome:
    kind: str  # right, wrong, nothing
    score: float
    seconds: float


def home(folder: Path) -> Home:
    """Return Home Assistant's test home, for which the commands were recorded."""
    found = yaml.safe_load((folder / "commands-en" / "upstream_fixtures_en.yaml").read_text("utf-8"))["fixtures"]
    areas = [Area(area["name"], area["name"]) for area in found["areas"]]
    return Home(tuple(areas), tuple(map(_entity, found["entities"])))


def commands(folder: Path, name: str) -> Iterator[Clip]:
    """Yield the clips of a folder, with the reference text from the file name."""
    for file in sorted((folder / name).glob("*.wav")):
        words = [_APOSTROPHES.get(word, word) for word in file.stem.split("_")]
        yield Clip("" if words[0] == "oov" else " ".join(words), read_wav(file)[1])


def others(folder: Path) -> Iterator[Clip]:
    """Yield speech and noise without commands."""
    yield from (clip for clip in commands(folder, "commands-en") if not clip.said)
    for file in [
        *sorted((folder / "wake").glob("*.wav")),
        folder / "asr/jfk.wav",
        folder / "noise/background_noise.wav",
    ]:
        yield Clip("", read_wav(file)[1])


def with_noise(clip: Clip, noise: bytes, louder_db: int | None) -> Clip:
    """Mix noise into a clip, `louder_db` below the loudest third of its samples."""
    if louder_db is None:
        return clip
    voice, hum = samples(clip.pcm), samples(noise)
    loud = np.sort(np.abs(voice))[-len(voice) // 3 :]
    hum = np.resize(hum, len(voice))
    gain = np.sqrt(np.mean(loud**2) / np.mean(hum**2)) / 10 ** (louder_db / 20)
    return Clip(clip.said, np.clip(voice + gain * hum, -32768, 32767).astype("<i2").tobytes())


def outcome(clip: Clip, recogniser: GrammarRecognizer, means: Callable[[str], Match | None]) -> Outcome:
    """Recognize a clip and compare its intent with that of the reference text."""
    began = time.process_time()
    speech = SpeechAudio(clip.pcm, ((0, round(1000 * SPEECH.seconds(len(clip.pcm)))),))
    text, score, _ = recogniser.transcribe(speech)
    seconds = time.process_time() - began
    found = means(text) if text else None
    expected = means(clip.said) if clip.said else None
    same = found is not None and expected is not None and meaning(found) == meaning(expected)
    return Outcome("right" if same else "wrong" if found else "nothing", score, seconds)


def main() -> None:
    """Print the outcomes for several thresholds of the score."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("WYOMING_ROSIE_TEST_DATA")
    if given is None:
        print("skipped, no recordings: give their folder, or set WYOMING_ROSIE_TEST_DATA to it")
        return
    folder = Path(given)
    of_home = home(folder)
    recogniser = GrammarRecognizer(Settings(least_score=0.0), of_home)
    mind = hassil.load(hassil.Settings(), of_home)
    noise = read_wav(folder / "noise/background_noise.wav")[1]
    people = [clip for clip in commands(folder, "commands-en") if clip.said]
    sets = {
        "people": people,
        "synthetic voices": [*commands(folder, "commands-en-tts")],
        "no command": [*others(folder)],
    }
    for name, clips in sets.items():
        for louder in SPEECH_LIKE_DB:
            found = [
                outcome(with_noise(clip, noise, louder), recogniser, lambda text: mind.recognize(text, "en", AREA))
                for clip in clips
            ]
            _print(f"{name}, {'as recorded' if louder is None else f'noise {louder} dB softer'}", clips, found)


def _print(title: str, clips: list[Clip], found: list[Outcome]) -> None:
    spoken = sum(SPEECH.seconds(len(clip.pcm)) for clip in clips)
    used = [one.seconds for one in found]
    print(
        f"{title}: {len(found)} clips, CPU {statistics.median(used):.2f} s each, {sum(used) / spoken:.3f} of real time"
    )
    for least in THRESHOLDS:
        kinds = Counter(one.kind if one.score >= least else "nothing" for one in found)
        print(f"  score >= {least:.2f}: right {kinds['right']}, wrong {kinds['wrong']}, nothing {kinds['nothing']}")


def _entity(entity: dict[str, Any]) -> Entity:
    features = {feature for feature in ("brightness", "color") if entity.get(f"light_supports_{feature}")}
    return Entity(entity["name"], entity["name"], entity["domain"], features=frozenset(features))


def meaning(match: Match) -> tuple[str, dict[str, Any]]:
    """Return the intent and slots, by which two sentences are compared."""
    return match.intent, dict(match.slots)


def samples(pcm: bytes) -> npt.NDArray[np.float64]:
    """Return 16-bit PCM as floating-point samples."""
    return np.frombuffer(pcm, "<i2").astype(np.float64)


if __name__ == "__main__":
    main()
