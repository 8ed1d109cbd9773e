"""Word error rate, exact sentences and decoding time of an engine on a folder of recordings."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.recording import find_segments
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.engine import AsrEngine, SpeechAudio, TranscribeRequest, Transcript

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine  # numpy, which silero.load prepares for

_PUNCTUATION = re.compile(r"[^\w' ]+")


@dataclass(frozen=True)
class RecordingResult:
    """Reference and hypothesis in words, and the seconds of decoding."""

    name: str
    reference: list[str]
    hypothesis: list[str]
    seconds: float

    @property
    def errors(self) -> int:
        return count_word_errors(self.reference, self.hypothesis)


async def print_report(engine: AsrEngine, folder: Path, output: TextIO) -> None:
    """Print a table row for each recording, and the totals. Raises ConfigError, EngineError."""
    files = await asyncio.to_thread(lambda: sorted(folder.rglob("*.wav")))
    if not files:
        raise ConfigError(f"there are no WAV files in {folder}")
    if not all(model.installed for model in (await asyncio.to_thread(engine.describe)).models):
        await engine.install()
    await engine.prepare()
    vad = await asyncio.to_thread(silero.load, silero.Settings())
    results = []
    for file in files:
        reference = normalize_words(await asyncio.to_thread(read_reference, file))
        audio = await asyncio.to_thread(load_recording, vad, file)
        began = time.perf_counter()
        transcript = Transcript()
        if audio.segments:
            transcript = await engine.transcribe(audio, TranscribeRequest(), DecodeJob(Priority.FINAL))
        seconds = time.perf_counter() - began
        hypothesis = normalize_words(transcript.text)
        results.append(RecordingResult(str(file.relative_to(folder)), reference, hypothesis, seconds))
    _print_table(results, Console(file=output, soft_wrap=True))


def read_reference(file: Path) -> str:
    """Return the reference text: the .txt file beside the recording, else its name; nothing if that begins with oov_."""
    text_file = file.with_suffix(".txt")
    if text_file.is_file():
        return text_file.read_text("utf-8")
    return "" if file.stem.startswith("oov_") else file.stem.replace("_", " ").replace("-", " ")


def normalize_words(text: str) -> list[str]:
    """Return the words in lower case, without punctuation."""
    return _PUNCTUATION.sub(" ", text.casefold().replace("\u2019", "'")).replace("'", "").split()


def count_word_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Return the Levenshtein distance in words."""
    costs = list(range(len(hypothesis) + 1))
    for row, word in enumerate(reference, 1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(hypothesis, 1):
            before, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, before + (word != other)),
            )
    return costs[-1]


def load_recording(vad: "SileroEngine", file: Path) -> SpeechAudio:
    """Return a WAV file's audio and its speech."""
    audio, pcm = read_wav(file)
    converter = Converter(audio, SPEECH)
    return find_speech(vad, converter.convert(pcm) + converter.finish())


def find_speech(vad: "SileroEngine", pcm: bytes) -> SpeechAudio:
    """Return 16 kHz 16-bit mono PCM with its speech."""
    return SpeechAudio(pcm, find_segments(vad, pcm))


def _print_table(rows: Sequence[RecordingResult], console: Console) -> None:
    table = Table("recording", "said", "written", "errors", "ms", box=None)
    for row in rows:
        table.add_row(
            row.name, " ".join(row.reference), " ".join(row.hypothesis), str(row.errors), f"{1000 * row.seconds:.0f}"
        )
    console.print(table)
    word_count, errors = sum(len(row.reference) for row in rows), sum(row.errors for row in rows)
    exact = sum(row.reference == row.hypothesis for row in rows)
    middle = sorted(row.seconds for row in rows)[len(rows) // 2]
    rate = f"{errors / word_count:.1%}" if word_count else "-"
    console.print(f"word error rate {rate}, exact {exact} of {len(rows)}, median {1000 * middle:.0f} ms")
