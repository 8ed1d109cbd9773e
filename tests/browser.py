"""Debian's Chromium with a recording as its microphone, driven by Playwright, and a hub with scripted daemons to open."""

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import AnswerFunction, FakeDaemon
from tests.web_client import page_of
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, write_wav
from wyoming_rosie.protocol.server import Send

AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
"""The shell takes a third less of the processor."""
WAIT_MS = 60_000
VOICE = AudioFormat(rate=22_050, width=2, channels=1)
ANSWER_PCM = b"".join(round(6000 * (i % 60 - 30) / 30).to_bytes(2, "little", signed=True) for i in range(22_050 // 2))
"""Half a second of a saw-tooth."""
_WATCH = """
    window.seen = [];
    window.played = [];
    window.silenced = 0;
    window.silencedBefore = {};
    addEventListener("DOMContentLoaded", () => {
        const root = document.documentElement;
        const note = () => {
            const before = seen.length > 0 ? seen[seen.length - 1] : "offline";
            if (before !== root.dataset.state) seen.push(root.dataset.state);
            silencedBefore[root.dataset.state] = silenced;
        };
        new MutationObserver(note).observe(root, { attributes: true, attributeFilter: ["data-state"] });
    });
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (when) {
        played.push(...Array.from(this.buffer.getChannelData(0), (sample) => Math.round(sample * 32768)));
        return start.call(this, when);
    };
    const stop = AudioBufferSourceNode.prototype.stop;
    AudioBufferSourceNode.prototype.stop = function () { silenced += 1; return stop.call(this); };
"""
"""Records the states that the page shows and the samples that it plays."""


SHOWN = """
    (except) => Array.from(document.querySelectorAll("body *")).filter((element) => !element.closest(except))
        .flatMap((element) => [
            ...Array.from(element.childNodes).filter((node) => node.nodeType === 3).map((node) => node.data.trim()),
            element.getAttribute("aria-label") || "",
            element.getAttribute("placeholder") || "",
        ]).filter((text) => text !== "")
"""
"""Every text on the page, for the eye or for a screen reader, but those within elements of a selector."""


def skip_without_chromium() -> None:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium-headless-shell")


@contextmanager
def running_chromium(recording: Path, profile: Path, *flags: str) -> Iterator[str]:
    """Run a browser whose microphone plays a WAV file once, from the moment a page opens it; yields its address."""
    assert CHROMIUM is not None
    sound = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    microphone = f"--use-file-for-fake-audio-capture={recording}%noloop"
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    driven = (
        "--headless=new",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "--no-first-run",
        "--mute-audio",
    )
    command = [CHROMIUM, *driven, *sound, microphone, *sandbox, *flags, "about:blank"]
    # Debian's command is a script that waits for the browser: both end as one group.
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        assert process.stderr is not None
        try:
            yield next(line.split()[-1] for line in process.stderr if line.startswith("DevTools listening on"))
        finally:
            os.killpg(process.pid, signal.SIGTERM)


@asynccontextmanager
async def driving(uri: str) -> AsyncIterator[Browser]:
    """Drive a browser during the block."""
    async with async_playwright() as playwright:
        yield await playwright.chromium.connect_over_cdp(uri)


@asynccontextmanager
async def closing_pages(browser: Browser) -> AsyncIterator[Browser]:
    """Close at the end the pages that were opened during the block."""
    before = browser.contexts
    yield browser
    for context in browser.contexts:
        if context not in before:
            await context.close()


def write_microphone(path: Path, pcm: bytes) -> Path:
    """Write 16 kHz PCM between silences, as a person who opens the page, speaks and stays."""
    write_wav(path, SPEECH, bytes(SPEECH.bytes_in(0.5)) + pcm + bytes(SPEECH.bytes_in(20)))
    return path


async def open_page(browser: Browser, url: str, script: str = "", **context: object) -> Page:
    """Open a page that records its states and its sound; `script` runs before the page's own."""
    page = await (await browser.new_context(**context)).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(WAIT_MS)
    await page.add_init_script(_WATCH + script)
    await page.goto(url)
    return page


async def state_is(page: Page, state: str) -> None:
    await page.wait_for_selector(f"html[data-state={state}]")


async def answered(page: Page, text: str) -> None:
    await page.locator(".answered", has_text=text).last.wait_for()


async def played_pcm(page: Page) -> bytes:
    samples: list[int] = await page.evaluate("played")
    return b"".join(int(sample).to_bytes(2, "little", signed=True) for sample in samples)  # -0 comes as a float


async def find_violations(page: Page, axe: str) -> list[str]:
    """Return what axe-core finds that is serious or critical."""
    await page.evaluate(axe)
    # Without the elements that pass, it takes a third less of the processor.
    find = "axe.run({ resultTypes: ['violations'] }).then((result) => result.violations)"
    found: list[dict[str, Any]] = await page.evaluate(find)
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in serious]


async def vad(event: Event, send: Send) -> None:
    if event.type == "audio-start":
        await send(Event("voice-started", {"timestamp": 100}))
        await send(Event("voice-stopped", {"timestamp": 300}))


async def asr(event: Event, send: Send) -> None:
    match event.type:
        case "audio-start":
            await send(Event("transcript-start"))
            await send(Event("transcript-chunk", {"text": "turn on"}))
        case "audio-stop":
            await send(Event("transcript", {"text": "turn on the light"}))


async def intent(event: Event, send: Send) -> None:
    if event.type == "transcript":
        await send(Event("handled", {"text": f"You said: {event.data['text']}."}))


async def tts(event: Event, send: Send) -> None:
    if event.type == "synthesize":
        await say(send, ANSWER_PCM)


async def say(send: Send, pcm: bytes, voice: AudioFormat = VOICE) -> None:
    audio = {"rate": voice.rate, "width": voice.width, "channels": voice.channels}
    await send(Event("audio-start", audio))
    for start in range(0, len(pcm), 4_000):
        await send(Event("audio-chunk", audio, pcm[start : start + 4_000]))
    await send(Event("audio-stop"))


async def wake(event: Event, send: Send) -> None:
    """Never hear a wake word."""


@dataclass
class WakeWord:
    """Hears a wake word in every stream, after so many seconds of audio."""

    after_seconds: float
    heard_seconds: float = 0.0

    async def answer(self, event: Event, send: Send) -> None:
        match event.type:
            case "audio-start":
                self.heard_seconds = 0.0
            case "audio-chunk":
                before, self.heard_seconds = (
                    self.heard_seconds,
                    self.heard_seconds + SPEECH.seconds(len(event.payload or b"")),
                )
                if before < self.after_seconds <= self.heard_seconds:
                    await send(Event("detection", {"name": "okay_nabu", "timestamp": round(1000 * before)}))


def _default_answers() -> dict[str, AnswerFunction]:
    return {"wake": wake, "vad": vad, "asr": asr, "intent": intent, "tts": tts}


@dataclass
class ScriptedHouse:
    """A hub with its page and scripted daemons, whose answers can be changed at any time."""

    start: StartDaemon
    data_dir: Path
    answers: dict[str, AnswerFunction] = field(default_factory=_default_answers)
    stages: dict[str, FakeDaemon] = field(default_factory=dict)
    url: str = ""
    hub: Daemon | None = None

    @asynccontextmanager
    async def serving(self, *flags: str) -> AsyncIterator["ScriptedHouse"]:
        async with AsyncExitStack() as stack:
            for role in self.answers:
                self.stages[role] = FakeDaemon(partial(self._answer, role))
                await stack.enter_async_context(self.stages[role].serving())
            await self.restart_hub(*flags)
            yield self

    async def restart_hub(self, *flags: str) -> None:
        await self.start_hub({role: stage.uri for role, stage in self.stages.items()}, *flags)

    async def start_hub(self, uris: Mapping[str, str], *flags: str) -> None:
        stages = [part for role, uri in uris.items() for part in (f"--{role}-uri", uri)]
        web = () if "--web.port" in flags else ("--web.port", "0")
        self.hub = await self.start(
            "hub", *stages, "--no-zeroconf", "--data-dir", str(self.data_dir), "--web", *web, *flags
        )
        self.url = await page_of(self.hub)

    def forget(self) -> None:
        """Answer as in the beginning, and forget what was heard."""
        self.answers = _default_answers()
        for stage in self.stages.values():
            stage.heard.clear()

    async def _answer(self, role: str, event: Event, send: Send) -> None:
        await self.answers[role](event, send)

    def heard_audio(self, role: str) -> bytes:
        return b"".join(event.payload or b"" for event in self.stages[role].of_type("audio-chunk"))
