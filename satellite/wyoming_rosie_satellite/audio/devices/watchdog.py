"""Watchdog for PortAudio: a call that never returns leaves the satellite deaf until its process is restarted."""

import asyncio

import structlog

from wyoming_rosie.errors import EngineError
from wyoming_rosie.runtime.exit_deadline import start_exit_deadline
from wyoming_rosie_satellite.audio.devices.portaudio import PortAudio

_LOG = structlog.get_logger()
STUCK_SECONDS = 30.0
"""Opening a USB device takes a second or two; a sound server that hangs never answers."""
CHECK_SECONDS = 2.0


async def watch_portaudio(portaudio: PortAudio, stuck_seconds: float = STUCK_SECONDS) -> None:
    """Never return, or raise EngineError for a call that hangs; the process then exits with a failure, whatever still runs."""
    while (seconds := portaudio.call_seconds) < stuck_seconds:  # noqa: ASYNC110 - nothing happens when a call hangs
        await asyncio.sleep(min(CHECK_SECONDS, stuck_seconds / 2))
    _LOG.error("the sound system hangs: the satellite ends, to be started again", call_seconds=round(seconds))
    start_exit_deadline(EngineError.exit_status)
    raise EngineError("the sound system does not answer; start the satellite again")
