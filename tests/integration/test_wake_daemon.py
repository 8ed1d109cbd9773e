"""The installed wyoming-rosie-wake as a process, over loopback, on recorded words."""

import asyncio
from pathlib import Path

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.wake import Detect, Detection

from tests.conftest import OpenPeer, StartDaemon
from wyoming_rosie.audio import SPEECH, AudioFormat, Converter, read_wav
from wyoming_rosie.client import Peer, describe

TEN_MS = SPEECH.bytes_in(0.01)
LEAD_MS = 1000
WORDS = {
    "alexa": ["mww_alexa_2", "woww_alexa"],
    "hey_jarvis": ["mww_hey_jarvis_1", "woww_hey_jarvis"],
    "hey_mycroft": ["oww_hey_mycroft_test", "woww_hey_mycroft"],
    "okay_nabu": ["mww_okay_nabu_1", "woww_okay_nabu"],
}
NOISES = ["noise/background_noise.wav", "noise/oww_activation_chime.wav", "vad/silence.wav"]
OTHERS = ["woww_computer", "oww_hey_jane", "wmww_okay_computer", "woww_hey_rhasspy", "mww_computer_hey_peppa_pig"]
CLIPS = [(clip, word) for word, clips in WORDS.items() for clip in clips] + [(clip, None) for clip in OTHERS]


@pytest.fixture(scope="session")
def recordings(shared_data: Path) -> dict[str, bytes]:
    """The recorded words, each with a second of silence before and after."""
    silence = bytes(SPEECH.bytes_in(LEAD_MS / 1000))
    sounds = {path.stem: read_wav(path) for path in (shared_data / "wake").glob("*.wav")}
    assert {audio for audio, _ in sounds.values()} == {SPEECH}
    return {name: silence + pcm + silence for name, (_, pcm) in sounds.items()}


@pytest.fixture(scope="session")
def noises(shared_data: Path) -> list[tuple[AudioFormat, bytes]]:
    return [read_wav(shared_data / name) for name in NOISES]


def chunks(pcm: bytes, step: int = TEN_MS, audio: AudioFormat = SPEECH) -> list[Event]:
    pieces = (pcm[start : start + step] for start in range(0, len(pcm), step))
    return [AudioChunk(audio.rate, audio.width, audio.channels, piece).event() for piece in pieces]


async def answers(peer: Peer, *events: Event) -> list[Event]:
    """Send the events and an audio-stop; return what comes until the daemon has worked them all off."""
    for event in events:
        await peer.send(event)
    await peer.send(AudioStop().event())
    # A detect with a word that does not exist is answered in order: it marks the end.
    await peer.send(Detect(names=["end"]).event())
    received = []
    while (event := await peer.receive(10)).type != "error":
        received.append(event)
    return received


def start(audio: AudioFormat = SPEECH) -> Event:
    return AudioStart(audio.rate, audio.width, audio.channels).event()


@pytest.mark.parametrize(("clip", "word"), CLIPS, ids=lambda value: str(value))
async def test_home_assistants_sequence_on_a_recorded_word(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes], clip: str, word: str | None
) -> None:
    client = await peer((await daemon("wake")).uri)
    pcm = recordings[clip]
    received = await answers(client, Detect().event(), start(), *chunks(pcm))
    if word is None:
        assert [event.type for event in received] == ["not-detected"]
        return
    (event,) = received
    detection = Detection.from_event(event)
    assert detection.name == word
    assert detection.timestamp is not None
    assert LEAD_MS < detection.timestamp < SPEECH.seconds(len(pcm)) * 1000
    assert 0.8 < event.data["context"]["score"] <= 1


async def test_noise_holds_no_word(
    daemon: StartDaemon, peer: OpenPeer, noises: list[tuple[AudioFormat, bytes]]
) -> None:
    uri = (await daemon("wake")).uri
    for audio, pcm in noises:
        events = chunks(pcm, audio.bytes_in(0.08), audio)
        received = await answers(await peer(uri), Detect().event(), start(audio), *events)
        assert [event.type for event in received] == ["not-detected"]


async def test_other_formats_are_converted(daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]) -> None:
    stereo = AudioFormat(44_100, 4, 2)
    converter = Converter(SPEECH, stereo)
    pcm = converter.convert(recordings["woww_alexa"]) + converter.finish()
    client = await peer((await daemon("wake")).uri)
    events = chunks(pcm, stereo.bytes_in(0.1), stereo)
    (event,) = await answers(client, Detect(names=["alexa"]).event(), start(stereo), *events)
    assert event.data["name"] == "alexa"


async def test_unknown_word_is_an_error_with_the_list_and_the_connection_goes_on(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]
) -> None:
    client = await peer((await daemon("wake")).uri)
    await client.send(Detect(names=["snowboy"]).event())
    error = await client.receive(5)
    assert (error.type, error.data["code"]) == ("error", "unknown-wake-word")
    assert "okay_nabu" in error.data["text"]
    pcm = recordings["woww_okay_nabu"]
    (event,) = await answers(client, Detect(names=["okay_nabu"]).event(), start(), *chunks(pcm))
    assert event.data["name"] == "okay_nabu"


async def test_many_streams_at_once_hear_each_its_own_word(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]
) -> None:
    uri = (await daemon("wake")).uri

    async def heard(word: str, clip: str) -> tuple[str, list[str]]:
        pcm = recordings[clip]
        received = await answers(await peer(uri), Detect().event(), start(), *chunks(pcm))
        return word, [event.data["name"] for event in received]

    results = await asyncio.gather(*(heard(word, clip) for word, clips in WORDS.items() for clip in clips))
    assert all(names == [word] for word, names in results)


async def test_the_wyoming_packages_client_is_answered(daemon: StartDaemon, recordings: dict[str, bytes]) -> None:
    uri = (await daemon("wake")).uri
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event() or Event("none"))
        assert [model.name for model in info.wake[0].models] == ["alexa", "hey_jarvis", "hey_mycroft", "okay_nabu"]
        await client.write_event(Detect(names=["hey_jarvis"]).event())
        await client.write_event(start())
        for event in chunks(recordings["woww_hey_jarvis"]):
            await client.write_event(event)
        answer = await asyncio.wait_for(client.read_event(), 10)
        assert answer is not None
        assert Detection.from_event(answer).name == "hey_jarvis"


async def test_info_passes_home_assistants_checks(daemon: StartDaemon) -> None:
    (program,) = (await describe((await daemon("wake")).uri)).wake
    assert program.installed
    assert program.description
    assert program.version
    assert program.attribution.name
    assert program.attribution.url
    assert all(model.installed and model.phrase and model.languages for model in program.models)
