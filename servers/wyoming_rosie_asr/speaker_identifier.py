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


class SpeakerIdentifier:
    """The voices of the enrolled persons, read again when somebody is enrolled or forgotten; `data` is the folder of models.

    Without anybody enrolled, no engine is loaded.
    """

    def __init__(self, settings: SpeakerSettings, state: Path, data: Path) -> None:
        self._choice = settings.engine
        self._data = data
        self._store = SpeakerStore(settings.folder or state / FOLDER)
        self._worker = ThreadWorker("speaker")
        self._signature: tuple[tuple[str, int, int], ...] = ()
        self._engine: SpeakerEngine | None = None
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

    def close(self) -> None:
        self._worker.close()

    def _refresh(self) -> None:
        signature = self._store.signature()
        if signature == self._signature:
            return
        self._signature, self._index = signature, None
        if not signature:
            return
        from wyoming_rosie.audio.speakers.identification import VoiceIndex  # numpy, which the settings need not load

        try:
            self._engine = self._engine or load_engine(self._choice, self._data)
        except RosieError as err:
            _LOG.error("nobody is identified", reason=str(err))
            return
        self._index = VoiceIndex(self._engine, self._store.load())
        _LOG.info("voices read", people=len(self._index.names), engine=self._engine.name)
        if self._index.others:
            _LOG.warning(
                "people were enrolled with another engine; enrol them again: wyoming-rosie enroll NAME",
                people=len(self._index.others),
                engine=self._engine.name,
            )

    def _identify(self, audio: SpeechAudio) -> "IdentifiedSpeaker | None":
        if self._engine is None or self._index is None:
            return None
        from wyoming_rosie.audio.speakers.identification import embed_speech

        vector = embed_speech(self._engine, audio.pcm, audio.segments)
        return None if vector is None else self._index.identify(vector)


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
