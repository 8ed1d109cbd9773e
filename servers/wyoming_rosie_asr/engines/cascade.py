"""Two engines in a cascade: the home's grammar, then Whisper for what the grammar is not confident about."""

from dataclasses import dataclass, replace

import structlog
from wyoming.info import AsrProgram

from wyoming_rosie import __version__
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, EngineError
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

_LOG = structlog.get_logger()


@dataclass(frozen=True)
class Settings:
    sure: float = option(0.92, "score from which the grammar's transcript is used without asking Whisper, 0 to 1")
    least_score: float = option(
        0.5, "lowest score of a transcript of Whisper; below it, nothing was understood, 0 to 1"
    )


class CascadeEngine(AsrEngine):
    """Uses the small engine's transcript if its score is high enough, else the large engine's if that is likely.

    The score of Whisper's transcript is the mean probability of its tokens: below one half, more of them are guessed than
    heard, as in the sound of a television. Where both engines doubt, nothing was understood. A request that names a model of one of them uses that engine only. While the
    large engine is not installed or fails, the small one answers alone.
    """

    def __init__(self, small: AsrEngine, large: AsrEngine, settings: Settings) -> None:
        self._small = small
        self._large = large
        self._settings = settings
        self._failure = ""

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
        _LOG.info("only the commands of the home are recognized until the model is there")
        await self._large.install()

    async def prepare(self) -> None:
        await self._small.prepare()
        await self._large.prepare()

    async def change_home(self, home: Home) -> None:
        await self._small.change_home(home)
        await self._large.change_home(home)

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        if request.model != MODEL and (request.model is not None or not supports_language(request.language)):
            return await self._large.transcribe(audio, request, job)
        small = Transcript()
        if request.model == MODEL or job.priority is not Priority.PARTIAL:
            small = await self._small.transcribe(audio, request, job)
        is_sure = small.text and small.score >= self._settings.sure
        if request.model == MODEL or not self._large.is_installed or is_sure:
            return small
        try:
            large = await self._large.transcribe(audio, request, job)
        except EngineError as err:
            self._log_failure(str(err))
            return small
        if large.score < self._settings.least_score:
            large = Transcript(language=large.language)
        is_beginning = small.completeness is Completeness.BEGINNING
        return replace(large, completeness=Completeness.BEGINNING) if is_beginning else large

    async def close(self) -> None:
        await self._small.close()
        await self._large.close()

    def _log_failure(self, reason: str) -> None:
        """Log a failure of the large engine once."""
        if reason != self._failure:
            _LOG.error("only the commands of the home are recognized", reason=reason)
        self._failure = reason


def load(settings: Settings, context: EngineContext) -> CascadeEngine:
    """Return the engine. Raises ConfigError."""
    for name in ("sure", "least_score"):
        if not 0 <= getattr(settings, name) <= 1:
            raise ConfigError(
                f"--cascade.{name.replace('_', '-')} must be from 0 to 1, not {getattr(settings, name):g}"
            )
    return CascadeEngine(context.load("pocketsphinx"), context.load("faster-whisper"), settings)
