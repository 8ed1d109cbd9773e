"""What comes of audio that is no command: texts, answers and actions, by the rules of the intent daemon; and what of commands.

Usage: no_commands.py MODEL_FOLDER... [--voice FILE.onnx] [--half tune|report] [--verbose], with
WYOMING_ROSIE_TEST_DATA=FOLDER as for accuracy_asr.py. Engines and voice activity detection are those of the asr daemon; noise
is forced on the engines as if it were speech. Chat is recorded speech, cut in pauses, and the sentences of chat.txt in the
voices of espeak-ng and of --voice; television is pieces of it mixed with others of it, music and noise of a room. One half of
the clips, by their numbers, serves to tune, the other to report.
"""

import argparse
import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table
from wyoming.event import Event
from wyoming.info import AsrProgram

from benchmarks.accuracy_asr import AREA, commands, home, meaning, samples
from benchmarks.rooms import RATE, Samples, level, music
from benchmarks.whisper import create_engine, quiet_clips, room_clips
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, format_of, read_wav
from wyoming_rosie.commands import processes
from wyoming_rosie.home.model import DEMO_HOME, Home
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.voice_activity import silero
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.engine import AsrEngine, EngineContext, SpeechAudio, TranscribeRequest, Transcript
from wyoming_rosie_asr.engines.cascade import CascadeEngine
from wyoming_rosie_asr.engines.cascade import Settings as CascadeSettings
from wyoming_rosie_asr.engines.pocketsphinx import engine as pocketsphinx
from wyoming_rosie_asr.word_error_rate import find_speech, normalize_words
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor, Handled, NotHandled, PendingAction
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import is_query_intent
from wyoming_rosie_intent.rules import hassil, templates

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine

CHAT = Path(__file__).with_name("chat.txt")
NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
MAX_SECONDS = 6.0
TELEVISION_CLIPS = 120
TELEVISION_SECONDS = (2.0, 6.0)
SYNTHESIZE_SECONDS = 60.0
WITH_COMMAND = frozenset({"mww_okay_nabu_1.wav", "oww_hey_jane.wav"})
"""Recordings of a wake word that more words follow, in one of them a command."""
HALVES = {"tune": 0, "report": 1}


@dataclass(frozen=True)
class Clip:
    audio: SpeechAudio
    said: str = ""  # the command, if it is one


@dataclass(frozen=True)
class Reaction:
    """What came of a clip: the text, and whether the rules answered or acted."""

    text: str
    kind: str  # nothing, text, answer, action


class RememberingEngine(AsrEngine):
    """Decodes each clip once, for all cascades that share the engine."""

    def __init__(self, engine: AsrEngine) -> None:
        self._engine = engine
        self._known: dict[int, Transcript] = {}

    def describe(self) -> AsrProgram:
        return self._engine.describe()

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        if id(audio) not in self._known:
            self._known[id(audio)] = await self._engine.transcribe(audio, request, job)
        return self._known[id(audio)]

    async def change_home(self, home: Home) -> None:
        await self._engine.change_home(home)

    async def close(self) -> None:
        await self._engine.close()


class Rules:
    """The dialogue of the intent daemon with a simulated home, anew for each sentence."""

    def __init__(self, known: Home) -> None:
        self._home = known
        self._recognizer = hassil.load(hassil.Settings(), known)

    def recognize(self, text: str) -> object:
        match = self._recognizer.recognize(text, "en", AREA)
        return None if match is None else meaning(match)

    async def react(self, text: str) -> str:
        """Return "text", "answer" or "action"; a question before an action, and one that is impossible here, count as that."""
        confirmations: Confirmations[PendingAction] = Confirmations(
            *templates.load_replies(("en",)), templates.load_polite_phrases(("en",))
        )
        executor = ActionExecutor(self._home, DemoActor(self._home))
        dialogue = Dialogue(self._recognizer, executor, confirmations)
        try:
            kinds = {
                _kind_of(event) async for event in dialogue.answer(ConversationInput(text, "c", "en", AREA), NOW, 0)
            }
        finally:
            dialogue.close()
        return max(kinds, key=("text", "answer", "action").index)


def _kind_of(event: object) -> str:
    if not isinstance(event, Handled | NotHandled | DelegateToConductor):
        return "text"
    return "answer" if all(is_query_intent(match.intent) for match in event.matches) else "action"


def forced(pcm: bytes) -> SpeechAudio:
    """Return audio that counts as speech as a whole."""
    return SpeechAudio(pcm, ((0, round(1000 * SPEECH.seconds(len(pcm)))),))


def noise_clips(folder: Path) -> Iterator[bytes]:
    """Yield silence, noise, a room, music and chimes."""
    yield from quiet_clips()
    yield from room_clips(folder)
    yield from (
        to_pcm(0.1 * 32768 * audio / level(audio))
        for audio in (music(np.random.default_rng(seed), 4.0) for seed in range(12))
    )
    yield read_speech(folder / "noise" / "oww_activation_chime.wav")


def read_speech(file: Path) -> bytes:
    """Return a WAV file as 16 kHz mono PCM."""
    return to_speech(*read_wav(file))


def to_speech(audio: AudioFormat, pcm: bytes) -> bytes:
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()


def to_pcm(audio: Samples) -> bytes:
    return np.clip(audio, -32768, 32767).astype("<i2").tobytes()


def recorded_chat(vad: "SileroEngine", folder: Path) -> Iterator[bytes]:
    """Yield pieces of recorded speech without a command, cut in pauses."""
    words = [file for file in sorted((folder / "wake").glob("*.wav")) if file.name not in WITH_COMMAND]
    for pcm in map(read_speech, [folder / "asr" / "jfk.wav", *sorted((folder / "vad").glob("*.wav")), *words]):
        for begin, end in find_speech(vad, pcm).segments:
            first, last = max(0, begin - 300), min(end + 600, begin + round(1000 * MAX_SECONDS))
            yield pcm[SPEECH.bytes_in(first / 1000) : SPEECH.bytes_in(last / 1000)]


async def spoken_chat(voice: Path | None) -> list[bytes]:
    """Return the sentences of CHAT in the voices."""
    sentences = (await asyncio.to_thread(CHAT.read_text, "utf-8")).splitlines()
    engines: list[tuple[str, ...]] = [("--engine", "espeak")]
    if voice is not None:
        engines.append(("--engine", "piper", "--piper.voice", str(voice)))
    found = []
    for arguments in engines:
        async with processes.run_server("tts", *arguments) as server, connect(server.uri) as peer:
            for sentence in sentences:
                await peer.send(Event("synthesize", {"text": sentence}))
                audio = format_of(await peer.wait_for("audio-start", seconds=SYNTHESIZE_SECONDS))
                pcm = b""
                while (event := await peer.wait_for("audio-chunk", "audio-stop", seconds=SYNTHESIZE_SECONDS)).payload:
                    pcm += event.payload
                found.append(to_speech(audio, pcm) + bytes(SPEECH.bytes_in(0.6)))
    return found


def television_clips(chat: Sequence[bytes], folder: Path) -> Iterator[bytes]:
    """Yield mixtures of two voices, one of them softer, through a loudspeaker in a room, with music or noise below them."""
    room = samples(read_wav(folder / "noise" / "background_noise.wav")[1])
    for seed in range(TELEVISION_CLIPS):
        rng = np.random.default_rng(seed)
        size = round(rng.uniform(*TELEVISION_SECONDS) * RATE)
        one, other = (_cut(chat, rng, size) for _ in range(2))
        below = np.resize(room, size) if rng.random() < 0.5 else music(rng, size / RATE + 1)[:size]
        mixed = one / level(one) + _soften(other, rng, 3, 20) + _soften(below, rng, 5, 25)
        echo = np.exp(-np.arange(RATE // 3) / (0.06 * RATE)) * rng.normal(0, 1, RATE // 3)
        heard = np.convolve(mixed, np.concatenate([[8.0], echo]))[:size]
        yield to_pcm(10 ** rng.uniform(-2, -0.7) * 32768 * heard / level(heard))


def _cut(chat: Sequence[bytes], rng: np.random.Generator, size: int) -> Samples:
    """Return so many samples of clips that follow each other, from the middle of the first one on."""
    order = rng.permutation(len(chat))
    first = samples(chat[order[0]])
    pieces = [first[int(rng.integers(len(first))) :], *(samples(chat[index]) for index in order[1:])]
    return np.concatenate(pieces[: 2 + size // RATE])[:size]


def _soften(audio: Samples, rng: np.random.Generator, least_db: float, most_db: float) -> Samples:
    return audio / level(audio) / 10 ** (rng.uniform(least_db, most_db) / 20)


async def load_clips(folder: Path, voice: Path | None) -> dict[str, list[Clip]]:
    """Return the clips by kind."""
    vad = await asyncio.to_thread(silero.load, silero.Settings())
    recorded, spoken = [*recorded_chat(vad, folder)], await spoken_chat(voice)
    heard = {
        "recorded chat": recorded,
        "spoken chat": spoken,
        "television": [*television_clips(recorded + spoken, folder)],
    }
    found = {"noise": [Clip(forced(pcm)) for pcm in noise_clips(folder)]}
    found |= {name: [Clip(find_speech(vad, pcm)) for pcm in clips] for name, clips in heard.items()}
    for name in ("commands-en", "commands-en-tts"):
        found[name] = [Clip(find_speech(vad, clip.pcm), clip.said) for clip in commands(folder, name) if clip.said]
    return found


async def react(engine: AsrEngine, clip: Clip, rules: Rules) -> Reaction:
    if not clip.audio.segments:
        return Reaction("", "nothing")
    text = (await engine.transcribe(clip.audio, TranscribeRequest(), DecodeJob(Priority.FINAL))).text
    return Reaction(text, await rules.react(text) if text else "nothing")


async def create_engines(models: Sequence[Path], known: Home) -> dict[str, AsrEngine]:
    """Return the engines by name; those of a model share its decodings."""
    context = EngineContext(DEMO_HOME, DEMO_HOME.parent, 0.0, 1, _load_nothing)
    grammar = RememberingEngine(await asyncio.to_thread(pocketsphinx.load, pocketsphinx.Settings(), context))
    await grammar.change_home(known)
    found: dict[str, AsrEngine] = {"pocketsphinx": grammar}
    for model in models:
        for names, prompted in (("no names", Home()), ("names", known)):
            whisper = RememberingEngine(await asyncio.to_thread(create_engine, model, is_short=model.name == "tiny.en"))
            await whisper.change_home(prompted)
            found[f"{model.name}, {names}"] = whisper
            found[f"cascade, {model.name}, {names}"] = CascadeEngine(grammar, whisper, CascadeSettings())
    return found


def _load_nothing(name: str) -> AsrEngine:
    raise NotImplementedError(name)


async def compare(
    engines: dict[str, AsrEngine], sets: dict[str, list[Clip]], rules: Rules, show: Callable[..., None]
) -> Table:
    """Return a table with a row for each engine; `show` gets each clip's outcome."""
    table = Table("engine", *(f"{name}, {len(clips)}" for name, clips in sets.items()), box=None)
    for name, engine in engines.items():
        cells = []
        for kind, clips in sets.items():
            reactions = [await react(engine, clip, rules) for clip in clips]
            for clip, reaction in zip(clips, reactions, strict=True):
                show(name, kind, clip.said, reaction)
            cells.append(_summarize(clips, reactions, rules))
        table.add_row(name, *cells)
    return table


def _summarize(clips: Sequence[Clip], reactions: Sequence[Reaction], rules: Rules) -> str:
    """Return the numbers of texts, answers and actions; for commands those that are right and wrong."""
    if any(clip.said for clip in clips):
        kinds = Counter(_rate(clip, reaction, rules) for clip, reaction in zip(clips, reactions, strict=True))
        return f"{kinds['right']} right, {kinds['wrong']} wrong"
    kinds = Counter(reaction.kind for reaction in reactions)
    return f"{len(clips) - kinds['nothing']}, {kinds['answer']}, {kinds['action']}"


def _rate(clip: Clip, reaction: Reaction, rules: Rules) -> str:
    expected, found = rules.recognize(clip.said), rules.recognize(reaction.text) if reaction.text else None
    if found is None:
        return "right" if normalize_words(clip.said) == normalize_words(reaction.text) else "nothing"
    return "right" if found == expected else "wrong"


async def measure(given: argparse.Namespace, folder: Path) -> None:
    sets = await load_clips(folder, given.voice)
    if given.half:
        sets = {name: clips[HALVES[given.half] :: 2] if not clips[0].said else clips for name, clips in sets.items()}
    known = home(folder)
    engines = await create_engines(given.models, known)
    console = Console(soft_wrap=True, highlight=False, width=200)

    def show(name: str, kind: str, said: str, reaction: Reaction) -> None:
        if given.verbose and reaction.kind != "nothing":
            console.print(f"{name}; {kind}; {reaction.kind}; {said!r} -> {reaction.text!r}", markup=False)

    console.print(await compare(engines, sets, Rules(known), show))
    for engine in engines.values():
        if isinstance(engine, RememberingEngine):
            await engine.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--voice", type=Path, help="a Piper voice for the chat, beside espeak-ng")
    parser.add_argument("--half", choices=HALVES, help="only one half of what is no command")
    parser.add_argument("--verbose", action="store_true", help="a line for each text")
    asyncio.run(measure(parser.parse_args(), Path(os.environ["WYOMING_ROSIE_TEST_DATA"])))


if __name__ == "__main__":
    main()
