"""CPU time of the microphone pipeline, from a device's own frames of 20 ms to processed speech, without the device."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass

import numpy as np

from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie_satellite.audio.echo_reference import EchoReference
from wyoming_rosie_satellite.audio.microphone_pipeline import MicrophonePipeline
from wyoming_rosie_satellite.audio.processing import EchoCancellation, NoiseSuppression, ProcessFrame
from wyoming_rosie_satellite.audio.volume import Volume

SECONDS = 60
FRAME_SECONDS = 0.02


@dataclass(frozen=True)
class Row:
    """CPU is of one core; the longest frame is how long the event loop may be blocked."""

    pipeline: str
    cpu_percent: float
    frame_us: float
    longest_us: float


class NoiseMicrophone:
    """Yields noise as fast as it is read."""

    def __init__(self, audio: AudioFormat) -> None:
        self.format = audio
        samples = np.random.default_rng(1).normal(0, 1000, round(audio.rate * FRAME_SECONDS) * audio.channels)
        self._frame = samples.astype("<i2").tobytes()

    async def frames(self) -> AsyncGenerator[bytes, None]:
        for _ in range(round(SECONDS / FRAME_SECONDS)):
            yield self._frame


async def measure_pipeline(
    way: str, audio: AudioFormat, selected: tuple[int, ...] = (), processors: tuple[ProcessFrame, ...] = ()
) -> Row:
    before, last, longest = time.process_time(), time.perf_counter(), 0.0
    async for _ in MicrophonePipeline(NoiseMicrophone(audio), selected, processors).frames():
        now = time.perf_counter()
        last, longest = now, max(longest, now - last)
    spent = time.process_time() - before
    return Row(way, 100 * spent / SECONDS, 1e6 * spent * FRAME_SECONDS / SECONDS, 1e6 * longest)


def create_echo_cancellation() -> ProcessFrame:
    """Create an echo cancellation whose speaker is never silent."""
    echo = EchoReference(SPEECH)
    canceller = EchoCancellation(echo)
    played = np.random.default_rng(2).normal(0, 1000, 320).astype("<i2").tobytes()

    def clean(pcm: bytes) -> bytes:
        echo.push(played)
        return canceller.process(pcm)

    return clean


async def measure() -> list[Row]:
    usb, stereo = AudioFormat(48_000, 2, 1), AudioFormat(44_100, 2, 2)
    ring = AudioFormat(16_000, 2, 7)
    await measure_pipeline("warm", usb)
    return [
        await measure_pipeline("16 kHz mono, unprocessed", SPEECH),
        await measure_pipeline("48 kHz mono", usb),
        await measure_pipeline("44.1 kHz stereo, mixed", stereo),
        await measure_pipeline("16 kHz, one channel of seven", ring, (3,)),
        await measure_pipeline("16 kHz mono, multiplier", SPEECH, (), (Volume(SPEECH, 2.0).apply,)),
        await measure_pipeline("16 kHz mono, noise suppression 2", SPEECH, (), (NoiseSuppression(2, 0).process,)),
        await measure_pipeline(
            "16 kHz mono, noise suppression 2, gain 5", SPEECH, (), (NoiseSuppression(2, 5).process,)
        ),
        await measure_pipeline(
            "16 kHz mono, echo cancellation during playback", SPEECH, (), (create_echo_cancellation(),)
        ),
        await measure_pipeline(
            "48 kHz mono, all of it", usb, (), (create_echo_cancellation(), NoiseSuppression(2, 5).process)
        ),
    ]


def main() -> None:
    rows = asyncio.run(measure())
    if "--json" in sys.argv:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print("| pipeline | CPU % of a core | µs per 20 ms | longest µs |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.pipeline} | {row.cpu_percent:.2f} | {row.frame_us:.0f} | {row.longest_us:.0f} |")


if __name__ == "__main__":
    main()
