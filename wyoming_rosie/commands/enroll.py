"""`wyoming-rosie enroll`: voices that the asr daemon shall know, from five sentences each; only vectors are kept."""

import asyncio
import os
import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie import config
from wyoming_rosie.audio import files
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.levels import SILENCE_DBFS, measure_levels
from wyoming_rosie.audio.speakers import store
from wyoming_rosie.audio.speakers.engine import EngineChoice, SpeakerEngine, load_engine
from wyoming_rosie.audio.speakers.store import SpeakerStore
from wyoming_rosie.commands.sentence_recorder import SentenceRecorder, open_recorder
from wyoming_rosie.errors import ConfigError, NotUnderstoodError, UsageError
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie.voice_activity import silero

if TYPE_CHECKING:
    from wyoming_rosie.audio.speakers.enrolment import SentenceFault
    from wyoming_rosie.audio.speakers.spectrum import Floats

SENTENCES: dict[str, list[str]] = tomllib.loads(Path(store.__file__).with_name("sentences.toml").read_text("utf-8"))
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
            async with open_recorder(satellite, mic, judge.vad, _create_console()) as recorder:
                await _ask_sentences(judge, recorder, _find_sentences(language))
        await asyncio.to_thread(_save, voices, person, judge)


@dataclass(frozen=True)
class JudgedSentence:
    """What is wrong with a sentence, None if nothing is; the speech in it, and its level."""

    fault: "SentenceFault | None"
    speech_seconds: float = 0.0
    level_dbfs: float = SILENCE_DBFS

    def __str__(self) -> str:
        if not self.speech_seconds:
            return str(self.fault)
        return f"{self.fault or 'good'} ({self.speech_seconds:.1f} s of speech at {self.level_dbfs:.0f} dBFS)"


class SentenceJudge:
    """Judges sentences one after the other and keeps the vectors of the good ones. Raises ConfigError."""

    def __init__(self, engine: SpeakerEngine) -> None:
        self.engine = engine
        self.vad = silero.load(silero.Settings())
        self.vectors: list[Floats] = []

    def judge(self, pcm: bytes) -> JudgedSentence:
        """Take a sentence of speech PCM; keep its vector if it is good."""
        from wyoming_rosie.audio.speakers import enrolment
        from wyoming_rosie.audio.speakers.identification import embed_speech
        from wyoming_rosie.voice_activity.recording import cut_speech, find_segments

        if not any(pcm):
            return JudgedSentence(enrolment.SentenceFault.SILENT)
        segments = find_segments(self.vad, pcm)
        speech = cut_speech(pcm, segments, 0)
        fault = enrolment.check_speech(speech)
        sample = None if fault else embed_speech(self.engine, pcm, segments)
        if sample is None:
            fault = fault or enrolment.SentenceFault.NOISY
        elif not enrolment.is_same_voice(self.engine, self.vectors, sample.vector):
            fault = enrolment.SentenceFault.OTHER_VOICE
        else:
            self.vectors.append(sample.vector)
        return JudgedSentence(
            fault, SPEECH.seconds(len(speech)), measure_levels(speech).rms if speech else SILENCE_DBFS
        )


async def _ask_sentences(judge: SentenceJudge, recorder: SentenceRecorder, sentences: Sequence[str]) -> None:
    """Ask for each sentence until it is good, TRIES times at most."""
    console = _create_console()
    console.print(
        f"{len(sentences)} sentences, from where you usually speak, as you usually speak; nobody else, no music.",
        markup=False,
    )
    for number, sentence in enumerate(sentences, 1):
        for attempt in range(1, TRIES + 1):
            console.print(f"[bold]{number} of {len(sentences)}[/bold], {recorder.prompt}: [cyan]{sentence}[/cyan]")
            judged = await asyncio.to_thread(judge.judge, await recorder.record())
            console.print(f"   {judged}{_next_step(judged, attempt)}", markup=False)
            if judged.fault is None:
                break


def _next_step(judged: JudgedSentence, attempt: int) -> str:
    if judged.fault is None:
        return ""
    return "; once more" if attempt < TRIES else "; this sentence is left out"


def _judge_files(judge: SentenceJudge, paths: Sequence[Path]) -> None:
    from rich.progress import Progress

    console = _create_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for path in progress.track(paths, description="recordings"):
            with files.open_audio(path) as recording:
                pcm = b"".join(files.speech_blocks(recording))
            console.print(f"{path.name}: {judge.judge(pcm)}", markup=False)


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


def _create_console() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)
