"""Browser benchmark: from the end of speech to the first sound of the answer, on the page and on the satellite beside it.

python benchmarks/browser.py [--turns 7]

Both hear the demo's recording, a wake word and a command, in real time, and share all daemons and the hub. Speech ends
when its last loud 20 ms leave the microphone: a program for the satellite, the page's WebSocket for the browser, whose
own recording delay is therefore not in the figure. The first sound is what the speaker's program reads, or what the page
schedules; the browser's own estimate of the delay after that stands in a row of its own.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser import WAIT_MS, running_chromium
from tests.daemons import Daemon
from tests.web_client import page_of
from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav, write_wav
from wyoming_rosie.commands.demo import RECORDING

ROLES = ("wake", "vad", "asr", "intent", "tts")
LOUD = 300
"""Root mean square of 16-bit samples above which 20 ms count as speech."""
_MICROPHONE = """
import sys, time, array
pcm = open(sys.argv[1], "rb").read()
began = time.monotonic()
for at in range(0, len(pcm), 640):
    time.sleep(max(0, began + at / 32000 - time.monotonic()))
    sys.stdout.buffer.write(pcm[at : at + 640]); sys.stdout.buffer.flush()
    samples = array.array("h", pcm[at : at + 640])
    if (sum(one * one for one in samples) / len(samples)) ** 0.5 > %d:
        open(sys.argv[2], "w").write(str(time.time()))
"""
_SPEAKER = """
import sys, time
sys.stdin.buffer.read(1)
open(sys.argv[1], "w").write(str(time.time()))
while sys.stdin.buffer.read(4096): pass
"""
_WATCH = """
    const now = () => performance.timeOrigin + performance.now();
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (message) {
        if (typeof message !== "string") {
            const samples = new Int16Array(message);
            const energy = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
            if (Math.sqrt(energy) > %d && window.firstSound === undefined) window.speechEnd = now();
        }
        return send.call(this, message);
    };
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (when) {
        if (window.firstSound === undefined) {
            window.firstSound = now() + 1000 * (when - this.context.currentTime);
            window.outputMs = 1000 * (this.context.outputLatency || 0);
        }
        return start.call(this, when);
    };
"""


@dataclass
class Figures:
    """Milliseconds from the end of speech to the first sound, and the browser's output delay."""

    satellite: list[float] = field(default_factory=list)
    browser: list[float] = field(default_factory=list)
    output: list[float] = field(default_factory=list)


def write_recordings(folder: Path) -> None:
    audio, pcm = read_wav(RECORDING)
    converter = Converter(audio, SPEECH)
    speech = bytes(SPEECH.bytes_in(2)) + converter.convert(pcm) + converter.finish() + bytes(SPEECH.bytes_in(12))
    (folder / "speech.pcm").write_bytes(speech)
    write_wav(folder / "speech.wav", SPEECH, speech)
    (folder / "microphone.py").write_text(_MICROPHONE % LOUD)
    (folder / "speaker.py").write_text(_SPEAKER)


async def run_satellite_turn(folder: Path, stages: dict[str, Daemon], number: int, figures: Figures) -> None:
    spoken, heard = folder / f"spoken-{number}", folder / f"heard-{number}"
    microphone = f"{sys.executable} {folder / 'microphone.py'} {folder / 'speech.pcm'} {spoken}"
    speaker = f"{sys.executable} {folder / 'speaker.py'} {heard}"
    flags = ("--mic-command", microphone, "--snd-command", speaker, "--wake-uri", stages["wake"].uri, "--no-zeroconf")
    satellite = await Daemon.start("satellite", *flags, "--name", f"satellite-{number}")
    hub = await start_hub(folder, stages, "--satellite", satellite.uri)
    await hub.wait_for_line("turn", step="done")
    figures.satellite.append(1000 * (float(heard.read_text()) - float(spoken.read_text())))
    await asyncio.gather(hub.stop(), satellite.stop())


async def run_browser_turn(folder: Path, stages: dict[str, Daemon], number: int, figures: Figures) -> None:
    hub = await start_hub(folder, stages, "--web", "--web.port", "0")
    url = await page_of(hub)
    flags = ("--autoplay-policy=no-user-gesture-required",)
    with running_chromium(folder / "speech.wav", folder / f"profile-{number}", *flags) as uri:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(uri)
            page = await (await browser.new_context()).new_page()
            page.set_default_timeout(WAIT_MS)
            await page.add_init_script(_WATCH % LOUD)
            await page.goto(f"{url}/?kiosk=1")
            await page.wait_for_selector("html[data-state=speaking]")
            end, sound, output = json.loads(await page.evaluate("JSON.stringify([speechEnd, firstSound, outputMs])"))
            figures.browser.append(sound - end)
            figures.output.append(output)
    await hub.stop()


async def start_hub(folder: Path, stages: dict[str, Daemon], *flags: str) -> Daemon:
    uris = [part for role, daemon in stages.items() for part in (f"--{role}-uri", daemon.uri)]
    return await Daemon.start("hub", *uris, "--no-zeroconf", "--data-dir", str(folder / "hub"), *flags)


async def measure(turns: int, folder: Path) -> Figures:
    figures = Figures()
    async with AsyncExitStack() as stack:
        stages = {role: await Daemon.start(role, "--no-zeroconf") for role in ROLES}
        for daemon in stages.values():
            stack.push_async_callback(daemon.stop)
        await stages["asr"].wait_for_line("grammar loaded")
        for number in range(turns):  # in turn, so that a busy machine slows both
            await run_satellite_turn(folder, stages, number, figures)
            await run_browser_turn(folder, stages, number, figures)
    return figures


def print_row(label: str, values: list[float]) -> None:
    print(f"| {label} | {statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f}) |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="of each [%(default)s]")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as name:
        write_recordings(Path(name))
        figures = asyncio.run(measure(turns, Path(name)))
    print(f"| ms, median of {turns} turns (least to most) | |\n|---|---|")
    print_row("satellite, end of speech to first sound", figures.satellite)
    print_row("browser, end of speech to first sound", figures.browser)
    print_row("browser, delay of its sound output, as it reports it", figures.output)


if __name__ == "__main__":
    main()
