"""Checks of wake words."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.commands.conformance.outcome import Check, FaultError, FlawError, NotTriedError
from wyoming_rosie.commands.conformance.recording import PAUSE_SECONDS, STEREO_48K, silence, spoken, stereo_48k
from wyoming_rosie.commands.conformance.role import Role
from wyoming_rosie.commands.conformance.target import Target
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect

UNHEARD = "it hears none of its words in the recording; try one of your own with --wav"
WORD = "wake word"
"""The note of the word that was heard."""
CHUNK_SECONDS = 0.01


def request(_: Target) -> list[Event]:
    """Make the events of a stream that ends without a wake word."""
    return [Event("detect"), *spoken(silence(2.0))]


async def a_word(target: Target) -> str:
    """Say it as fast as people speak, and ask for all words by name, in chunks of 10 ms and without a stop."""
    try:
        answer = await _listened(target, _names(target))
    except UnreachableError as err:
        raise FlawError(f"{UNHEARD} ({err})") from err
    target.notes[WORD] = str(answer.data.get("name"))
    return f"{target.notes[WORD]} at {answer.data.get('timestamp')} ms"


async def one_word(target: Target) -> str:
    """Ask for one word, as Home Assistant does."""
    answer = await _listened(target, [_word(target)])
    if answer.data.get("name") != _word(target):
        raise FaultError(f"asked for {_word(target)}, it detects {answer.data.get('name')}")
    return _word(target)


async def any_word(target: Target) -> str:
    """Ask for no word in particular, as Home Assistant does for a satellite."""
    _word(target)
    try:
        return str((await _listened(target, None)).data.get("name"))
    except UnreachableError as err:
        raise FlawError(str(err)) from err


async def in_a_burst(target: Target) -> str:
    """Send the word as fast as the network takes it, and a stop."""
    return str((await _detected(target, _asked(target))).data.get("name"))


async def says_when(target: Target) -> str:
    """Expect a time in the detection that lies in the audio."""
    answer = await _listened(target, [_word(target)])
    at, end = answer.data.get("timestamp"), 1000 * SPEECH.seconds(len(target.recording.wake_word))
    if not isinstance(at, int | float) or not 1000 * PAUSE_SECONDS <= at <= end:
        raise FlawError(f"the detection's time is {at}, and the audio lasts {end:.0f} ms")
    return f"{at} ms"


async def without_a_request(target: Target) -> str:
    """Send audio alone."""
    _word(target)
    async with connect(target.uri) as peer:
        try:
            return str((await _heard_while(peer, _said(target), target.seconds)).data.get("name"))
        except UnreachableError as err:
            raise FlawError(str(err)) from err


async def without_a_start(target: Target) -> str:
    """Ask for the word and send audio without its start, as the satellites of the wyoming-satellite project do."""
    events = [event for event in _asked(target) if event.type == "audio-chunk"]
    async with connect(target.uri) as peer:
        try:
            found = await _heard_while(peer, [Event("detect", {"names": [_word(target)]}), *events], target.seconds)
        except (PeerError, UnreachableError) as err:
            raise FlawError(str(err)) from err
    return str(found.data.get("name"))


async def in_stereo(target: Target) -> str:
    """Send the word in 48 kHz stereo."""
    asked = Event("detect", {"names": [_word(target)]})
    audio = spoken(stereo_48k(target.recording.wake_word), STEREO_48K.bytes_in(CHUNK_SECONDS), STEREO_48K)
    async with connect(target.uri) as peer:
        return str((await _heard_while(peer, [asked, *audio], target.seconds)).data.get("name"))


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
        answer = await _listened(target, ["no_such_word"])
    except PeerError as err:
        return f"refuses it: {err.code}"
    except UnreachableError as err:
        raise FlawError(str(err)) from err
    raise FlawError(f"it detects {answer.data.get('name')}, which nobody asked for")


def _names(target: Target) -> list[str]:
    return [model.name for program in target.info.wake for model in program.models if model.installed]


def _word(target: Target) -> str:
    """Return the word that the first check has heard. Raises NotTriedError."""
    if WORD not in target.notes:
        raise NotTriedError("none of its words was heard")
    return target.notes[WORD]


def _said(target: Target) -> list[Event]:
    return list(spoken(target.recording.wake_word))


def _asked(target: Target) -> list[Event]:
    return [Event("detect", {"names": [_word(target)]}), *_said(target)]


async def _listened(target: Target, names: list[str] | None) -> Event:
    async with connect(target.uri) as peer:
        return await _heard_while(peer, [Event("detect", {"names": names}), *_said(target)], target.seconds)


async def _heard_while(peer: Client, events: Iterable[Event], seconds: float) -> Event:
    """Return the detection while audio is sent as fast as people speak; no stop follows it."""
    sending = asyncio.create_task(_send(peer, events))
    try:
        return await peer.wait_for("detection", seconds=seconds)
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def _send(peer: Client, events: Iterable[Event]) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with suppress(UnreachableError):  # whoever waits for the detection notices
        for event in events:
            if event.type == "audio-chunk":
                await asyncio.sleep(begun + event.data["timestamp"] / 1000 - loop.time())
            if event.type != "audio-stop":
                await peer.send(event)


async def _detected(target: Target, events: Iterable[Event]) -> Event:
    answer = await target.exchange(events, "detection", "not-detected")
    if answer.type == "not-detected":
        raise FlawError("not-detected: the audio was over before it was heard")
    return answer


MEANS = "the wake word is not heard"
ROLE = Role(
    request,
    ("detection", "not-detected"),
    (
        Check("a wake word", MEANS, a_word),
        Check("the wake word as Home Assistant asks", MEANS, one_word),
        Check("the time of a detection", "the wake word is taken for a part of the command", says_when),
        Check("any wake word", f"{MEANS} by satellites that name none", any_word),
        Check("a recording in a burst", f"{MEANS} in recordings, and after a pause of the network", in_a_burst),
        Check("audio without detect", f"{MEANS} by clients that only send audio", without_a_request),
        Check("audio without a start", f"{MEANS} by satellites of the wyoming-satellite project", without_a_start),
        Check("48 kHz stereo", f"{MEANS} from satellites with another microphone", in_stereo),
        Check("silence", "a client cannot tell whether it still listens", of_silence),
        Check("an unknown wake word", "a mistake in a name goes unseen, or another word wakes", another_word),
    ),
)
