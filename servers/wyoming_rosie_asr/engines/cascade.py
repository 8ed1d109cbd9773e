"""Two engines in a cascade: the home's grammar, then Whisper for what the grammar is not confident about."""

from dataclasses import dataclass, replace

from wyoming.info import AsrProgram

from wyoming_rosie import __version__
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Home
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.engine import (
    AsrEngine,
    EngineContext,
    SpeechAudio,
    TranscribeRequest,
    Transcript,
    UnsupportedModelError,
)
from wyoming_rosie_asr.engines.pocketsphinx.engine import MODEL, supports_language


@dataclass(frozen=True)
class Settings:
    sure: float = option(0.92, "score from which the grammar's transcript is used without asking Whisper, 0 to 1")


class CascadeEngine(AsrEngine):
    """Uses the small engine's transcript if its score is high enough, else the large engine's.

    A request that names a model of one of them uses that engine only.
    """

    def __init__(self, small: AsrEngine, large: AsrEngine, sure: float) -> None:
        self._small = small
        self._large = large
        self._sure = sure

    @property
    def supports_streaming(self) -> bool:
        return self._large.is_installed

    @property
    def waiting(self) -> int:
        return self._small.waiting + self._large.waiting

    def describe(self) -> AsrProgram:
        small, large = self._small.describe(), self._large.describe()
        about = "The commands of one home at once, other words by Whisper"
        return AsrProgram("cascade", large.attribution, True, about, __version__, [*small.models, *large.models])

    def check_request(self, request: TranscribeRequest) -> None:
        if request.model == MODEL:
            self._small.check_request(request)
        elif request.model is not None or not supports_language(request.language):
            try:
                self._large.check_request(request)
            except UnsupportedModelError as err:
                raise UnsupportedModelError(f"{err}, {MODEL}") from err

    async def install(self) -> None:
        if not self._large.is_installed:
            await self._large.install()

    async def prepare(self) -> None:
        await self._small.prepare()
        await self._large.prepare()

    async def change_home(self, home: Home) -> None:
        await self._small.change_home(home)
        await self._large.change_home(home)

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        if self._needs_whisper(request, job):
            return await self._large.transcribe(audio, request, job)
        transcript = await self._small.transcribe(audio, request, job)
        is_sure = transcript.text and transcript.score >= self._sure
        if request.model == MODEL or not self._large.is_installed or is_sure:
            return transcript
        free = await self._large.transcribe(audio, request, job)
        is_beginning = transcript.completeness is Completeness.BEGINNING
        return replace(free, completeness=Completeness.BEGINNING) if is_beginning else free

    async def close(self) -> None:
        await self._small.close()
        await self._large.close()

    def _needs_whisper(self, request: TranscribeRequest, job: DecodeJob) -> bool:
        if request.model == MODEL:
            return False
        return request.model is not None or not supports_language(request.language) or job.priority is Priority.PARTIAL


def load(settings: Settings, context: EngineContext) -> CascadeEngine:
    """Return the engine. Raises ConfigError."""
    if not 0 <= settings.sure <= 1:
        raise ConfigError(f"--cascade.sure must be from 0 to 1, not {settings.sure:g}")
    return CascadeEngine(context.load("pocketsphinx"), context.load("faster-whisper"), settings.sure)
