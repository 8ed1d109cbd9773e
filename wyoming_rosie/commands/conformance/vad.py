"""Checks of finding speech, which has no place in Wyoming's `info`: those of our own vad daemon's way."""

from wyoming.event import Event

from wyoming_rosie.commands.conformance.outcome import Check, FaultError
from wyoming_rosie.commands.conformance.recording import BIG_BYTES, STEREO_48K, silence, spoken, stereo_48k
from wyoming_rosie.commands.conformance.role import Role
from wyoming_rosie.commands.conformance.target import Target
from wyoming_rosie.protocol.client import connect

TURN = Event("user-event", {"name": "turn", "context": {"turn_id": "check"}})


def request(target: Target) -> list[Event]:
    """Make the events of a command."""
    return [TURN, *spoken(target.recording.command)]


async def of_a_command(target: Target) -> str:
    """Send a command and expect where it starts and stops."""
    return await _found(target, request(target))


async def in_stereo(target: Target) -> str:
    """Send a command in 48 kHz stereo."""
    return await _found(target, [TURN, *spoken(stereo_48k(target.recording.command), BIG_BYTES, STEREO_48K)])


async def of_silence(target: Target) -> str:
    """Send nothing, then a command, and expect no speech before it."""
    pause = silence(2.0)
    async with connect(target.uri) as peer:
        for event in [TURN, *spoken(pause + target.recording.command)]:
            await peer.send(event)
        started = await peer.wait_for("voice-started", seconds=target.seconds)
    if (at := started.data.get("timestamp") or 0) < 2000:
        raise FaultError(f"speech starts at {at} ms, in silence")
    return f"speech from {at} ms on"


async def _found(target: Target, events: list[Event]) -> str:
    async with connect(target.uri) as peer:
        for event in events:
            await peer.send(event)
        started = await peer.wait_for("voice-started", seconds=target.seconds)
        stopped = await peer.wait_for("voice-stopped", seconds=target.seconds)
    first, last = started.data.get("timestamp"), stopped.data.get("timestamp")
    if first is None or last is None or not first < last:
        raise FaultError(f"speech from {first} to {last} ms")
    return f"speech from {first} to {last} ms"


ROLE = Role(
    request,
    ("voice-stopped",),
    (
        Check("a command", "the end of a command is found late or not at all", of_a_command),
        Check("48 kHz stereo", "satellites with another microphone are cut off or heard for too long", in_stereo),
        Check("silence", "a quiet room is taken for somebody who speaks", of_silence),
    ),
)
