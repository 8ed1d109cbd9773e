"""Conformance checks of intent recognition. No sentence of theirs changes anything in the home."""

from collections.abc import Iterable

from wyoming.event import Event

from wyoming_rosie.commands.conformance.checks import Check, CheckFindingError, ConformanceError, RoleSpec
from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import connect

ANSWERS = ("handled", "not-handled", "intent", "intents-start", "not-recognized")
QUESTION = "what time is it"
NONSENSE = "colourless green ideas sleep furiously"
CONTEXT = {"conversation_id": "check", "device_id": "check", "satellite_id": "assist_satellite.check"}


def create_request(_: CheckTarget) -> list[Event]:
    """Return the event of a question as Home Assistant sends it."""
    return [create_transcript(QUESTION, language="en", context=CONTEXT)]


def create_transcript(text: str, **fields: object) -> Event:
    """Return a transcript event."""
    return Event("transcript", {"text": text, **fields})


async def check_question(target: CheckTarget) -> str:
    """Ask with the context that Home Assistant sends."""
    return await _get_answer(target, create_request(target))


async def check_no_context(target: CheckTarget) -> str:
    """Ask without language and context."""
    return await _get_answer(target, [create_transcript(QUESTION)])


async def check_unknown_sentence(target: CheckTarget) -> str:
    """Send a sentence that means nothing."""
    return await _get_answer(target, [create_transcript(NONSENSE, language="en")])


async def check_empty_text(target: CheckTarget) -> str:
    """Send an empty sentence."""
    return await _get_answer(target, [create_transcript("", language="en")])


async def check_two_requests(target: CheckTarget) -> str:
    """Send two questions on one connection."""
    async with connect(target.uri) as peer:
        for _ in range(2):
            await peer.send(create_transcript(QUESTION, language="en"))
            try:
                answer = await peer.wait_for(*ANSWERS, seconds=target.seconds)
            except UnreachableError as err:
                raise CheckFindingError(str(err)) from err
    return answer.type


async def _get_answer(target: CheckTarget, events: Iterable[Event]) -> str:
    """Return type and text of the answer; like Home Assistant, wait for one of ANSWERS and skip streamed chunks."""
    answer = await target.send_request(events, *ANSWERS)
    text = answer.data.get("text")
    if text is not None and not isinstance(text, str):
        raise ConformanceError(f"the text of {answer.type} is not a string")
    return f"{answer.type} {text!r}" if text else answer.type


MEANS = "sentences get no answer"
ROLE = RoleSpec(
    create_request,
    ANSWERS,
    (
        Check("a question", MEANS, check_question),
        Check("a question without context", f"{MEANS} when an older Home Assistant asks", check_no_context),
        Check("nonsense", "a sentence that is not understood gets no answer", check_unknown_sentence),
        Check("an empty sentence", "a false wake gets no answer", check_empty_text),
        Check(
            "two questions on a connection",
            "clients that keep their connection open are answered once",
            check_two_requests,
        ),
    ),
)
