"""Conformance checks of a satellite, made as its conductor. It plays some quiet tones."""

import asyncio
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import pi, sin

from wyoming.event import Event

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.commands.conformance.checks import (
    Check,
    CheckFindingError,
    CheckSkippedError,
    ConformanceError,
    RoleSpec,
)
from wyoming_rosie.commands.conformance.recording import audio_events
from wyoming_rosie.commands.conformance.target import HOME_ASSISTANT_SECONDS, CheckTarget
from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.protocol.client import Client, connect

ANSWER = AudioFormat(22_050, 2, 1)
"""Format of the replies that Home Assistant sends."""
ANSWER_BYTES = 2048
TONE_SECONDS = 0.6
LOUDNESS = 800
STAGES = ("wake", "asr", "handle", "tts")
RUN = Event("run-satellite")
PAUSE = Event("pause-satellite")
SETTLE_SECONDS = 1.0
RETURNS_SECONDS = (0.5, 2.0, 3.0, 5.0)


def create_request(_: CheckTarget) -> list[Event]:
    """Return the events of an announcement."""
    return [RUN, *create_tone()]


def create_tone(seconds: float = TONE_SECONDS) -> list[Event]:
    """Return a quiet tone as Home Assistant sends an announcement."""
    samples = (round(LOUDNESS * sin(2 * pi * 440 * at / ANSWER.rate)) for at in range(round(seconds * ANSWER.rate)))
    return list(audio_events(array("h", samples).tobytes(), ANSWER_BYTES, ANSWER))


async def check_run(target: CheckTarget) -> str:
    """Send run-satellite, describe and ping, as Home Assistant does when it connects."""
    async with connect(target.uri) as peer:
        for event in (RUN, Event("describe"), Event("ping", {"text": "one"})):
            await peer.send(event)
        await peer.wait_for("info", seconds=HOME_ASSISTANT_SECONDS)
        try:
            await peer.wait_for("pong", seconds=HOME_ASSISTANT_SECONDS)
        except UnreachableError as err:
            raise ConformanceError(f"no pong: {err}") from err
        await peer.send(PAUSE)
    return "info and pong"


async def check_announcement(target: CheckTarget) -> str:
    """Play an announcement outside a run."""
    loop = asyncio.get_running_loop()
    async with _run_satellite(target) as peer:
        started = loop.time()
        after = await _play_tone(peer, TONE_SECONDS)
        if loop.time() - started < 0.7 * TONE_SECONDS:
            raise CheckFindingError(
                f"it sends played after {loop.time() - started:.1f} s for {TONE_SECONDS} s of audio"
            )
    return f"played {1000 * after:.0f} ms after its end"


async def check_two_announcements(target: CheckTarget) -> str:
    """Play two announcements, one after the other."""
    async with _run_satellite(target) as peer:
        for _ in range(2):
            await _play_tone(peer, TONE_SECONDS)
    return "played twice"


async def check_empty_announcement(target: CheckTarget) -> str:
    """Play a reply without audio."""
    async with _run_satellite(target) as peer:
        try:
            await _play_tone(peer, 0.0)
        except UnreachableError as err:
            raise CheckFindingError(f"no played: {err}") from err
    return "played"


async def check_describe_while_running(target: CheckTarget) -> str:
    """Send describe and ping while a conductor is connected, as Home Assistant does every 30 s."""
    async with _run_satellite(target) as peer:
        seconds = await target.measure_describe()
        await peer.send(Event("ping"))
        await peer.wait_for("pong", seconds=HOME_ASSISTANT_SECONDS)
    return f"{1000 * seconds:.0f} ms"


async def check_second_client(target: CheckTarget) -> str:
    """Connect a second conductor while the first one is connected."""
    async with _run_satellite(target) as first, connect(target.uri) as second:
        await second.send(RUN)
        await asyncio.sleep(SETTLE_SECONDS / 2)
        try:
            await first.send(Event("ping"))
            await first.wait_for("pong", seconds=HOME_ASSISTANT_SECONDS)
        except RosieError as err:
            raise CheckFindingError(f"the first conductor is disconnected: {err}") from err
    return "the first conductor stays"


async def check_reconnect(target: CheckTarget) -> str:
    """Disconnect in the middle of an announcement; reconnect as soon as Home Assistant does."""
    async with connect(target.uri) as peer:
        await peer.send(RUN)
        await peer.send(create_tone()[0])
    for wait in RETURNS_SECONDS:
        await asyncio.sleep(wait)
        with suppress(RosieError):
            async with _run_satellite(target) as peer:
                await _play_tone(peer, TONE_SECONDS)
                return "accepts a conductor again"
    raise ConformanceError(f"it accepts no conductor for {sum(RETURNS_SECONDS):g} s")


async def check_out_of_order_events(target: CheckTarget) -> str:
    """Send run-satellite and pause-satellite repeatedly, and events that belong to no run."""
    odd = (
        Event("transcript", {"text": "hello"}),
        Event("voice-stopped"),
        Event("error", {"text": "none", "code": "check"}),
    )
    async with connect(target.uri) as peer:
        for event in (PAUSE, PAUSE, RUN, RUN, *odd, Event("streaming-stopped")):
            await peer.send(event)
        await _play_tone(peer, TONE_SECONDS)
        await peer.send(PAUSE)
    return "ignored"


async def check_timer(target: CheckTarget) -> str:
    """Start, pause and cancel a timer."""
    about = {"id": "check", "total_seconds": 3600}
    async with _run_satellite(target) as peer:
        await peer.send(Event("timer-started", {**about, "name": "check"}))
        await peer.send(Event("timer-updated", {**about, "is_active": False}))
        await peer.send(Event("timer-cancelled", {"id": "check"}))
        await peer.send(Event("ping"))
        await peer.wait_for("pong", seconds=HOME_ASSISTANT_SECONDS)
    return "accepted"


async def check_run_pipeline(target: CheckTarget) -> str:
    """Expect stages and audio that Home Assistant accepts; a satellite without a wake word detector asks at once."""
    async with _run_satellite(target) as peer:
        try:
            run = await peer.wait_for("run-pipeline", seconds=2 * SETTLE_SECONDS)
        except UnreachableError as err:
            raise CheckSkippedError("it waits for a wake word") from err
        begins, ends = run.data.get("start_stage"), run.data.get("end_stage")
        if begins not in STAGES or ends not in STAGES:
            raise ConformanceError(f"Home Assistant has no pipeline from {begins} to {ends}")
        chunk = await peer.wait_for("audio-chunk", seconds=target.seconds)
    audio_format = [chunk.data.get(key) for key in ("rate", "width", "channels")]
    if audio_format != [16_000, 2, 1]:
        raise ConformanceError(f"its audio is {audio_format}; Home Assistant accepts only 16 kHz, 16 bit, mono")
    return f"a run from {begins} to {ends}, with audio"


@asynccontextmanager
async def _run_satellite(target: CheckTarget) -> AsyncIterator[Client]:
    async with connect(target.uri) as peer:
        await peer.send(RUN)
        yield peer
        await peer.send(PAUSE)


async def _play_tone(peer: Client, seconds: float) -> float:
    """Play a tone; return the seconds from its end to `played`."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    for event in create_tone(seconds):
        await peer.send(event)
    await peer.wait_for("played", seconds=seconds + HOME_ASSISTANT_SECONDS)
    return loop.time() - started - seconds


MEANS = "Home Assistant disconnects and reconnects all the time"
ROLE = RoleSpec(
    create_request,
    ("played",),
    (
        Check("a conductor", MEANS, check_run),
        Check(
            "an announcement",
            "Home Assistant does not know when a reply is over, or it is cut off",
            check_announcement,
        ),
        Check("two announcements", "the second reply is not heard", check_two_announcements),
        Check("an answer without sound", "Home Assistant waits for its end", check_empty_announcement),
        Check("describe beside a conductor", "Home Assistant shows it as unavailable", check_describe_while_running),
        Check("two conductors", "two Home Assistants disconnect each other", check_second_client),
        Check("a conductor that vanishes", "it stays silent after the network was lost", check_reconnect),
        Check("events out of order", MEANS, check_out_of_order_events),
        Check("timers", "timers are lost, or end the connection", check_timer),
        Check(
            "its pipeline request", "Home Assistant ends the connection when it hears the wake word", check_run_pipeline
        ),
    ),
)
