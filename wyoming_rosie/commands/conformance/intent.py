"""Checks of understanding. What is asked changes nothing in the house."""

from collections.abc import Iterable

from wyoming.event import Event

from wyoming_rosie.commands.conformance.outcome import Check, FaultError, FlawError
from wyoming_rosie.commands.conformance.role import Role
from wyoming_rosie.commands.conformance.target import Target
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import connect

ANSWERS = ("handled", "not-handled", "intent", "intents-start", "not-recognized")
QUESTION = "what time is it"
NONSENSE = "colourless green ideas sleep furiously"
CONTEXT = {"conversation_id": "check", "device_id": "check", "satellite_id": "assist_satellite.check"}


def request(_: Target) -> list[Event]:
    """Make the event of a question as Home Assistant sends it."""
    return [transcript(QUESTION, language="en", context=CONTEXT)]


def transcript(text: str, **fields: object) -> Event:
    """Return a sentence that was said."""
    return Event("transcript", {"text": text, **fields})


async def as_home_assistant(target: Target) -> str:
    """Ask with all that Home Assistant says."""
    return await _answer(target, request(target))


async def bare(target: Target) -> str:
    """Ask with a text alone."""
    return await _answer(target, [transcript(QUESTION)])


async def of_nonsense(target: Target) -> str:
    """Say what means nothing."""
    return await _answer(target, [transcript(NONSENSE, language="en")])


async def of_nothing(target: Target) -> str:
    """Say nothing."""
    return await _answer(target, [transcript("", language="en")])


async def twice(target: Target) -> str:
    """Ask twice on one connection."""
    async with connect(target.uri) as peer:
        for _ in range(2):
            await peer.send(transcript(QUESTION, language="en"))
            try:
                answer = await peer.wait_for(*ANSWERS, seconds=target.seconds)
            except UnreachableError as err:
                raise FlawError(str(err)) from err
    return answer.type


async def _answer(target: Target, events: Iterable[Event]) -> str:
    """Return the kind of the answer; Home Assistant waits for one of these and skips parts of an answer."""
    answer = await target.exchange(events, *ANSWERS)
    text = answer.data.get("text")
    if text is not None and not isinstance(text, str):
        raise FaultError(f"the text of {answer.type} is no text")
    return f"{answer.type} {text!r}" if text else answer.type


MEANS = "sentences get no answer"
ROLE = Role(
    request,
    ANSWERS,
    (
        Check("a question", MEANS, as_home_assistant),
        Check("a question without context", f"{MEANS} when an older Home Assistant asks", bare),
        Check("nonsense", "what is not understood is met with silence", of_nonsense),
        Check("an empty sentence", "a false alarm is met with silence", of_nothing),
        Check("two questions on a connection", "clients that keep their connection get one answer only", twice),
    ),
)
