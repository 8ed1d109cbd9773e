"""The sound of a page: which transport carries it, and when it is handed out."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie_hub.web.page_sound import CreatePeer, PageSound, WebRtcRefusedError
from wyoming_rosie_hub.web.playout import Playout
from wyoming_rosie_hub.web.settings import WebConfig
from wyoming_rosie_hub.web.stream_messages import MAX_OPUS_SECONDS, OPUS, OPUS_FRAME_BYTES, opus_seconds
from wyoming_rosie_hub.web.transports import SoundOffer, Transport, check_offer, create_offer

EVERYTHING = SoundOffer(tuple(Transport))
HOME = "192.168.1.20"
STOP = Event("audio-stop")
TONE = b"".join(round(8000 * ((i % 50) / 25 - 1)).to_bytes(2, "little", signed=True) for i in range(16_000))


def offer(*lines: str) -> str:
    return "\r\n".join(["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", *lines, ""])


def candidate(address: str) -> str:
    return f"a=candidate:1 1 udp 2113937151 {address} 50000 typ host"


# Opus packets


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (b"\x00", 10), (b"\x18", 60), (b"\x60", 10), (b"\x78", 20), (b"\x80", 2.5), (b"\xf8", 20), (b"\x79", 40),
        (b"\x7a", 40), (b"\x7b\x03", 60),
    ],
    ids=["silk", "silk-60", "hybrid-10", "hybrid-20", "celt-2.5", "celt-20", "two", "two-unequal", "three"],
)  # fmt: skip
def test_the_first_bytes_of_an_opus_packet_tell_its_duration(packet: bytes, milliseconds: float) -> None:
    assert opus_seconds(packet) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(
    "packet", [b"", b"\x03", b"\x03\x00", b"\x1b\x03", bytes(1501)], ids=["empty", "no-count", "none", "long", "large"]
)
def test_what_is_no_opus_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(BadEventError):
        opus_seconds(packet)


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_short_packet_or_refused(packet: bytes) -> None:
    with suppress(BadEventError):
        assert 0 < opus_seconds(packet) <= MAX_OPUS_SECONDS


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(packet: bytes) -> None:
    opus = pytest.importorskip("wyoming_rosie_hub.web.opus")
    try:
        pcm = opus.OpusDecoder().decode(packet)
    except BadEventError:
        return
    assert len(pcm) <= SPEECH.bytes_in(2 * MAX_OPUS_SECONDS)


# Which transports are offered


def test_a_page_of_this_machine_alone_talks_in_pcm() -> None:
    assert create_offer(WebConfig(), lambda _: True).transports == (Transport.PCM,)


def test_a_page_that_others_can_reach_has_the_choice() -> None:
    assert create_offer(WebConfig(host="0.0.0.0"), lambda _: True) == EVERYTHING


def test_without_the_libraries_pages_talk_in_pcm() -> None:
    assert create_offer(WebConfig(host="0.0.0.0"), lambda _: False).transports == (Transport.PCM,)


@pytest.mark.parametrize("settings", [WebConfig(webrtc=True), WebConfig(opus=True)], ids=["webrtc", "opus"])
def test_a_transport_that_was_asked_for_names_what_is_missing(settings: WebConfig) -> None:
    with pytest.raises(ConfigError, match=r"is missing; run: .*webrtc"):
        create_offer(settings, lambda _: False)


# Offers of WebRTC


def test_the_candidates_of_an_offer_are_at_home() -> None:
    sent = offer(*map(candidate, ("192.168.1.7", "fd00::7", "8.8.8.8", "127.0.0.1", "1f2e.local", "224.0.0.1")))
    found = [line.split()[4] for line in check_offer(sent, HOME).splitlines() if line.startswith("a=candidate")]
    assert found == ["192.168.1.7", "fd00::7", HOME, HOME, HOME, HOME]


@pytest.mark.parametrize(
    "sdp",
    [
        "", offer("m=video 9 UDP/TLS/RTP/SAVPF 96"), "m=video 9 UDP/TLS/RTP/SAVPF 96", offer("a=candidate:1 1"),
        offer(*[candidate(HOME)] * 33), offer("a=" + "x" * 17_000),
    ],
    ids=["empty", "two", "video", "no-address", "many", "long"],
)  # fmt: skip
def test_an_offer_of_something_else_is_refused(sdp: str) -> None:
    with pytest.raises(BadEventError):
        check_offer(sdp, HOME)


# Playout


@given(st.lists(st.one_of(st.binary(max_size=5000).map(lambda pcm: pcm[: len(pcm) // 2 * 2]), st.just(STOP))))
def test_sound_is_handed_out_in_order_and_events_after_the_sound_before_them(items: list[bytes | Event]) -> None:
    playout = Playout()
    expected, found = b"", b""
    for item in [*items, STOP]:
        if isinstance(item, bytes):
            playout.add_sound(item)
            expected += item
        else:
            found += b"#" * len(playout.add_event(item))
            expected += b"#"
    while not playout.is_empty:
        pcm, events = playout.take_frame()
        assert pcm or events
        found += pcm + b"#" * len(events)
    assert found == expected


def test_a_part_of_a_frame_waits_for_more_sound() -> None:
    playout = Playout()
    playout.add_sound(bytes(100))
    assert playout.take_frame() == (b"", [])
    playout.add_event(STOP)
    assert playout.take_frame() == (bytes(100), [STOP])


def test_sound_that_nobody_takes_is_bounded() -> None:
    playout = Playout(max_bytes=1000)
    playout.add_sound(bytes(800))
    playout.add_sound(bytes(800))
    assert playout.dropped_bytes == 600


# Answers on a track


@dataclass
class FakePeer:
    """A connection whose page hears what the test takes from the playout."""

    playout: Playout
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0
    woken: int = 0

    async def answer(self, sdp: str) -> str:
        return f"answer to {sdp}"

    async def run(self) -> None:
        await self.lost.wait()

    async def close(self) -> None:
        self.closed += 1

    def wake(self) -> None:
        self.woken += 1


class FakePeers(list[FakePeer]):
    """The connections that a page has made."""

    def load(self) -> CreatePeer:
        return self.create

    def create(self, playout: Playout, *_: object) -> FakePeer:
        self.append(FakePeer(playout))
        return self[-1]


async def ignore(_: bytes) -> None: ...


async def on_track(sent: "SentEvents", peers: FakePeers) -> PageSound:
    """Return the sound of a page that is connected by WebRTC."""
    pytest.importorskip("av")
    sound = PageSound(EVERYTHING, sent.append, peers.load)
    await sound.connect(offer(), HOME, ignore)
    await sound.choose(chosen("webrtc"))
    return sound


async def test_the_end_of_an_answer_on_a_track_is_told_when_it_was_played_out() -> None:
    sent, peers = SentEvents(), FakePeers()
    speak(await on_track(sent, peers), TONE)
    assert (sent.types, sent[0].data["transport"]) == (["audio-start"], "webrtc")
    due: list[Event] = []
    while not due:
        _, due = peers[0].playout.take_frame()
    assert due == [STOP]


@pytest.mark.parametrize(
    ("event", "is_silent"),
    [
        (Event("transcribe"), True),
        (Event("error", {"code": "cancelled"}), True),
        (Event("error", {"code": "wake-unavailable"}), False),
        (Event("timer-started", {"id": "1"}), False),
    ],
    ids=["interrupted", "cancelled", "wake-lost", "timer"],
)
async def test_what_ends_an_answer_silences_its_track(event: Event, is_silent: bool) -> None:
    sent, peers = SentEvents(), FakePeers()
    sound = await on_track(sent, peers)
    speak(sound, TONE)
    sound.send(event)
    assert peers[0].playout.is_empty is is_silent
    assert sent[-1] == event


async def test_a_page_is_woken_by_what_leads_to_an_answer_and_not_by_pongs() -> None:
    peers = FakePeers()
    sound = await on_track(SentEvents(), peers)
    sound.send(Event("pong"))
    assert peers[0].woken == 0
    sound.send(Event("synthesize", {"text": "Well."}))
    assert peers[0].woken == 1


async def test_the_rest_of_an_answer_follows_by_websocket_when_its_connection_is_lost() -> None:
    sent, peers = SentEvents(), FakePeers()
    sound = await on_track(sent, peers)
    speak(sound, TONE)
    peers[0].lost.set()
    await wait_until(lambda: not sound.has_peer)
    assert [event.data.get("transport") for event in sent if event.type == "audio-start"] == ["webrtc", "pcm"]
    assert sent.types[-1] == "audio-stop"
    assert len(sent.sound) == pytest.approx(OPUS.bytes_in(1), abs=OPUS.bytes_in(0.01))


async def test_a_new_offer_replaces_the_connection_and_the_end_of_a_page_ends_it() -> None:
    peers = FakePeers()
    sound = await on_track(SentEvents(), peers)
    assert (await sound.connect(offer(), HOME, ignore)).startswith("answer to v=0")
    assert [peer.closed for peer in peers] == [1, 0]
    await sound.close()
    assert [peer.closed for peer in peers] == [1, 1]
    with pytest.raises(WebRtcRefusedError):
        await sound.connect(offer(), HOME, ignore)
    assert [peer.closed for peer in peers] == [1, 1, 1]


# Answers in the WebSocket


class SentEvents(list[Event]):
    """What a page was sent."""

    @property
    def types(self) -> list[str]:
        return [event.type for event in self]

    @property
    def sound(self) -> bytes:
        return b"".join(event.payload or b"" for event in self)


def speak(sound: PageSound, pcm: bytes, audio: AudioFormat = SPEECH) -> None:
    described = {"rate": audio.rate, "width": audio.width, "channels": audio.channels}
    sound.send(Event("audio-start", described))
    sound.send(Event("audio-chunk", described, pcm))
    sound.send(STOP)


def chosen(transport: str) -> Event:
    return Event("user-event", {"name": "transport", "transport": transport})


def test_an_answer_goes_as_it_came_to_a_page_that_chose_nothing() -> None:
    sent = SentEvents()
    speak(PageSound(EVERYTHING, sent.append), TONE)
    assert sent.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert sent.sound == TONE


async def test_an_answer_goes_as_opus_to_a_page_that_chose_it() -> None:
    pytest.importorskip("av")
    sent = SentEvents()
    sound = PageSound(EVERYTHING, sent.append)
    await sound.choose(chosen("opus"))
    speak(sound, TONE)
    assert sent[0].data == {"rate": 48_000, "width": 2, "channels": 1, "transport": "opus"}
    assert sent.types == ["audio-start", *["audio-chunk"] * 50, "audio-stop"]
    assert sum(sound.seconds(event.payload or b"") for event in sent[1:-1]) == pytest.approx(1.0)
    heard = b"".join(sound.decode(event.payload or b"") for event in sent[1:-1])
    assert len(heard) == pytest.approx(len(TONE), abs=SPEECH.bytes_in(0.01))


async def test_a_voice_that_opus_cannot_carry_goes_as_it_came() -> None:
    pytest.importorskip("av")
    sent = SentEvents()
    sound = PageSound(EVERYTHING, sent.append)
    await sound.choose(chosen("opus"))
    speak(sound, bytes(600), AudioFormat(16_000, 3, 2))
    assert sent.sound == bytes(600)


@pytest.mark.parametrize("name", ["opus", "tape", ""])
async def test_a_transport_that_is_not_offered_is_refused(name: str) -> None:
    with pytest.raises(BadEventError):
        await PageSound(SoundOffer(), SentEvents().append).choose(chosen(name))


def test_the_frames_of_a_track_fill_real_time() -> None:
    assert OPUS.seconds(OPUS_FRAME_BYTES) == 0.02


def test_what_is_left_on_a_lost_track_goes_by_websocket() -> None:
    routes = pytest.importorskip("wyoming_rosie_hub.web.answer_routes")
    sent, playout = SentEvents(), Playout()
    answer = routes.TrackAnswer(OPUS, playout, sent.append)
    answer.add(bytes(2 * OPUS_FRAME_BYTES))
    playout.take_frame()
    answer.leave_track()
    answer.add(b"\1\0")
    answer.end()
    assert sent.types == ["audio-start", "audio-chunk", "audio-chunk", "audio-stop"]
    assert sent[0].data["transport"] == "pcm"
    assert sent.sound == bytes(OPUS_FRAME_BYTES) + b"\1\0"


def test_nothing_is_sent_when_a_track_is_lost_after_its_answer() -> None:
    routes = pytest.importorskip("wyoming_rosie_hub.web.answer_routes")
    sent, playout = SentEvents(), Playout()
    answer = routes.TrackAnswer(OPUS, playout, sent.append)
    answer.add(bytes(OPUS_FRAME_BYTES))
    answer.end()
    playout.take_frame()
    answer.leave_track()
    assert sent == []
