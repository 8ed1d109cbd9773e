"""Commands whose time has come: sent to the intent daemon as if they were said now, in the room where they were said."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.client import PeerError
from wyoming_rosie_hub.daemon_streams import StageStream
from wyoming_rosie_hub.intent_response import Doer, Understanding
from wyoming_rosie_hub.messages import Answer, AnswerPart, Failure, Speaker
from wyoming_rosie_hub.sentences import say
from wyoming_rosie_hub.timers.model import HubTimer, LaterCommand

_LOG = structlog.get_logger()
ANSWER_SECONDS = 30.0
RETRY_SECONDS = 5.0
ATTEMPTS = 12
"""Of a daemon that cannot be reached: after a power cut it needs longer than the hub to be ready."""
LATE_SECONDS = 300.0
"""So late a command is still carried out, as after a restart of the hub."""
LATE_CONFIRMED_SECONDS = 60.0
"""The same for what somebody had to say yes to: nobody wants a door unlocked long after."""


def is_too_late(timer: HubTimer, now: float) -> bool:
    """Tell whether a command's time is over for so long that it must not be carried out any more."""
    confirmed = timer.command.confirmed if timer.command else ()
    limit = LATE_CONFIRMED_SECONDS if confirmed else LATE_SECONDS
    return timer.ends_at is not None and now - timer.ends_at > limit


class LaterCommands:
    """Carries out commands. `uri` is where the intent daemon is."""

    def __init__(self, uri: Callable[[], str], doers: Callable[[], Sequence[Doer]]) -> None:
        self._uri = uri
        self._doers = doers

    async def carry_out(self, timer: HubTimer, command: LaterCommand) -> Answer:
        """Return what came of it; never raises for a daemon that fails."""
        speaker = Speaker(timer.satellite_id, timer.area, command.language)
        for attempt in range(ATTEMPTS):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await self._ask(timer, command, speaker)
            except PeerError as err:
                return self._failed(err, command)
            except (RosieError, TimeoutError) as err:
                _LOG.debug("a command for later waits for the intent daemon", attempt=attempt, reason=str(err))
                if isinstance(err, TimeoutError) or attempt == ATTEMPTS - 1:
                    return self._failed(err, command)
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError("the last attempt has an answer")

    def _failed(self, error: Exception, command: LaterCommand) -> Answer:
        _LOG.warning("a command for later failed", reason=str(error))
        return Answer(say(f"failures.{Failure.INTENT}", command.language), done=False)

    async def _ask(self, timer: HubTimer, command: LaterCommand, speaker: Speaker) -> Answer:
        understanding = Understanding(self._doers(), speaker)
        parts: list[str] = []
        answers: list[Answer] = []

        async def heard(event: Event) -> bool:
            answer = await understanding.hear(event)
            match answer:
                case AnswerPart(text):
                    parts.append(text)
                case Answer():
                    answers.append(answer)
            return bool(answers)

        await StageStream("intent", self._uri(), [_said(timer, command)], heard).run()
        if not answers:
            raise UnreachableError(f"{self._uri()} closed the connection without an answer")
        return Answer("".join(parts), answers[0].expects_reply) if parts else answers[0]


def _said(timer: HubTimer, command: LaterCommand) -> Event:
    context: dict[str, object] = {
        "turn_id": turn.new_id(),
        "conversation_id": timer.id,
        "satellite_id": timer.satellite_id,
        "confirmed": list(command.confirmed),
    }
    context |= {"area": timer.area} if timer.area else {}
    return Transcript(text=command.text, language=command.language, context=context).event()
