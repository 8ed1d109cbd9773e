"""Delayed commands: sent to the intent daemon at their time, as if they were said then, in the same room."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.client import PeerError
from wyoming_rosie.text.sentences import format_sentence
from wyoming_rosie.timers.model import DelayedCommand, HubTimer
from wyoming_rosie.timers.requests import SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.intent_response import IntentExecutor
from wyoming_rosie_hub.late_answers import request_answer
from wyoming_rosie_hub.messages import Failure

_LOG = structlog.get_logger()
ANSWER_TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 5.0
MAX_ATTEMPTS = 12
"""Attempts to reach the daemon, which may need longer to start than the hub after a power cut."""


class DelayedCommandRunner:
    """Runs delayed commands. `uri` returns the intent daemon's address."""

    def __init__(self, uri: Callable[[], str], executors: Callable[[], Sequence[IntentExecutor]]) -> None:
        self._uri = uri
        self._executors = executors

    async def run(self, timer: HubTimer, command: DelayedCommand) -> SpokenAnswer:
        """Carry out a command and return the answer; a failure of the daemon is an answer, too."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                    return await self._send_command(timer, command)
            except PeerError as err:
                return self._create_failure(err, command)
            except (RosieError, TimeoutError) as err:
                _LOG.debug("delayed command waits for the intent daemon", attempt=attempt, reason=str(err))
                if isinstance(err, TimeoutError) or attempt == MAX_ATTEMPTS - 1:
                    return self._create_failure(err, command)
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError("the last attempt returns")

    def _create_failure(self, error: Exception, command: DelayedCommand) -> SpokenAnswer:
        _LOG.warning("delayed command failed", reason=str(error))
        return SpokenAnswer(format_sentence(f"failures.{Failure.INTENT}", command.language), succeeded=False)

    async def _send_command(self, timer: HubTimer, command: DelayedCommand) -> SpokenAnswer:
        satellite = SatelliteIdentity(timer.satellite_id, timer.area, command.language)
        return await request_answer(self._uri(), _create_transcript(timer, command), self._executors(), satellite)


def _create_transcript(timer: HubTimer, command: DelayedCommand) -> Event:
    context: dict[str, object] = {
        "turn_id": turn.new_id(),
        "conversation_id": timer.id,
        "satellite_id": timer.satellite_id,
        "confirmed": list(command.confirmed),
    }
    context |= {"area": timer.area} if timer.area else {}
    context |= {"speaker": command.speaker} if command.speaker else {}
    return Transcript(text=command.text, language=command.language, context=context).event()
