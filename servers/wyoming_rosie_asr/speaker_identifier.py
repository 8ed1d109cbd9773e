"""Speaker identification beside the decoding, on a thread of its own: it never delays a transcript by more than WAIT_SECONDS."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.audio.speakers.engine import EngineChoice, SpeakerEngine, load_engine
from wyoming_rosie.audio.speakers.store import FOLDER, SpeakerStore
from wyoming_rosie.config import option
from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_asr.engine import SpeechAudio

if TYPE_CHECKING:
    from wyoming_rosie.audio.speakers.change import Segments, SpeakerChangeDetector
    from wyoming_rosie.audio.speakers.identification import IdentifiedSpeaker, VoiceIndex

_LOG = structlog.get_logger()
WAIT_SECONDS = 0.1
"""Time that a transcript waits for the speaker, who is a guest after it."""
SPEAKER = "speaker"
SPEAKER_SCORE = "speaker_score"
"""Keys of the context of `transcript`: the person, and the cosine of the voice with that enrolled."""


@dataclass(frozen=True)
class SpeakerSettings:
    folder: Path | None = option(
        None, "folder of the voices that 'wyoming-rosie enroll' knows [default: speakers in the state folder]"
    )
    engine: EngineChoice = option(
        "auto", "what tells voices apart; auto: the network if it is fetched, else the mixture"
    )
    first_voice_only: bool = option(
        False, "another voice that goes on speaking after the first one does not prolong a command"
    )


class SpeakerIdentifier:
    """The voices of the enrolled persons, read again when somebody is enrolled or forgotten; `data` is the folder of models.

    Without anybody enrolled, no engine is loaded, unless `first_voice_only` needs one.
    """

    def __init__(
        self,
        settings: SpeakerSettings,
        state: Path,
        data: Path,
        load: Callable[[EngineChoice, Path], SpeakerEngine] = load_engine,
    ) -> None:
        self._load = load
        self.first_voice_only = settings.first_voice_only
        self._choice = settings.engine
        self._data = data
        self._store = SpeakerStore(settings.folder or state / FOLDER)
        self._worker = ThreadWorker("speaker")
        self._signature: tuple[tuple[str, int, int], ...] = ()
        self._engine: SpeakerEngine | None = None
        self._has_failed = False
        self._index: VoiceIndex | None = None

    @property
    def is_active(self) -> bool:
        """Whether anybody was enrolled when the store was read last."""
        return bool(self._signature)

    async def refresh(self) -> None:
        """Read the store if it has changed, and load the engine."""
        await self._worker.run(self._refresh)

    async def identify(self, audio: SpeechAudio) -> "IdentifiedSpeaker | None":
        """Return who speaks; None for a guest."""
        return await self._worker.run(self._identify, audio)

    def create_change_detector(self) -> "SpeakerChangeDetector | None":
        """Return a detector for one utterance; None without an engine."""
        if self._engine is None:
            return None
        from wyoming_rosie.audio.speakers.change import SpeakerChangeDetector

        return SpeakerChangeDetector(self._engine)

    async def find_change(self, detector: "SpeakerChangeDetector", pcm: bytes, segments: "Segments") -> int | None:
        """Return where another voice began, in milliseconds; None as long as it is not sure."""
        return await self._worker.run(detector.process, pcm, segments)

    def close(self) -> None:
        self._worker.close()

    def _refresh(self) -> None:
        if self.first_voice_only:
            self._load_engine()
        signature = self._store.signature()
        if signature == self._signature:
            return
        self._signature, self._index, self._has_failed = signature, None, False
        if not signature or not self._load_engine():
            return
        from wyoming_rosie.audio.speakers.identification import VoiceIndex  # numpy, which the settings need not load

        assert self._engine is not None
        self._index = VoiceIndex(self._engine, self._store.load())
        _LOG.info("voices read", people=len(self._index.names), engine=self._engine.name)
        if self._index.others:
            _LOG.warning(
                "people were enrolled with another engine; enrol them again: wyoming-rosie enroll NAME",
                people=len(self._index.others),
                engine=self._engine.name,
            )

    def _load_engine(self) -> bool:
        """Load the engine, once; return whether there is one."""
        if self._engine is None and not self._has_failed:
            try:
                self._engine = self._load(self._choice, self._data)
            except RosieError as err:
                self._has_failed = True
                _LOG.error("voices are not told apart", reason=str(err))
        return self._engine is not None

    def _identify(self, audio: SpeechAudio) -> "IdentifiedSpeaker | None":
        if self._engine is None or self._index is None:
            return None
        from wyoming_rosie.audio.speakers.identification import embed_speech

        sample = embed_speech(self._engine, audio.pcm, audio.segments)
        return None if sample is None else self._index.identify(sample)


class UtteranceSpeaker:
    """Who speaks in one utterance. `create_task` starts a task that its owner cancels at the end."""

    def __init__(
        self, identifier: SpeakerIdentifier, create_task: Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]
    ) -> None:
        self._identifier = identifier
        self._create_task = create_task
        self._task: asyncio.Task[IdentifiedSpeaker | None] | None = None

    def prepare(self) -> None:
        """Read the store of voices while somebody speaks."""
        self._create_task(self._identifier.refresh())

    def start(self, audio: SpeechAudio) -> None:
        """Start to identify the speaker of the audio so far, instead of an earlier part."""
        if self._task is not None:
            self._task.cancel()
        self._task = self._create_task(self._identifier.identify(audio)) if audio.segments else None

    async def finish(self, context: dict[str, Any]) -> dict[str, Any]:
        """Return the context of a transcript with the speaker. Where anybody is enrolled, nobody else may name one."""
        if not self._identifier.is_active:
            return context
        speaker = await self._wait()
        _LOG.debug("speaker", person=None if speaker is None else speaker.person)
        others = {key: value for key, value in context.items() if key not in (SPEAKER, SPEAKER_SCORE)}
        return others if speaker is None else {**others, SPEAKER: speaker.person, SPEAKER_SCORE: speaker.score}

    async def _wait(self) -> "IdentifiedSpeaker | None":
        if self._task is None:
            return None
        await asyncio.wait([self._task], timeout=WAIT_SECONDS)
        return self._task.result() if self._task.done() and not self._task.cancelled() else None


class FirstVoice:
    """Finds out whether the voice that began an utterance still speaks: one comparison at a time, as `create_task` runs it.

    `on_other_voice` is called with the milliseconds where another voice began.
    """

    def __init__(
        self,
        identifier: SpeakerIdentifier,
        create_task: Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"],
        on_other_voice: Callable[[int], None],
    ) -> None:
        self._identifier = identifier
        self._create_task = create_task
        self._on_other_voice = on_other_voice
        self._detector: SpeakerChangeDetector | None = None
        self._task: asyncio.Task[None] | None = None

    def on_speech(self, pcm: bytearray, segments: "Segments") -> None:
        """Start a comparison if it is due."""
        if self._task is not None and not self._task.done():
            return
        self._detector = self._detector or self._identifier.create_change_detector()
        if self._detector is not None and self._detector.is_due(segments):
            self._task = self._create_task(self._compare(self._detector, bytes(pcm), segments))

    async def _compare(self, detector: "SpeakerChangeDetector", pcm: bytes, segments: "Segments") -> None:
        at_ms = await self._identifier.find_change(detector, pcm, segments)
        if at_ms is not None:
            self._on_other_voice(at_ms)
