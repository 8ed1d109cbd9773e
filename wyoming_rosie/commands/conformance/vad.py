"""Conformance checks of voice activity detection as wyoming-rosie-vad does it: Wyoming's `info` has no section for it."""

from wyoming.event import Event

from wyoming_rosie.commands.conformance.checks import Check, ConformanceError, RoleSpec
from wyoming_rosie.commands.conformance.recording import BIG_BYTES, STEREO_48K, audio_events, make_silence, to_stereo
from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.protocol.client import connect

TURN = Event("user-event", {"name": "turn", "context": {"turn_id": "check"}})


def create_request(target: CheckTarget) -> list[Event]:
    """Return the events of a command."""
    return [TURN, *audio_events(target.recording.command)]


async def check_command(target: CheckTarget) -> str:
    """Send a command; expect voice-started and voice-stopped."""
    return await _detect_speech(target, create_request(target))


async def check_stereo(target: CheckTarget) -> str:
    """Send a command in 48 kHz stereo."""
    return await _detect_speech(
        target, [TURN, *audio_events(to_stereo(target.recording.command), BIG_BYTES, STEREO_48K)]
    )


async def check_silence(target: CheckTarget) -> str:
    """Send silence, then a command; expect no speech in the silence."""
    pause = make_silence(2.0)
    async with connect(target.uri) as peer:
        for event in [TURN, *audio_events(pause + target.recording.command)]:
            await peer.send(event)
        started = await peer.wait_for("voice-started", seconds=target.seconds)
    if (at := started.data.get("timestamp") or 0) < 2000:
        raise ConformanceError(f"speech starts at {at} ms, in silence")
    return f"speech from {at} ms on"


async def _detect_speech(target: CheckTarget, events: list[Event]) -> str:
    async with connect(target.uri) as peer:
        for event in events:
            await peer.send(event)
        started = await peer.wait_for("voice-started", seconds=target.seconds)
        stopped = await peer.wait_for("voice-stopped", seconds=target.seconds)
    first, last = started.data.get("timestamp"), stopped.data.get("timestamp")
    if first is None or last is None or not first < last:
        raise ConformanceError(f"speech from {first} to {last} ms")
    return f"speech from {first} to {last} ms"


ROLE = RoleSpec(
    create_request,
    ("voice-stopped",),
    (
        Check("a command", "the end of a command is detected late or not at all", check_command),
        Check(
            "48 kHz stereo", "speech from satellites with another microphone ends too early or too late", check_stereo
        ),
        Check("silence", "silence is taken for speech", check_silence),
    ),
)
