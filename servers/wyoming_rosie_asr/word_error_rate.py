"""How well an engine understands a folder of recordings: word error rate, exact sentences, time."""

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
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, process_batch
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.engine import AsrEngine, SpeechAudio, TranscribeRequest

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine  # numpy, which silero.load prepares for

_PUNCTUATION = re.compile(r"[^\w' ]+")


@dataclass(frozen=True)
class RecordingResult:
    """What was said, what was written, in words; and the seconds that took."""

    name: str
    reference: list[str]
    hypothesis: list[str]
    seconds: float

    @property
    def errors(self) -> int:
        return count_word_errors(self.reference, self.hypothesis)


async def print_report(engine: AsrEngine, folder: Path, output: TextIO) -> None:
    """Print a row for each recording and the totals. Raises ConfigError, EngineError."""
    files = await asyncio.to_thread(lambda: sorted(folder.rglob("*.wav")))
    if not files:
        raise ConfigError(f"there are no WAV files in {folder}")
    if not engine.is_installed:
        await engine.install()
    await engine.prepare()
    voice = await asyncio.to_thread(silero.load, silero.Settings())
    rows = []
    for file in files:
        said = normalize_words(await asyncio.to_thread(read_reference, file))
        sound = await asyncio.to_thread(_load_recording, voice, file)
        begun = time.perf_counter()
        transcript = (
            await engine.transcribe(sound, TranscribeRequest(), DecodeJob(Priority.FINAL)) if sound.segments else None
        )
        written = normalize_words(transcript.text) if transcript is not None else []
        rows.append(RecordingResult(str(file.relative_to(folder)), said, written, time.perf_counter() - begun))
    _print_table(rows, Console(file=output, soft_wrap=True))


def read_reference(file: Path) -> str:
    """Return what is said in a recording: the text file beside it, else its name. Names that begin with oov_ say nothing."""
    beside = file.with_suffix(".txt")
    if beside.is_file():
        return beside.read_text("utf-8")
    return "" if file.stem.startswith("oov_") else file.stem.replace("_", " ").replace("-", " ")


def normalize_words(text: str) -> list[str]:
    """Return the words, without capitals and punctuation."""
    return _PUNCTUATION.sub(" ", text.casefold().replace("\u2019", "'")).replace("'", "").split()


def count_word_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Return the fewest words to insert, delete or replace (Levenshtein)."""
    costs = list(range(len(hypothesis) + 1))
    for row, word in enumerate(reference, 1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(hypothesis, 1):
            before, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, before + (word != other)),
            )
    return costs[-1]


def _load_recording(voice: "SileroEngine", file: Path) -> SpeechAudio:
    audio, pcm = read_wav(file)
    converter = Converter(audio, SPEECH)
    pcm = converter.convert(pcm) + converter.finish()
    stream = VadStream(voice, SegmenterRules())
    whole = len(pcm) - len(pcm) % voice.frame_bytes
    (found,) = process_batch(voice, [(stream, pcm[:whole])]) if whole else [[]]
    found += stream.finish()
    stream.close()
    starts = [one.time for one in found if isinstance(one, SpeechStart)]
    stops = [one.time for one in found if isinstance(one, SpeechStop)]
    return SpeechAudio(pcm, tuple(zip(starts, stops, strict=True)))


def _print_table(rows: Sequence[RecordingResult], console: Console) -> None:
    table = Table("recording", "said", "written", "errors", "ms", box=None)
    for row in rows:
        table.add_row(
            row.name, " ".join(row.reference), " ".join(row.hypothesis), str(row.errors), f"{1000 * row.seconds:.0f}"
        )
    console.print(table)
    said, errors = sum(len(row.reference) for row in rows), sum(row.errors for row in rows)
    exact = sum(row.reference == row.hypothesis for row in rows)
    middle = sorted(row.seconds for row in rows)[len(rows) // 2]
    rate = f"{errors / said:.1%}" if said else "-"
    console.print(f"word error rate {rate}, exact {exact} of {len(rows)}, median {1000 * middle:.0f} ms")
