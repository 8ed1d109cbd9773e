"""Commands whose time has come: sent to the intent daemon as if they were said now, in the room where they were said."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.client import PeerError
from wyoming_rosie_hub.daemon_streams import DaemonStream
from wyoming_rosie_hub.intent_response import IntentExecutor, IntentResponse
from wyoming_rosie_hub.messages import AnswerChunkReceived, Failure, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.sentences import format_sentence
from wyoming_rosie_hub.timers.model import DelayedCommand, HubTimer

_LOG = structlog.get_logger()
ANSWER_TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 5.0
MAX_ATTEMPTS = 12
"""Of a daemon that cannot be reached: after a power cut it needs longer than the hub to be ready."""
MAX_DELAY_SECONDS = 300.0
"""So late a command is still carried out, as after a restart of the hub."""
MAX_CONFIRMED_DELAY_SECONDS = 60.0
"""The same for what somebody had to say yes to: nobody wants a door unlocked long after."""


def is_too_late(timer: HubTimer, now: float) -> bool:
    """Tell whether a command's time is over for so long that it must not be carried out any more."""
    confirmed = timer.command.confirmed if timer.command else ()
    limit = MAX_CONFIRMED_DELAY_SECONDS if confirmed else MAX_DELAY_SECONDS
    return timer.ends_at is not None and now - timer.ends_at > limit


class DelayedCommandRunner:
    """Carries out commands. `uri` is where the intent daemon is."""

    def __init__(self, uri: Callable[[], str], executors: Callable[[], Sequence[IntentExecutor]]) -> None:
        self._uri = uri
        self._executors = executors

    async def run(self, timer: HubTimer, command: DelayedCommand) -> SpokenAnswer:
        """Return what came of it; never raises for a daemon that fails."""
        speaker = SatelliteIdentity(timer.satellite_id, timer.area, command.language)
        for attempt in range(MAX_ATTEMPTS):
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                    return await self._send_command(timer, command, speaker)
            except PeerError as err:
                return self._create_failure(err, command)
            except (RosieError, TimeoutError) as err:
                _LOG.debug("a command for later waits for the intent daemon", attempt=attempt, reason=str(err))
                if isinstance(err, TimeoutError) or attempt == MAX_ATTEMPTS - 1:
                    return self._create_failure(err, command)
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError("the last attempt has an answer")

    def _create_failure(self, error: Exception, command: DelayedCommand) -> SpokenAnswer:
        _LOG.warning("a command for later failed", reason=str(error))
        return SpokenAnswer(format_sentence(f"failures.{Failure.INTENT}", command.language), succeeded=False)

    async def _send_command(
        self, timer: HubTimer, command: DelayedCommand, satellite: SatelliteIdentity
    ) -> SpokenAnswer:
        understanding = IntentResponse(self._executors(), satellite)
        parts: list[str] = []
        answers: list[SpokenAnswer] = []

        async def heard(event: Event) -> bool:
            answer = await understanding.feed(event)
            match answer:
                case AnswerChunkReceived(text):
                    parts.append(text)
                case SpokenAnswer():
                    answers.append(answer)
            return bool(answers)

        await DaemonStream(self._uri(), [_create_transcript(timer, command)], heard).run()
        if not answers:
            raise UnreachableError(f"{self._uri()} closed the connection without an answer")
        return SpokenAnswer("".join(parts), answers[0].expects_reply) if parts else answers[0]


def _create_transcript(timer: HubTimer, command: DelayedCommand) -> Event:
    context: dict[str, object] = {
        "turn_id": turn.new_id(),
        "conversation_id": timer.id,
        "satellite_id": timer.satellite_id,
        "confirmed": list(command.confirmed),
    }
    context |= {"area": timer.area} if timer.area else {}
    return Transcript(text=command.text, language=command.language, context=context).event()
