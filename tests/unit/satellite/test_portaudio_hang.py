"""A sound system that hangs: the satellite's process ends, whatever its threads wait for."""

import subprocess
import sys

PROGRAM = """
import asyncio, time
from dataclasses import dataclass
from wyoming_rosie import config
from wyoming_rosie.runtime import exit_status
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_satellite.audio.devices.portaudio import DeviceKind, PortAudio
from wyoming_rosie_satellite.audio.devices.portaudio import watch_portaudio

exit_status.EXIT_SECONDS = 0.2

@dataclass(frozen=True)
class Config:
    '''A satellite whose sound server has gone.'''
    debug: bool = config.option(False, "log more")

class Stream:
    def start(self): pass
    def close(self): time.sleep(3600)

class Library:
    PortAudioError = OSError

async def serve(settings):
    portaudio = PortAudio(Library())
    worker = ThreadWorker("microphone")
    stream = await worker.run(portaudio.open, DeviceKind.MICROPHONE, "default", Stream)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch_portaudio(portaudio, stuck_seconds=1))
        try:
            await asyncio.sleep(0.5)  # nothing hangs so far
            print("open", flush=True)
        finally:
            await worker.run(portaudio.close, stream)

config.main("satellite", Config, serve)
"""


def test_a_call_that_hangs_ends_the_satellite_with_a_failure() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stdout == "open\n"
    assert "the sound system hangs" in ended.stderr
