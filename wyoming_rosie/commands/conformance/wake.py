"""Conformance checks of wake word detection."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.commands.conformance.checks import (
    Check,
    CheckFindingError,
    CheckSkippedError,
    ConformanceError,
    RoleSpec,
)
from wyoming_rosie.commands.conformance.recording import (
    PAUSE_SECONDS,
    STEREO_48K,
    audio_events,
    make_silence,
    to_stereo,
)
from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect

UNHEARD = "it detects none of its wake words in the recording; give one of yours with --wav"
WORD = "wake word"
"""Key in the target's notes: the wake word that was detected."""
CHUNK_SECONDS = 0.01


def create_request(_: CheckTarget) -> list[Event]:
    """Return the events of a stream that ends without a wake word."""
    return [Event("detect"), *audio_events(make_silence(2.0))]


async def check_wake_word(target: CheckTarget) -> str:
    """Ask for all words by name; send the recording in real time, in chunks of 10 ms, without audio-stop."""
    try:
        answer = await _detect(target, _installed_names(target))
    except UnreachableError as err:
        raise CheckFindingError(f"{UNHEARD} ({err})") from err
    target.notes[WORD] = str(answer.data.get("name"))
    return f"{target.notes[WORD]} at {answer.data.get('timestamp')} ms"


async def check_single_word(target: CheckTarget) -> str:
    """Ask for one word by name, as Home Assistant does."""
    answer = await _detect(target, [_get_word(target)])
    if answer.data.get("name") != _get_word(target):
        raise ConformanceError(f"the request names {_get_word(target)}, the detection {answer.data.get('name')}")
    return _get_word(target)


async def check_any_word(target: CheckTarget) -> str:
    """Send detect without names, as Home Assistant does for a satellite."""
    _get_word(target)
    try:
        return str((await _detect(target, None)).data.get("name"))
    except UnreachableError as err:
        raise CheckFindingError(str(err)) from err


async def check_burst(target: CheckTarget) -> str:
    """Send the word as fast as the network takes it, and audio-stop."""
    return str((await _require_detection(target, _detect_events(target))).data.get("name"))


async def check_detection_time(target: CheckTarget) -> str:
    """Expect a timestamp in the detection that lies within the audio."""
    answer = await _detect(target, [_get_word(target)])
    at, end = answer.data.get("timestamp"), 1000 * SPEECH.seconds(len(target.recording.wake_word))
    if not isinstance(at, int | float) or not 1000 * PAUSE_SECONDS <= at <= end:
        raise CheckFindingError(f"the timestamp of the detection is {at}, and the audio lasts {end:.0f} ms")
    return f"{at} ms"


async def check_no_detect(target: CheckTarget) -> str:
    """Send audio without detect."""
    _get_word(target)
    async with connect(target.uri) as peer:
        try:
            return str((await _stream_until_detection(peer, _word_events(target), target.seconds)).data.get("name"))
        except UnreachableError as err:
            raise CheckFindingError(str(err)) from err


async def check_no_audio_start(target: CheckTarget) -> str:
    """Send audio without audio-start, as the satellites of the wyoming-satellite project do."""
    events = [event for event in _detect_events(target) if event.type == "audio-chunk"]
    async with connect(target.uri) as peer:
        try:
            found = await _stream_until_detection(
                peer, [Event("detect", {"names": [_get_word(target)]}), *events], target.seconds
            )
        except (PeerError, UnreachableError) as err:
            raise CheckFindingError(str(err)) from err
    return str(found.data.get("name"))


async def check_stereo(target: CheckTarget) -> str:
    """Send the word in 48 kHz stereo."""
    request = Event("detect", {"names": [_get_word(target)]})
    audio = audio_events(to_stereo(target.recording.wake_word), STEREO_48K.bytes_in(CHUNK_SECONDS), STEREO_48K)
    async with connect(target.uri) as peer:
        return str((await _stream_until_detection(peer, [request, *audio], target.seconds)).data.get("name"))


async def check_silence(target: CheckTarget) -> str:
    """Send silence and audio-stop; expect not-detected."""
    try:
        answer = await target.send_request(create_request(target), "detection", "not-detected")
    except UnreachableError as err:
        raise CheckFindingError(f"no not-detected: {err}") from err
    if answer.type == "detection":
        raise ConformanceError(f"it detects {answer.data.get('name')} in silence")
    return "not-detected"


async def check_unknown_word(target: CheckTarget) -> str:
    """Ask for an unknown word and send a known one."""
    _get_word(target)
    try:
        answer = await _detect(target, ["no_such_word"])
    except PeerError as err:
        return f"refuses it: {err.code}"
    except UnreachableError as err:
        raise CheckFindingError(str(err)) from err
    raise CheckFindingError(f"it detects {answer.data.get('name')}, which the request does not name")


def _installed_names(target: CheckTarget) -> list[str]:
    return [model.name for program in target.info.wake for model in program.models if model.installed]


def _get_word(target: CheckTarget) -> str:
    """Return the word that the first check has detected. Raises CheckSkippedError."""
    if WORD not in target.notes:
        raise CheckSkippedError("none of its words was detected")
    return target.notes[WORD]


def _word_events(target: CheckTarget) -> list[Event]:
    return list(audio_events(target.recording.wake_word))


def _detect_events(target: CheckTarget) -> list[Event]:
    return [Event("detect", {"names": [_get_word(target)]}), *_word_events(target)]


async def _detect(target: CheckTarget, names: list[str] | None) -> Event:
    async with connect(target.uri) as peer:
        return await _stream_until_detection(
            peer, [Event("detect", {"names": names}), *_word_events(target)], target.seconds
        )


async def _stream_until_detection(peer: Client, events: Iterable[Event], seconds: float) -> Event:
    """Send audio in real time, without audio-stop, until a detection comes; return it."""
    sending = asyncio.create_task(_send_realtime(peer, events))
    try:
        return await peer.wait_for("detection", seconds=seconds)
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def _send_realtime(peer: Client, events: Iterable[Event]) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    with suppress(UnreachableError):  # the caller's wait for the detection reports it
        for event in events:
            if event.type == "audio-chunk":
                await asyncio.sleep(started + event.data["timestamp"] / 1000 - loop.time())
            if event.type != "audio-stop":
                await peer.send(event)


async def _require_detection(target: CheckTarget, events: Iterable[Event]) -> Event:
    answer = await target.send_request(events, "detection", "not-detected")
    if answer.type == "not-detected":
        raise CheckFindingError("not-detected: it answered audio-stop before it had processed the audio")
    return answer


MEANS = "the wake word is not detected"
ROLE = RoleSpec(
    create_request,
    ("detection", "not-detected"),
    (
        Check("a wake word", MEANS, check_wake_word),
        Check("the wake word as Home Assistant asks", MEANS, check_single_word),
        Check("the time of a detection", "the wake word becomes part of the command", check_detection_time),
        Check("any wake word", f"{MEANS} by satellites that name none", check_any_word),
        Check("a recording in a burst", f"{MEANS} in recordings, and after a pause of the network", check_burst),
        Check("audio without detect", f"{MEANS} by clients that only send audio", check_no_detect),
        Check("audio without a start", f"{MEANS} by satellites of the wyoming-satellite project", check_no_audio_start),
        Check("48 kHz stereo", f"{MEANS} from satellites with another microphone", check_stereo),
        Check("silence", "a client cannot tell that detection has ended", check_silence),
        Check(
            "an unknown wake word",
            "a typo in a name goes unnoticed, or another word wakes the satellite",
            check_unknown_word,
        ),
    ),
)
