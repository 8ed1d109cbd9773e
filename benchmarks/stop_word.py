"""The spoken stop while the satellite speaks: stops that are heard, and false ones, by the least score.

Usage: stop_word.py FOLDER [--seeds N] [--minutes N] [--piper MODEL.onnx]. The voices are flite's, espeak-ng's and Piper's, in a room; FOLDER is that
of rooms.py, for other speech that must not stop anything.
"""

import argparse
import subprocess
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soxr

from benchmarks import rooms
from benchmarks.accuracy_asr import samples
from benchmarks.front_end import Clip, Scene, from_dbfs, own_speech, process
from benchmarks.playback import answers, create_echo_path, say
from benchmarks.rooms import MS, RATE, Samples
from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, process_batch
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.wake import spoken_stop
from wyoming_rosie_satellite.wake.spoken_stop import PhraseRecognizer, SpeechCutter, StopHypothesis

PHRASES = ("stop", "stop it", "please stop")
FLITE_VOICES, STRETCHES = ("kal16", "awb", "rms", "slt"), (0.8, 1.0, 1.25)
ESPEAK_VOICES, PITCHES = ("en-US", "en-GB"), (30, 60)
LEAD_MS = 20_000
"""The echo canceller has met the room, as it has after the first replies."""
CONDITIONS = {"nothing played": None, "no echo": -100.0, "echo -10 dB": -10.0, "echo 0 dB": 0.0, "echo +10 dB": 10.0}
"""Level of the satellite's echo against the voice; None: the satellite is silent."""
SETTINGS = SatelliteConfig(echo_cancellation=True)
VOICE_DBFS = -26.0
OTHERS = (
    "commands-en/*.wav",
    "commands-en-tts/*.wav",
    "wake/*.wav",
    "asr/jfk.wav",
    "vad/silero_test.wav",
    "noise/*.wav",
)
SCORES = (0.70, 0.74, 0.78, 0.82, 0.86, 0.90)


@dataclass(frozen=True)
class Piece:
    """What was recognized in a piece of speech."""

    hypothesis: StopHypothesis
    speech_ms: int
    at_ms: int

    def is_stop(self, least_score: float) -> bool:
        passed = self.hypothesis.score >= least_score
        return passed and spoken_stop.is_stop(replace(self.hypothesis, score=1.0), self.speech_ms)


class Listener:
    """The satellite's rules in simulated time."""

    def __init__(self) -> None:
        self._engine = silero.load(silero.Settings())
        self._recognizer = PhraseRecognizer()

    def listen(self, heard: bytes) -> list[Piece]:
        """Return the pieces of speech in the microphone's audio."""
        stream, cutter, found = VadStream(self._engine, SegmenterRules()), SpeechCutter(), []
        step = self._engine.frame_bytes
        for at in range(0, len(heard) - step + 1, step):
            pcm = heard[at : at + step]
            cutter.push_audio(pcm)
            for piece in cutter.cut(process_batch(self._engine, [(stream, pcm)])[0]):
                found.append(Piece(self._recognizer.recognize(piece.pcm), piece.speech_ms, at // 2 // MS))
        stream.close()
        return found


def voices(piper: Path | None) -> Iterator[tuple[str, Samples]]:
    """Yield the phrases by each voice."""
    for phrase in PHRASES:
        for voice, stretch in product(FLITE_VOICES, STRETCHES):
            yield f"flite {voice} x{stretch:g}", say_with_flite(phrase, voice, stretch)
        for voice, pitch in product(ESPEAK_VOICES, PITCHES):
            yield f"espeak {voice} {pitch}", say(f"{phrase}!", voice, 160, pitch)
        if piper is not None:
            for number in range(4):
                yield f"piper {number}", say_with_piper(phrase, piper, number)


def say_with_flite(text: str, voice: str, stretch: float) -> Samples:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "said.wav"
        setting = f"duration_stretch={stretch}"
        subprocess.run(["flite", "-voice", voice, "-t", f"{text}.", "--setf", setting, "-o", file], check=True)
        return _read(file)


_piper_voices: dict[Path, Any] = {}


def say_with_piper(text: str, model: Path, number: int) -> Samples:
    """Return a phrase, another rendering for each number."""
    from piper import PiperVoice, SynthesisConfig

    voice = _piper_voices.setdefault(model, PiperVoice.load(model))
    scale = 0.85 + 0.15 * number
    chunks = list(voice.synthesize(f"{text}!", SynthesisConfig(length_scale=scale)))
    pcm = b"".join(chunk.audio_int16_bytes for chunk in chunks)
    return np.asarray(soxr.resample(samples(pcm), chunks[0].sample_rate, RATE), float)


def _read(file: Path) -> Samples:
    with wave.open(str(file)) as opened:
        pcm, rate = opened.readframes(opened.getnframes()), opened.getframerate()
    return np.asarray(soxr.resample(samples(pcm), rate, RATE), float)


def scene(said: Samples, echo_db: float | None, texts: Iterator[str], rng: np.random.Generator) -> Scene:
    """Return a phrase in a room after LEAD_MS, with the satellite's speech."""
    said = said * from_dbfs(VOICE_DBFS) / rooms.level(np.concatenate([said, np.zeros(100 * MS)]))
    whole = np.concatenate([np.zeros(LEAD_MS * MS), create_echo_path(rng).apply(said), np.zeros(RATE)])
    whole += rng.normal(0, from_dbfs(-70), len(whole))
    played, echo = own_speech(texts, rng, len(whole))
    if echo_db is None:
        return Scene(Clip("", said, is_command=False), "", whole)
    louder = 10 ** (echo_db / 20)
    return Scene(Clip("", said, is_command=False), "", whole + echo * louder, played * max(louder, 0.3))


def print_shares(name: str, best: Sequence[Sequence[Piece]]) -> None:
    hits = (sum(any(piece.is_stop(score) for piece in pieces) for pieces in best) for score in SCORES)
    print(
        f"{name}, {len(best)}: "
        + ", ".join(f"{score:.2f}: {count}" for score, count in zip(SCORES, hits, strict=True)),
        flush=True,
    )


def measure_hits(listener: Listener, said: Sequence[tuple[str, Samples]], seeds: int) -> None:
    """Print the phrases that are heard, by condition, kind of voice and least score."""
    for condition, echo_db in CONDITIONS.items():
        found: dict[str, list[list[Piece]]] = {}
        texts = cycle(text for text in answers() if len(text.split()) > 12)
        for seed, (number, (voice, audio)) in product(range(seeds), enumerate(said)):
            rng = np.random.default_rng([seed, number])
            heard = process(SETTINGS, scene(audio, echo_db, texts, rng))
            pieces = [piece for piece in listener.listen(heard) if piece.at_ms > LEAD_MS]
            found.setdefault(voice.split()[0], []).append(pieces)
        for kind, results in found.items():
            print_shares(f"{condition}, {kind}", results)


def measure_own_speech(listener: Listener, minutes: int) -> None:
    """Print the false stops in the satellite's own speech, with echo cancellation."""
    texts, rng = cycle(answers()), np.random.default_rng(0)
    path_seconds = 300
    pieces: list[Piece] = []
    for _ in range(minutes * 60 // path_seconds):
        played, echo = own_speech(texts, rng, path_seconds * RATE)
        heard = process(SETTINGS, Scene(Clip("", played, is_command=False), "", echo, played))
        pieces += listener.listen(heard)
    print_shares(f"false stops in {minutes} minutes of own speech, pieces", [[piece] for piece in pieces])


def measure_others(listener: Listener, folder: Path) -> None:
    """Print the false stops in other people's speech and noise, as they would be while the satellite speaks."""
    files = [file for pattern in OTHERS for file in sorted(folder.glob(pattern))]
    pieces, seconds = [], 0.0
    for file in files:
        audio, pcm = read_wav(file)
        converter = Converter(audio, SPEECH)
        heard = bytes(SPEECH.bytes_in(0.5)) + converter.convert(pcm) + bytes(SPEECH.bytes_in(1))
        seconds += SPEECH.seconds(len(heard))
        pieces += listener.listen(heard)
    print_shares(
        f"false stops in {len(files)} other recordings, {seconds:.0f} s, pieces", [[piece] for piece in pieces]
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=int, default=60, help="of the satellite's own speech")
    parser.add_argument("--piper", type=Path, help="a Piper voice")
    given = parser.parse_args()
    listener = Listener()
    measure_others(listener, given.folder)
    measure_hits(listener, list(voices(given.piper)), given.seeds)
    measure_own_speech(listener, given.minutes)


if __name__ == "__main__":
    main()
