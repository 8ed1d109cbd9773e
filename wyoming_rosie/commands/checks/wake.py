"""Checks of wake words."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from wyoming.event import Event

from wyoming_rosie.client import PeerError, connect
from wyoming_rosie.commands.checks.outcome import Check, FaultError, FlawError, NotTriedError
from wyoming_rosie.commands.checks.recording import BIG_BYTES, STEREO_48K, silence, spoken, stereo_48k
from wyoming_rosie.commands.checks.role import Role
from wyoming_rosie.commands.checks.target import Target
from wyoming_rosie.errors import UnreachableError

SPOKEN = "nabu"
"""In the name of the word of our recording."""
CHUNK_SECONDS = 0.01


def request(_: Target) -> list[Event]:
    """Make the events of a stream that ends without a wake word."""
    return [Event("detect"), *spoken(silence(2.0))]


async def as_home_assistant(target: Target) -> str:
    """Send the word in chunks of 10 ms at twice the pace of speech, and no stop."""
    word = _word(target)
    async with connect(target.uri) as peer:
        sending = asyncio.create_task(_send(peer.send, _asked(target, word)))
        try:
            answer = await peer.wait_for("detection", seconds=target.seconds)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
    if answer.data.get("name") != word:
        raise FaultError(f"asked for {word}, it detects {answer.data.get('name')}; Home Assistant skips that")
    return f"{word} at {answer.data.get('timestamp')} ms"


async def says_when(target: Target) -> str:
    """Expect a time in the detection that lies in the audio."""
    answer = await _detected(target, _asked(target, _word(target)))
    at = answer.data.get("timestamp")
    if not isinstance(at, int | float) or not 1000 <= at <= 5000:
        raise FlawError(f"the detection's time is {at}, and the word ends about 2500 ms after the audio's start")
    return f"{at} ms"


async def any_word(target: Target) -> str:
    """Ask for no word in particular."""
    _word(target)
    answer = await _detected(target, [Event("detect"), *_said(target)])
    return str(answer.data.get("name"))


async def without_a_request(target: Target) -> str:
    """Send audio alone."""
    _word(target)
    try:
        return str((await target.exchange(_said(target), "detection", "not-detected")).data.get("name"))
    except UnreachableError as err:
        raise FlawError(str(err)) from err


async def in_stereo(target: Target) -> str:
    """Send the word in 48 kHz stereo and big chunks."""
    audio = spoken(stereo_48k(target.recording.wake_word), BIG_BYTES, STEREO_48K)
    return str((await _detected(target, [Event("detect", {"names": [_word(target)]}), *audio])).data.get("name"))


async def of_silence(target: Target) -> str:
    """Send nothing that is a word, and say that it is over."""
    try:
        answer = await target.exchange(request(target), "detection", "not-detected")
    except UnreachableError as err:
        raise FlawError(f"no not-detected: {err}") from err
    if answer.type == "detection":
        raise FaultError(f"it detects {answer.data.get('name')} in silence")
    return "not-detected"


async def another_word(target: Target) -> str:
    """Ask for a word that it does not know, and say one that it does."""
    _word(target)
    try:
        answer = await target.exchange(
            [Event("detect", {"names": ["no_such_word"]}), *_said(target)], "detection", "not-detected"
        )
    except PeerError as err:
        return f"refuses it: {err.code}"
    except UnreachableError as err:
        raise FlawError(str(err)) from err
    if answer.type == "detection":
        raise FlawError(f"it detects {answer.data.get('name')}, which nobody asked for")
    return "not-detected"


def _word(target: Target) -> str:
    names = [model.name for program in target.info.wake for model in program.models if model.installed]
    for name in names:
        if SPOKEN in name.lower():
            return name
    raise NotTriedError(f"our recording says okay nabu; it knows {', '.join(names) or 'no word'}")


def _said(target: Target) -> list[Event]:
    return list(spoken(target.recording.wake_word))


def _asked(target: Target, word: str) -> list[Event]:
    return [Event("detect", {"names": [word]}), *_said(target)]


async def _send(send: Callable[[Event], Awaitable[None]], events: Iterable[Event]) -> None:
    for event in events:
        if event.type != "audio-stop":
            await send(event)
        await asyncio.sleep(CHUNK_SECONDS / 2)


async def _detected(target: Target, events: Iterable[Event]) -> Event:
    answer = await target.exchange(events, "detection", "not-detected")
    if answer.type == "not-detected":
        raise FaultError("the word is not heard")
    return answer


MEANS = "the wake word is not heard"
ROLE = Role(
    request,
    ("detection", "not-detected"),
    (
        Check("the wake word", MEANS, as_home_assistant),
        Check("the time of a detection", "the wake word is taken for a part of the command", says_when),
        Check("any wake word", f"{MEANS} unless its name is set", any_word),
        Check("audio without detect", f"{MEANS} by clients that only send audio", without_a_request),
        Check("48 kHz stereo", f"{MEANS} from satellites with another microphone", in_stereo),
        Check("silence", "a client cannot tell whether it still listens", of_silence),
        Check("an unknown wake word", "a mistake in a name goes unseen, or another word wakes", another_word),
    ),
)
