"""Whether the satellite's noise suppression, gain and echo cancellation help to recognize commands and wake words.

Usage: front_end.py FOLDER noise|level|echo [--seeds N] [--every N] [--whisper MODEL_FOLDER]. FOLDER is that of rooms.py, with `wake` as well. Scenes
are mixed by seed, run through the processors that the satellite creates for its settings, and recognized: commands by the
default engine with the grammar of their home, and by Whisper; wake words by the satellite's own detector.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import rooms
from benchmarks.accuracy_asr import home, samples
from benchmarks.playback import answers, create_echo_path, say
from benchmarks.rooms import MS, RATE, Samples
from benchmarks.whisper import create_engine, transcribe
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.wakeword.detection import TriggerRules, drop_near_misses, normalize_name
from wyoming_rosie.wakeword.micro import MicroStream, find_package_models
from wyoming_rosie_asr.engine import AsrEngine, SpeechAudio
from wyoming_rosie_asr.engines.pocketsphinx.engine import GrammarRecognizer, Settings
from wyoming_rosie_asr.word_error_rate import count_word_errors, normalize_words
from wyoming_rosie_satellite.audio.echo_reference import EchoReference
from wyoming_rosie_satellite.audio.processing import create_processors
from wyoming_rosie_satellite.config import SatelliteConfig

LEAD_MS, MARGIN_MS = 4000, 200
"""The processors adapt to the room before the command, as they do in a microphone that is always on."""
SPEECH_DBFS = -26.0
KINDS, LEVELS = ("kitchen", "music", "television"), (20, 10, 5)
QUIET_DBFS = (-35.0, -50.0)
ECHO_DB = (0, -10)
"""Level of the voice against the echo of the satellite's own speech."""
FRAME_BYTES = SPEECH.bytes_in(0.02)
SPEECH_PROBABILITY = 0.5
NOISE_VARIANTS = {
    "off": SatelliteConfig(),
    "suppression 1": SatelliteConfig(mic_noise_suppression=1),
    "suppression 2": SatelliteConfig(mic_noise_suppression=2),
    "suppression 4": SatelliteConfig(mic_noise_suppression=4),
    "gain 6": SatelliteConfig(mic_auto_gain=6),
    "suppression 2, gain 6": SatelliteConfig(mic_noise_suppression=2, mic_auto_gain=6),
}
LEVEL_VARIANTS = {name: NOISE_VARIANTS[name] for name in ("off", "gain 6")}
ECHO_VARIANTS = {
    "off": SatelliteConfig(),
    "echo cancellation": SatelliteConfig(echo_cancellation=True),
    "echo cancellation, suppression 2": SatelliteConfig(echo_cancellation=True, mic_noise_suppression=2),
    "echo cancellation, suppression 2, gain 6": SatelliteConfig(
        echo_cancellation=True, mic_noise_suppression=2, mic_auto_gain=6
    ),
}


@dataclass(frozen=True)
class Clip:
    said: str
    audio: Samples  # of the speech and a little around it
    is_command: bool


@dataclass(frozen=True)
class Scene:
    clip: Clip
    condition: str
    microphone: Samples
    played: Samples | None = None


@dataclass
class Score:
    errors: int = 0
    words: int = 0
    exact: int = 0
    count: int = 0

    def add(self, said: str, text: str) -> None:
        reference, hypothesis = normalize_words(said), normalize_words(text.replace("%", " percent"))
        self.errors += count_word_errors(reference, hypothesis)
        self.words += len(reference)
        self.exact += reference == hypothesis
        self.count += 1

    def __str__(self) -> str:
        return f"{100 * self.errors / max(self.words, 1):.1f} %, {self.exact}" if self.count else "-"


@dataclass
class Row:
    grammar: Score = field(default_factory=Score)
    whisper: Score = field(default_factory=Score)
    wake_hits: int = 0
    wake_words: int = 0


class Recognizers:
    """The satellite's wake words, the default engine and, where its weights are, Whisper."""

    def __init__(self, folder: Path, whisper: AsrEngine | None) -> None:
        self._grammar = GrammarRecognizer(Settings(), home(folder))
        self._whisper = whisper
        self._wake_models = find_package_models()

    async def prepare(self, folder: Path) -> None:
        """Tell Whisper the names of the home."""
        if self._whisper is not None:
            await self._whisper.change_home(home(folder))

    @property
    def wake_words(self) -> list[str]:
        return list(self._wake_models)

    async def recognize(self, scene: Scene, heard: bytes, row: Row) -> None:
        """Add what is heard in a scene to a row."""
        if not scene.clip.is_command:
            row.wake_words += 1
            row.wake_hits += normalize_name(scene.clip.said) in self.detect(heard)
            return
        speech = heard[SPEECH.bytes_in((LEAD_MS - MARGIN_MS) / 1000) :]
        audio = SpeechAudio(speech, ((0, len(speech) // SPEECH.frame_bytes // MS),))
        row.grammar.add(scene.clip.said, self._grammar.transcribe(audio)[0])
        if self._whisper is not None:
            row.whisper.add(scene.clip.said, await transcribe(self._whisper, audio))

    def detect(self, heard: bytes) -> list[str]:
        """Return the names of the detected wake words."""
        stream = MicroStream(list(self._wake_models.values()), TriggerRules())
        return [word.name for word in drop_near_misses(stream.process(heard))]


def process(settings: SatelliteConfig, scene: Scene) -> bytes:
    """Return the microphone's audio of a scene as the satellite passes it on."""
    echo = EchoReference(SPEECH) if settings.echo_cancellation else None
    processors = create_processors(settings, echo)
    played = [] if scene.played is None else frames(scene.played)
    out = []
    for number, frame in enumerate(frames(scene.microphone)):
        if echo is not None and number < len(played):
            echo.push(played[number])
        for processor in processors:
            frame = processor(frame)
        out.append(frame)
    return b"".join(out)


def frames(audio: Samples) -> list[bytes]:
    pcm = np.clip(audio, -32768, 32767).astype("<i2").tobytes()
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def load_clips(folder: Path, wake_words: Sequence[str]) -> list[Clip]:
    """Return the commands, and the recordings of wake words that the satellite detects."""
    engine = silero.load(silero.Settings())
    commands = [Clip(said, trim(engine, pcm), is_command=True) for said, pcm in rooms.clips(folder)]
    found = []
    for file in sorted((folder / "wake").glob("*.wav")):
        if words := [word for word in wake_words if word in file.stem]:
            found.append(Clip(words[0], trim(engine, read_wav(file)[1]), is_command=False))
    return [*commands, *found]


def trim(engine: Any, pcm: bytes) -> Samples:
    """Return the speech of a clip with MARGIN_MS around it, at SPEECH_DBFS."""
    begin, end = (ms * MS for ms in rooms.speech_span(engine, pcm))
    audio = samples(pcm)[max(0, begin - MARGIN_MS * MS) : end + MARGIN_MS * MS]
    return audio * from_dbfs(SPEECH_DBFS) / rooms.level(audio)


def from_dbfs(level: float) -> float:
    return float(32768 * 10 ** (level / 20))


def in_room(clip: Clip, rng: np.random.Generator) -> Samples:
    """Return a clip with LEAD_MS of its own noise floor before it, and half a second after it."""
    lead, tail = (rooms.floor_noise(clip.audio, rng, ms * MS) for ms in (LEAD_MS, 500))
    return np.concatenate([lead, clip.audio, tail])


def noise_scenes(folder: Path, clips: Sequence[Clip], seeds: int) -> Iterator[Scene]:
    """Yield each clip alone, and in each noise at one level for each seed."""
    sources = rooms.backgrounds(folder)
    for seed in range(seeds):
        for number, clip in enumerate(clips):
            rng = np.random.default_rng([seed, number])
            whole = in_room(clip, rng)
            if seed == 0:
                yield Scene(clip, "quiet", whole)
            for kind in KINDS:
                below = LEVELS[(number + seed) % len(LEVELS)]
                other = sources[kind](rng, len(whole))
                loudness = from_dbfs(SPEECH_DBFS - below) / rooms.level(other)
                yield Scene(clip, f"{kind} {below} dB softer", whole + other * loudness)


def level_scenes(clips: Sequence[Clip], seeds: int) -> Iterator[Scene]:
    """Yield each clip softer than usual, with the noise of a microphone at -75 dBFS."""
    for seed in range(seeds):
        for number, clip in enumerate(clips):
            rng = np.random.default_rng([seed, number])
            whole = in_room(clip, rng)
            for dbfs in QUIET_DBFS:
                soft = whole * from_dbfs(dbfs) / from_dbfs(SPEECH_DBFS)
                yield Scene(clip, f"voice at {dbfs:g} dBFS", soft + rng.normal(0, from_dbfs(-75), len(whole)))


def echo_scenes(clips: Sequence[Clip], seeds: int) -> Iterator[Scene]:
    """Yield each clip while the satellite speaks, and the satellite's speech alone."""
    texts = cycle(text for text in answers() if len(text.split()) > 12)
    for seed in range(seeds):
        for number, clip in enumerate(clips):
            rng = np.random.default_rng([seed, number])
            whole = in_room(clip, rng)
            played, echo = own_speech(texts, rng, len(whole))
            for above in ECHO_DB:
                louder = 10 ** (-above / 20)
                yield Scene(clip, f"voice {above:+d} dB to the echo", whole + echo * louder, played * louder)


def own_speech(texts: Iterator[str], rng: np.random.Generator, count: int) -> tuple[Samples, Samples]:
    """Return what the satellite plays at SPEECH_DBFS, and its echo."""
    played = np.zeros(0)
    while len(played) < count:
        played = np.concatenate([played, say(next(texts))])
    played = played[:count] * from_dbfs(SPEECH_DBFS) / rooms.level(played[:count])
    return played, create_echo_path(rng).apply(played)


def measure_own_speech(recognizers: Recognizers, minutes: int) -> None:
    """Print how much of the satellite's own speech counts as speech, and the wake words in it."""
    engine = silero.load(silero.Settings())
    for name, settings in ECHO_VARIANTS.items():
        texts, rng = iter(answers()), np.random.default_rng(0)
        scores: list[float] = []
        woken = 0
        for _ in range(minutes):
            played, echo = own_speech(texts, rng, 60 * RATE)
            heard = process(settings, Scene(Clip("", played, is_command=False), "", echo, played))
            woken += len(recognizers.detect(heard))
            scores += speech_probabilities(engine, heard)
        share = np.mean(np.array(scores) > SPEECH_PROBABILITY)
        print(
            f"{name}: {share:.1%} of own speech counts as speech, {woken} wake words in {minutes} minutes", flush=True
        )


def speech_probabilities(engine: Any, heard: bytes) -> list[float]:
    """Return the probability of speech in each frame."""
    stream, step = engine.create_stream(), engine.frame_bytes
    pieces = (heard[at : at + step] for at in range(0, len(heard) - step + 1, step))
    return [engine.process_batch([(stream, piece)])[0][0].probability for piece in pieces]


async def compare(scenes: Iterator[Scene], variants: Mapping[str, SatelliteConfig], recognizers: Recognizers) -> None:
    """Print a line for each condition and variant."""
    rows: defaultdict[str, dict[str, Row]] = defaultdict(lambda: {name: Row() for name in variants})
    for scene in scenes:
        for name, settings in variants.items():
            await recognizers.recognize(scene, process(settings, scene), rows[scene.condition][name])
    print("condition | front end | grammar: WER, exact | Whisper: WER, exact | commands | wake words")
    for condition in sorted(rows):
        for name, row in rows[condition].items():
            wake = f"{row.wake_hits} of {row.wake_words}"
            print(f"{condition} | {name} | {row.grammar} | {row.whisper} | {row.grammar.count} | {wake}", flush=True)


async def main() -> None:
    """Print the table of one part."""
    given = _parse_arguments()
    recognizers = Recognizers(given.folder, create_engine(given.whisper, is_short=True) if given.whisper else None)
    await recognizers.prepare(given.folder)
    clips = load_clips(given.folder, recognizers.wake_words)[given.first :: given.every]
    match given.part:
        case "noise":
            await compare(noise_scenes(given.folder, clips, given.seeds), NOISE_VARIANTS, recognizers)
        case "level":
            await compare(level_scenes(clips, given.seeds), LEVEL_VARIANTS, recognizers)
        case "echo":
            measure_own_speech(recognizers, given.minutes)
            await compare(echo_scenes(clips, given.seeds), ECHO_VARIANTS, recognizers)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("part", choices=("noise", "level", "echo"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first clip")
    parser.add_argument("--every", type=int, default=1, help="only every so manyth clip")
    parser.add_argument("--minutes", type=int, default=10, help="of the satellite's own speech")
    parser.add_argument("--whisper", type=Path, help="folder of a Whisper model")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
