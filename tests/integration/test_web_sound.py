"""The sound of the page in a real browser: by WebRTC, as Opus, and what happens when these fail."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import psutil
import pytest
from playwright.async_api import Browser, Page, Route
from wyoming.event import Event

from tests.browser import (
    ScriptedHouse,
    answered,
    closing_pages,
    driving,
    open_page,
    played_pcm,
    running_chromium,
    say,
    skip_without_chromium,
    state_is,
    write_microphone,
)
from tests.conftest import StartDaemon
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, read_wav
from wyoming_rosie.commands.demo import COMMAND
from wyoming_rosie.protocol.server import Send

pytestmark = pytest.mark.long

PAGE_SOUND = AudioFormat(rate=48_000, width=2, channels=1)
SPOKEN = read_wav(COMMAND)[1]
PIECE = 4_800
"""Samples of a tenth of a second at the page's rate, a third at the microphone's."""
Samples: TypeAlias = npt.NDArray[np.float64]
STORY = SPOKEN * 3
WITH_SILENCE = bytes(len(SPOKEN)) + SPOKEN + bytes(len(SPOKEN))
CONNECT_MS = 6_000
"""Time after which the page gives up."""
SAME = 0.5
"""Likeness of a recording to itself after codec and microphone processing is 0.7 and more, to itself backwards 0.2 and less."""
_COUNT_BYTES = """
    window.sentBytes = 0;
    const sendMessage = WebSocket.prototype.send;
    WebSocket.prototype.send = function (message) {
        sentBytes += typeof message === "string" ? 0 : message.byteLength;
        return sendMessage.call(this, message);
    };
"""
_RECORD_TRACK = """
    window.heard = [];
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
                    value.close();
                    heard.push(...Array.from(samples, (one) => Math.round(one * 32767)));
                }
            });
        }
    };
"""


@pytest.fixture
def house(daemon: StartDaemon, tmp_path: Path) -> ScriptedHouse:
    skip_without_chromium()
    if find_spec("aiortc") is None:
        pytest.skip("aiortc is not installed: the extra webrtc")
    house = ScriptedHouse(daemon, tmp_path / "hub")
    house.answers["tts"] = answer_aloud
    return house


@pytest.fixture(scope="module")
def chromium_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A browser that hears "turn on the kitchen lights"."""
    folder = tmp_path_factory.mktemp("chromium")
    microphone = write_microphone(folder / "microphone.wav", SPOKEN)
    with running_chromium(microphone, folder / "profile") as uri:
        yield uri


@pytest.fixture
async def chromium(chromium_uri: str) -> AsyncIterator[Browser]:
    async with driving(chromium_uri) as browser, closing_pages(browser):
        yield browser


async def talk(page: Page) -> None:
    await page.get_by_role("button", name="Talk", exact=True).click()


async def transport_is(page: Page, transport: str) -> None:
    await page.wait_for_selector(f"html[data-transport={transport}]")


def likeness(heard: bytes, played: bytes) -> float:
    """Return how like the loud pieces of a recording are to the best fitting places of another: 1 for the same.

    A browser stretches and shortens what it receives by some milliseconds, so that each piece has a place of its own.
    """
    one, other = (np.frombuffer(pcm, np.int16).astype(np.float64) for pcm in (played, heard))
    pieces = [one[start : start + PIECE] for start in range(0, len(one) - PIECE, PIECE)]
    loud = [piece for piece in pieces if piece.std() > one.std() / 2]
    return float(np.mean([_best_fit(other, piece) for piece in loud]))


def _best_fit(sound: Samples, piece: Samples) -> float:
    size = 1 << (len(sound) + len(piece)).bit_length()
    products = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(piece, size)))[: len(sound) - len(piece)]
    sums = np.concatenate(([0.0], np.cumsum(np.square(sound))))
    energy = (sums[len(piece) :] - sums[: -len(piece)])[: len(products)]
    return float(np.max(products / np.sqrt(energy * np.sum(np.square(piece)) + 1.0)))


def at_page_rate(pcm: bytes) -> bytes:
    converter = Converter(SPEECH, PAGE_SOUND)
    return converter.convert(pcm) + converter.finish()


async def answer_aloud(event: Event, send: Send) -> None:
    """Answer with a recording, and with a long one to who wants a story."""
    if event.type == "synthesize":
        await say(send, STORY if "story" in event.data["text"] else SPOKEN, SPEECH)


async def heard_on_track(page: Page) -> bytes:
    return np.array(await page.evaluate("heard"), np.int16).tobytes()


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Write instead of speaking").fill(text)
    await page.keyboard.press("Enter")


async def block_udp(route: Route) -> None:
    """Send an offer, and its answer, without a candidate that leads anywhere, as a firewall would have it."""
    sent = json.loads(route.request.post_data or "")
    answer = await route.fetch(post_data={**sent, "sdp": lead_nowhere(sent["sdp"])})
    found = await answer.json()
    await route.fulfill(response=answer, json={"sdp": lead_nowhere(found["sdp"])})


def lead_nowhere(sdp: str) -> str:
    return re.sub(r"(a=candidate:\S+ \d udp \d+) \S+ \d+", r"\1 192.0.2.254 9", sdp, flags=re.IGNORECASE)


async def test_a_spoken_command_and_its_answer_travel_by_webrtc(house: ScriptedHouse, chromium: Browser) -> None:
    async with house.serving("--web.webrtc"):
        page = await open_page(chromium, house.url, _RECORD_TRACK)
        await transport_is(page, "webrtc")
        await talk(page)
        await answered(page, "You said: turn on the light.")
        await state_is(page, "speaking")
        await state_is(page, "idle")
        assert await page.evaluate("seen") == ["idle", "listening", "thinking", "speaking", "idle"]
        assert likeness(WITH_SILENCE, house.heard_audio("asr")) > SAME
        assert likeness(await heard_on_track(page), at_page_rate(SPOKEN)) > SAME
        assert await played_pcm(page) == b""


async def test_a_tap_interrupts_an_answer_on_the_track(house: ScriptedHouse, chromium: Browser) -> None:
    async with house.serving("--web.webrtc"):
        page = await open_page(chromium, house.url, _RECORD_TRACK)
        await transport_is(page, "webrtc")
        await write(page, "tell me a story")
        await state_is(page, "speaking")
        await page.get_by_role("button", name="Interrupt and talk").click()
        await answered(page, "You said: turn on the light.")
        await state_is(page, "idle")
        heard = np.frombuffer(await heard_on_track(page), np.int16)
        assert np.count_nonzero(heard) < len(STORY) / SPEECH.width * PAGE_SOUND.rate / SPEECH.rate


async def test_a_connection_that_is_cut_in_mid_answer_goes_on_by_websocket(
    house: ScriptedHouse, chromium: Browser
) -> None:
    async with house.serving("--web.webrtc"):
        page = await open_page(chromium, house.url, _RECORD_TRACK)
        await transport_is(page, "webrtc")
        await write(page, "tell me a story")
        await state_is(page, "speaking")
        await page.evaluate("peers[0].getReceivers()[0].getSynchronizationSources = () => []")
        await transport_is(page, "pcm")
        await state_is(page, "idle")
        assert likeness(await played_pcm(page), at_page_rate(SPOKEN)) > SAME
        await talk(page)
        await answered(page, "You said: turn on the light.")


async def test_a_page_whose_network_blocks_udp_goes_on_by_websocket(house: ScriptedHouse, chromium: Browser) -> None:
    async with house.serving("--web.webrtc", "--web.opus"):
        page = await open_page(chromium, "about:blank", _RECORD_TRACK)
        await page.route("**/webrtc/offer", block_udp)
        await page.clock.install()
        async with page.expect_response("**/webrtc/offer"):
            await page.goto(house.url)
        await transport_is(page, "opus")
        await page.clock.fast_forward(CONNECT_MS)
        assert await page.evaluate("peers.map((peer) => peer.connectionState)") == ["closed"]
        await talk(page)
        await answered(page, "You said: turn on the light.")
        await transport_is(page, "opus")


async def test_the_connection_of_a_replaced_tab_ends_even_if_the_tab_would_keep_it(
    house: ScriptedHouse, chromium: Browser
) -> None:
    async with house.serving("--web.webrtc"):
        first = await open_page(chromium, house.url, "RTCPeerConnection.prototype.close = () => {};")
        await transport_is(first, "webrtc")
        assert house.hub is not None
        process = psutil.Process(house.hub.process.pid)
        assert process.net_connections("udp")
        second = await first.context.new_page()
        await second.goto(f"{house.url}/?transport=pcm")
        await state_is(second, "idle")
        await wait_until(lambda: not process.net_connections("udp"))


async def test_a_spoken_command_and_its_answer_travel_as_opus(house: ScriptedHouse, chromium: Browser) -> None:
    async with house.serving("--web.opus"):
        page = await open_page(chromium, house.url, _COUNT_BYTES)
        await transport_is(page, "opus")
        await talk(page)
        await answered(page, "You said: turn on the light.")
        await state_is(page, "speaking")
        await state_is(page, "idle")
        assert likeness(WITH_SILENCE, house.heard_audio("asr")) > SAME
        assert likeness(await played_pcm(page), at_page_rate(SPOKEN)) > SAME
        assert await page.evaluate("sentBytes") < len(house.heard_audio("asr")) / 4


@pytest.mark.parametrize(
    ("address", "script"),
    [("/?transport=pcm", ""), ("/", "delete window.AudioEncoder; delete window.RTCPeerConnection;")],
    ids=["chosen", "old browser"],
)
async def test_a_page_without_codec_talks_in_pcm(
    house: ScriptedHouse, chromium: Browser, address: str, script: str
) -> None:
    async with house.serving("--web.opus", "--web.webrtc"):
        page = await open_page(chromium, house.url + address, script)
        await state_is(page, "idle")
        await write(page, "hello")
        await state_is(page, "speaking")
        await state_is(page, "idle")
        assert await played_pcm(page) == SPOKEN
        assert await page.evaluate("document.documentElement.dataset.transport") is None
