"""Browser benchmark: from the end of speech to the first sound of the answer, on the page and on the satellite beside it.

python -m benchmarks.browser [--turns 7]

All hear the demo's recording, a wake word and a command, in real time, and share all daemons. Speech ends when its last
loud 20 ms leave the microphone: a program for the satellite, the page's recorder for the browser, whose own recording
delay is therefore not in the figure. The first sound is the first audible sample that the speaker's program plays, that the
page schedules, or that comes out of its jitter buffer with WebRTC; the browser's own estimate of the delay after that
stands in a column of its own. Then come the bandwidth of the command and of its answer, the hub's processor time while the page waits for the
wake word, and the hub's memory.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path

import psutil
from playwright.async_api import Page, async_playwright

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
AUDIBLE = 65
"""Amplitude of 16-bit samples above which an answer can be heard; voices begin with silence."""
_SPEAKER = """
import array, sys, time
began, frames = None, 0
while pcm := sys.stdin.buffer.read(2048):
    began = began or time.time()
    samples = array.array("h", pcm)
    heard = next((at for at, sample in enumerate(samples) if abs(sample) > %d), None)
    if heard is not None:
        open(sys.argv[1], "w").write(str(began + (frames + heard) / 22050))
        break
    frames += len(samples)
while sys.stdin.buffer.read(4096): pass
"""
_WATCH = """
    const now = () => performance.timeOrigin + performance.now();
    const sounds = (level) => {
        if (window.firstSound === undefined && level > %f) window.speechEnd = now();
    };
    const Node = AudioWorkletNode;
    window.AudioWorkletNode = class extends Node {
        constructor(...given) {
            super(...given);
            this.port.addEventListener("message", (message) => sounds(message.data.level));
        }
    };
    const note = (samples, rate, inMs) => {
        const at = samples.findIndex((one) => Math.abs(one) > %f);
        if (at >= 0 && window.firstSound === undefined) {
            window.firstSound = now() + inMs + (1000 * at) / rate;
        }
    };
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (when) {
        note(this.buffer.getChannelData(0), this.buffer.sampleRate, 1000 * (when - this.context.currentTime));
        window.outputMs = 1000 * (this.context.outputLatency || 0);
        return start.call(this, when);
    };
    window.outputMs = 0;
    window.peers = [];
    const Peer = RTCPeerConnection;
    window.RTCPeerConnection = class extends Peer {
        constructor(options) {
            super(options);
            peers.push(this);
            this.addEventListener("track", async (event) => {
                const reader = new MediaStreamTrackProcessor({ track: event.track }).readable.getReader();
                for (;;) {
                    const { value, done } = await reader.read();
                    if (done) return;
                    const samples = new Float32Array(value.numberOfFrames);
                    value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
                    note(samples, value.sampleRate, 0);
                    value.close();
                }
            });
        }
    };
    window.socketBytes = [0, 0];
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (message) {
        socketBytes[0] += typeof message === "string" ? 0 : message.byteLength;
        return send.call(this, message);
    };
    const Socket = WebSocket;
    window.WebSocket = class extends Socket {
        constructor(address) {
            super(address);
            this.addEventListener("message", (message) => {
                socketBytes[1] += typeof message.data === "string" ? 0 : message.data.byteLength;
            });
        }
    };
"""


TRANSPORTS = ("pcm", "opus", "webrtc")
LISTEN_SECONDS = 10.0
_TRAFFIC = """async () => {
    const traffic = [...socketBytes];
    for (const peer of peers) {
        for (const stats of (await peer.getStats()).values()) {
            if (stats.type === "outbound-rtp") traffic[0] += stats.bytesSent + stats.headerBytesSent;
            if (stats.type === "inbound-rtp") traffic[1] += stats.bytesReceived + stats.headerBytesReceived;
        }
    }
    return traffic;
}"""


@dataclass
class Figures:
    """Turns of one kind: milliseconds from the end of speech to the first sound; of pages also what they cost."""

    latency_ms: list[float] = field(default_factory=list)
    output_ms: list[float] = field(default_factory=list)
    up_kbps: list[float] = field(default_factory=list)
    down_kbps: list[float] = field(default_factory=list)
    cpu_percent: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


def write_recordings(folder: Path) -> None:
    audio, pcm = read_wav(RECORDING)
    converter = Converter(audio, SPEECH)
    speech = bytes(SPEECH.bytes_in(2)) + converter.convert(pcm) + converter.finish() + bytes(SPEECH.bytes_in(12))
    (folder / "speech.pcm").write_bytes(speech)
    write_wav(folder / "speech.wav", SPEECH, speech)
    (folder / "microphone.py").write_text(_MICROPHONE % LOUD)
    (folder / "speaker.py").write_text(_SPEAKER % AUDIBLE)


async def run_satellite_turn(folder: Path, stages: dict[str, Daemon], number: int, figures: Figures) -> None:
    spoken, heard = folder / f"spoken-{number}", folder / f"heard-{number}"
    microphone = f"{sys.executable} {folder / 'microphone.py'} {folder / 'speech.pcm'} {spoken}"
    speaker = f"{sys.executable} {folder / 'speaker.py'} {heard}"
    flags = ("--mic-command", microphone, "--snd-command", speaker, "--wake-uri", stages["wake"].uri, "--no-zeroconf")
    satellite = await Daemon.start("satellite", *flags, "--name", f"satellite-{number}")
    hub = await start_hub(folder, stages, "--satellite", satellite.uri)
    await hub.wait_for_line("turn", step="done")
    figures.latency_ms.append(1000 * (float(heard.read_text()) - float(spoken.read_text())))
    await asyncio.gather(hub.stop(), satellite.stop())


async def run_browser_turn(
    folder: Path, stages: dict[str, Daemon], number: int, transport: str, figures: Figures
) -> None:
    hub = await start_hub(folder, stages, "--web", "--web.port", "0", "--web.opus", "--web.webrtc")
    url = await page_of(hub)
    flags = ("--autoplay-policy=no-user-gesture-required",)
    with running_chromium(folder / "speech.wav", folder / f"profile-{transport}-{number}", *flags) as uri:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(uri)
            page = await (await browser.new_context()).new_page()
            page.set_default_timeout(WAIT_MS)
            await page.add_init_script(_WATCH % (LOUD / 32768, AUDIBLE / 32768))
            await page.goto(f"{url}/?kiosk=1&transport={transport}")
            await page.wait_for_selector("html[data-state=waiting]")
            if transport != "pcm":
                await page.wait_for_selector(f"html[data-transport={transport}]")
            await measure_turn(page, figures)
            await measure_listening(psutil.Process(hub.process.pid), figures)
    await hub.stop()


async def measure_turn(page: Page, figures: Figures) -> None:
    """Wait for the answer; note its delay, and the bandwidth of the command and of the answer."""
    await page.wait_for_selector("html[data-state=listening]")
    before, listened_at = await page.evaluate(_TRAFFIC), time.monotonic()
    await page.wait_for_selector("html[data-state=speaking]")
    spoken, spoke_at = await page.evaluate(_TRAFFIC), time.monotonic()
    await page.wait_for_selector("html[data-state=waiting]")
    after, ended_at = await page.evaluate(_TRAFFIC), time.monotonic()
    end, sound, output = json.loads(await page.evaluate("JSON.stringify([speechEnd, firstSound, outputMs])"))
    figures.latency_ms.append(sound - end)
    figures.output_ms.append(output)
    figures.up_kbps.append((spoken[0] - before[0]) / 125 / (spoke_at - listened_at))
    figures.down_kbps.append((after[1] - before[1]) / 125 / (ended_at - spoke_at))


async def measure_listening(hub: psutil.Process, figures: Figures) -> None:
    """Note what it costs that the page waits for the wake word."""
    used = sum(hub.cpu_times()[:2])
    await asyncio.sleep(LISTEN_SECONDS)
    figures.cpu_percent.append(100 * (sum(hub.cpu_times()[:2]) - used) / LISTEN_SECONDS)
    figures.memory_mb.append(hub.memory_info().rss / 1e6)


async def start_hub(folder: Path, stages: dict[str, Daemon], *flags: str) -> Daemon:
    uris = [part for role, daemon in stages.items() for part in (f"--{role}-uri", daemon.uri)]
    return await Daemon.start("hub", *uris, "--no-zeroconf", "--data-dir", str(folder / "hub"), *flags)


async def measure(turns: int, folder: Path) -> dict[str, Figures]:
    figures = {name: Figures() for name in ("satellite", *TRANSPORTS)}
    async with AsyncExitStack() as stack:
        stages = {role: await Daemon.start(role, "--no-zeroconf") for role in ROLES}
        for daemon in stages.values():
            stack.push_async_callback(daemon.stop)
        await stages["asr"].wait_for_line("grammar loaded")
        for number in range(turns):  # in turn, so that a busy machine slows all
            await run_satellite_turn(folder, stages, number, figures["satellite"])
            for transport in TRANSPORTS:
                await run_browser_turn(folder, stages, number, transport, figures[transport])
    return figures


def describe(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})" if values else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="of each [%(default)s]")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as name:
        write_recordings(Path(name))
        figures = asyncio.run(measure(turns, Path(name)))
    columns = [field.name for field in fields(Figures)]
    print(f"| median of {turns} turns (least to most) | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for kind, found in figures.items():
        print(f"| {kind} | {' | '.join(describe(getattr(found, column)) for column in columns)} |")


if __name__ == "__main__":
    main()
