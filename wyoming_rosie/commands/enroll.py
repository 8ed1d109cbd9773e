"""`wyoming-rosie enroll`: voices that the asr daemon shall know, from five sentences each; only vectors are kept."""

import asyncio
import os
import shlex
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie import config
from wyoming_rosie.audio import files
from wyoming_rosie.audio.speakers import store
from wyoming_rosie.audio.speakers.engine import EngineChoice, SpeakerEngine, load_engine
from wyoming_rosie.audio.speakers.store import SpeakerStore
from wyoming_rosie.commands.diagnostics import audio_devices
from wyoming_rosie.commands.listen import SatelliteSession, connect_satellite
from wyoming_rosie.commands.mini_conductor import MiniConductor
from wyoming_rosie.errors import ConfigError, NotUnderstoodError, UsageError
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie.voice_activity import silero

if TYPE_CHECKING:
    from wyoming_rosie.audio.speakers.spectrum import Floats

SENTENCES: dict[str, list[str]] = tomllib.loads(Path(store.__file__).with_name("sentences.toml").read_text("utf-8"))
RECORD_SECONDS = 6.0
TURN_SECONDS = 60.0
"""Time in which somebody says the wake word and a sentence to a satellite."""
TRIES = 3
"""Times that somebody is asked for one sentence."""


async def enroll(
    name: Annotated[str | None, Parameter(help="the person's name")] = None,
    /,
    *,
    file: Annotated[
        tuple[Path, ...], Parameter(help="a recording of one sentence, instead of the microphone; may be given again")
    ] = (),
    satellite: Annotated[
        str | None, Parameter(help="address of a satellite to speak to, such as tcp://pi:10700, after its wake word")
    ] = None,
    mic: Annotated[str | None, Parameter(help="the microphone's name [default: the system's]")] = None,
    language: Annotated[str | None, Parameter(help="of the sentences: en, de, fr, es, it or nl")] = None,
    forget: Annotated[str | None, Parameter(help="delete the voice of this person")] = None,
    show: Annotated[bool, Parameter(name="--list", help="list who is enrolled", negative=())] = False,
    engine: Annotated[EngineChoice, Parameter(help="what tells voices apart, as the daemon's setting")] = "auto",
    folder: Annotated[
        Path | None, Parameter(help="folder of the voices [default: that of the asr daemon's settings]")
    ] = None,
    data_dir: Annotated[Path | None, Parameter(help="folder of models [default: the user's data folder]")] = None,
) -> None:
    """Enrol a person's voice by five sentences, so that the house knows who speaks; or list or forget voices.

    Vectors of the voice are kept, never audio. The asr daemon takes them at once.
    """
    voices = SpeakerStore(folder or store.default_folder())
    if sum((name is not None, forget is not None, show)) != 1:
        raise UsageError("give a name to enrol, or --list, or --forget NAME")
    if show:
        await asyncio.to_thread(_print_people, voices)
    elif forget is not None:
        await asyncio.to_thread(_forget, voices, forget)
    elif name is not None:
        person = store.check_name(name)
        known = await asyncio.to_thread(load_engine, engine, data_dir or config.data_folder())
        judge = await asyncio.to_thread(SentenceJudge, known)
        if file:
            await asyncio.to_thread(_judge_files, judge, file)
        else:
            async with _open_recorder(satellite, mic) as recorder:
                await _ask_sentences(judge, recorder, _find_sentences(language))
        await asyncio.to_thread(_save, voices, person, judge)


class SentenceJudge:
    """Judges sentences one after the other and keeps the vectors of the good ones. Raises ConfigError."""

    def __init__(self, engine: SpeakerEngine) -> None:
        self.engine = engine
        self._vad = silero.load(silero.Settings())
        self.vectors: list[Floats] = []

    def judge(self, pcm: bytes) -> str | None:
        """Take a sentence of speech PCM; return what is wrong with it, None if it is good."""
        import numpy as np

        from wyoming_rosie.audio.speakers import enrolment
        from wyoming_rosie.audio.speakers.identification import embed_speech
        from wyoming_rosie.voice_activity.recording import cut_speech, find_segments

        segments = find_segments(self._vad, pcm)
        fault = enrolment.check_speech(cut_speech(pcm, segments, 0))
        sample = None if fault else embed_speech(self.engine, pcm, segments)
        if sample is None:
            return fault or enrolment.SentenceFault.NOISY
        if self.vectors and not enrolment.is_same_voice(self.engine, np.stack(self.vectors), sample.vector):
            return enrolment.SentenceFault.OTHER_VOICE
        self.vectors.append(sample.vector)
        return None


class Recorder(Protocol):
    """Records one sentence."""

    prompt: str

    async def record(self) -> bytes:
        """Return speech PCM. Raises RosieError."""
        ...


@dataclass
class MicrophoneRecorder:
    """The microphone of this machine."""

    device: str | None
    sounddevice: Any = field(default_factory=lambda: _load_sounddevice())
    prompt: str = "read aloud"

    async def record(self) -> bytes:
        return await asyncio.to_thread(self._record)

    def _record(self) -> bytes:
        audio, pcm, _ = audio_devices.record(self.sounddevice, self.device, RECORD_SECONDS)
        return audio_devices.to_speech_format(audio, pcm)


@dataclass
class SatelliteRecorder:
    """A satellite, which listens after its wake word."""

    session: SatelliteSession
    prompt: str = "say the wake word, then"

    async def record(self) -> bytes:
        start = len(self.session.recording)
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self.session.run(self.session.turns + 1, announce=False)
        except TimeoutError:
            raise NotUnderstoodError(f"the satellite heard no wake word within {TURN_SECONDS:g} s") from None
        return bytes(self.session.recording[start:])


@asynccontextmanager
async def _open_recorder(satellite: str | None, mic: str | None) -> AsyncIterator[Recorder]:
    if satellite is None:
        yield await asyncio.to_thread(MicrophoneRecorder, mic)
        return
    async with connect_satellite(satellite) as (peer, _):
        yield SatelliteRecorder(SatelliteSession(peer, MiniConductor(RECORD_SECONDS, None), None, lambda _: None))


async def _ask_sentences(judge: SentenceJudge, recorder: Recorder, sentences: Sequence[str]) -> None:
    console = _create_console()
    for number, sentence in enumerate(sentences, 1):
        for _ in range(TRIES):
            console.print(f"[bold]{number} of {len(sentences)}[/bold], {recorder.prompt}: [cyan]{sentence}[/cyan]")
            with console.status(f"listening for {RECORD_SECONDS:g} s"):
                pcm = await recorder.record()
            fault = await asyncio.to_thread(judge.judge, pcm)
            console.print(f"   {fault or 'good'}", markup=False)
            if fault is None:
                break


def _judge_files(judge: SentenceJudge, paths: Sequence[Path]) -> None:
    from rich.progress import Progress

    console = _create_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for path in progress.track(paths, description="recordings"):
            with files.open_audio(path) as recording:
                pcm = b"".join(files.speech_blocks(recording))
            console.print(f"{path.name}: {judge.judge(pcm) or 'good'}", markup=False)


def _save(voices: SpeakerStore, person: str, judge: SentenceJudge) -> None:
    import numpy as np

    from wyoming_rosie.audio.speakers.enrolment import MIN_SENTENCES

    if len(judge.vectors) < MIN_SENTENCES:
        raise NotUnderstoodError(
            f"{person} is not enrolled: {len(judge.vectors)} good sentences, and at least {MIN_SENTENCES} are needed; try again"
        )
    voices.save(store.create_person(person, judge.engine.name, np.stack(judge.vectors)))
    _create_console().print(
        f"{person} is enrolled with {len(judge.vectors)} sentences ({judge.engine.name}). "
        f"Forget the voice with: wyoming-rosie enroll --forget {shlex.quote(person)}",
        markup=False,
    )


def _print_people(voices: SpeakerStore) -> None:
    people = voices.load()
    for person in people:
        on = datetime.fromtimestamp(person.enrolled_at).astimezone().strftime("%Y-%m-%d")
        print(f"{person.name:<24}{len(person.vectors)} sentences   {person.engine:<20}{on}")  # noqa: T201
    _create_console().print(f"{len(people)} people in {voices.folder}", markup=False)


def _forget(voices: SpeakerStore, name: str) -> None:
    person = store.check_name(name)
    if not voices.forget(person):
        raise ConfigError(f"{person} is not enrolled in {voices.folder}; see: wyoming-rosie enroll --list")
    _create_console().print(f"{person} is forgotten.", markup=False)


def _find_sentences(language: str | None) -> Sequence[str]:
    """Return the sentences of a language, or of the terminal's. Raises UsageError."""
    if language is not None and base_language(language) not in SENTENCES:
        raise UsageError(f"there are sentences in {', '.join(SENTENCES)}, not in '{language[:20]}'")
    spoken = base_language(language or os.environ.get("LANG", "").partition(".")[0].replace("_", "-"))
    return SENTENCES.get(spoken, SENTENCES["en"])


def _load_sounddevice() -> Any:
    try:
        return audio_devices.load_sounddevice()
    except ConfigError as err:
        raise ConfigError(f"the microphone needs: {err}; or give recordings: --file A.wav --file B.wav …") from err


def _create_console() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)
