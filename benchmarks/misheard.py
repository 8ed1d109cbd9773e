"""Words that Whisper writes for others in household commands, and what the rules make of them.

Usage: misheard.py MODEL_FOLDER [--voice FILE.onnx], with WYOMING_ROSIE_TEST_DATA=FOLDER as for accuracy_asr.py. The commands
are half of those of a household that may be looked at, in the voices of SVOX Pico, espeak-ng and --voice, with an
echo and the noise of a room 14 dB below them.
"""

import argparse
import asyncio
import difflib
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import numpy as np
from wyoming.event import Event

from benchmarks.accuracy_asr import samples
from benchmarks.no_commands import SYNTHESIZE_SECONDS, to_pcm, to_speech
from benchmarks.rooms import Samples, level
from benchmarks.whisper import create_engine, transcribe
from tests.unit.intent.sentence_tables import table
from tests.unit.intent.sentence_tables.table import SentenceCase
from wyoming_rosie.audio.formats import SPEECH, format_of, read_wav
from wyoming_rosie.commands import processes
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie_asr.engine import SpeechAudio
from wyoming_rosie_asr.word_error_rate import normalize_words
from wyoming_rosie_intent.rules import hassil

NOISE_DB = 14
LEVEL = 3277
"""Root mean square of a recording, in 16-bit samples."""
ECHO_SAMPLES = 4000
MAX_WORDS = 2
"""Words of a pair."""
SHOWN = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder of a Whisper model")
    parser.add_argument("--voice", type=Path, help="a Piper voice, beside SVOX Pico and espeak-ng")
    options = parser.parse_args()
    room = samples(read_wav(Path(os.environ["WYOMING_ROSIE_TEST_DATA"]) / "noise" / "background_noise.wav")[1])
    asyncio.run(_compare(options.model, options.voice, room))


async def _compare(model: Path, voice: Path | None, room: Samples) -> None:
    engine, rules = create_engine(model, is_short=True), hassil.load(hassil.Settings(), table.load_home("en"))
    voices: list[tuple[str, ...]] = [("pico",), ("espeak",)]
    voices += [("piper", "--piper.voice", str(voice))] if voice else []
    pairs: Counter[tuple[str, str]] = Counter()
    for arguments in voices:
        verdicts: Counter[str] = Counter()
        async for said, pcm in _speak(arguments, _load_commands(), room):
            span = (0, round(1000 * SPEECH.seconds(len(pcm))))
            heard = await transcribe(engine, SpeechAudio(pcm, (span,)))
            pairs.update(_find_pairs(heard, said.text))
            before = table.evaluate(rules, said).verdict
            after = table.evaluate(rules, SentenceCase(heard, said.expected, said.kind, said.language)).verdict
            verdicts[f"{before} as said, {after} as heard"] += 1
        print(arguments[0], dict(verdicts))
    for (heard, meant), number in pairs.most_common(SHOWN):
        print(f"{number:4} {heard!r} for {meant!r}")


def _load_commands() -> Sequence[SentenceCase]:
    cases = (*table.load_household("en"), *table.load_sentences("en"))
    meant = [one for one in cases if one.purpose == "tune" and one.expected not in {"-", "?"}]
    return [one for one in meant if "wrong" not in one.kind and "misheard" not in one.kind][::2]


async def _speak(
    arguments: Sequence[str], cases: Sequence[SentenceCase], room: Samples
) -> AsyncIterator[tuple[SentenceCase, bytes]]:
    async with processes.run_server("tts", "--engine", *arguments) as server, connect(server.uri) as peer:
        for seed, one in enumerate(cases):
            yield one, _add_room(samples(await _synthesize(peer, one.text)), room, seed)


async def _synthesize(peer: Client, text: str) -> bytes:
    await peer.send(Event("synthesize", {"text": text}))
    audio = format_of(await peer.wait_for("audio-start", seconds=SYNTHESIZE_SECONDS))
    pcm = b""
    while (event := await peer.wait_for("audio-chunk", "audio-stop", seconds=SYNTHESIZE_SECONDS)).payload:
        pcm += event.payload
    return to_speech(audio, pcm) + bytes(SPEECH.bytes_in(0.4))


def _add_room(speech: Samples, room: Samples, seed: int) -> bytes:
    """Return speech with an echo and the noise of a room."""
    rng = np.random.default_rng(seed)
    noise = np.resize(room[int(rng.integers(max(1, len(room) - len(speech)))) :], len(speech))
    echo = np.exp(-np.arange(ECHO_SAMPLES) / 1200) * rng.normal(0, 1, ECHO_SAMPLES)
    far = np.convolve(speech, np.concatenate([[40.0], echo]))[: len(speech)]
    mixed = far / level(far) + noise / level(noise) / 10 ** (NOISE_DB / 20)
    return to_pcm(LEVEL * mixed / level(mixed))


def _find_pairs(heard: str, said: str) -> Iterator[tuple[str, str]]:
    """Yield the words that are written for others."""
    written, meant = (list(normalize_words(text.replace("%", " percent"))) for text in (heard, said))
    for kind, start, end, first, last in difflib.SequenceMatcher(None, meant, written).get_opcodes():
        if kind == "replace" and max(end - start, last - first) <= MAX_WORDS:
            yield " ".join(written[first:last]), " ".join(meant[start:end])


if __name__ == "__main__":
    main()
