"""The installed wyoming-rosie-wake as a process, over loopback, on recorded words."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.wake import Detect, Detection

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import describe
from tests.integration.wake_streams import LEAD_MS, answers, chunks, names, padded_words, recorded_words, start
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, read_wav
from wyoming_rosie.runtime.stream_scheduler import MAX_BACKLOG_SECONDS
from wyoming_rosie.wakeword.micro import find_package_models

WORDS = {
    "alexa": ["mww_alexa_2", "woww_alexa"],
    "hey_jarvis": ["mww_hey_jarvis_1", "woww_hey_jarvis"],
    "hey_mycroft": ["oww_hey_mycroft_test", "woww_hey_mycroft"],
    "okay_nabu": ["mww_okay_nabu_1", "woww_okay_nabu"],
}
NOISES = ["noise/background_noise.wav", "noise/oww_activation_chime.wav", "vad/silence.wav"]
OTHERS = ["woww_computer", "oww_hey_jane", "wmww_okay_computer", "woww_hey_rhasspy", "mww_computer_hey_peppa_pig"]
KEPT_BYTES = SPEECH.bytes_in(MAX_BACKLOG_SECONDS)
"""Of a stream; more may be dropped on a machine that has no time for so many."""
CLIPS = [(clip, word) for word, clips in WORDS.items() for clip in clips] + [(clip, None) for clip in OTHERS]


@pytest.fixture(scope="session")
def recordings(shared_data: Path) -> dict[str, bytes]:
    return padded_words(shared_data)


@pytest.fixture(scope="session")
def noises(shared_data: Path) -> list[tuple[AudioFormat, bytes]]:
    return [read_wav(shared_data / name) for name in NOISES]


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


async def test_near_misses_are_told_to_those_who_ask(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]
) -> None:
    uri = (await daemon("wake", "--trigger-level", "100")).uri
    detect = Detect(names=["okay_nabu"], context={"near_misses": True}).event()
    near_miss, end = await answers(await peer(uri), detect, start(), *chunks(recordings["woww_okay_nabu"]))
    assert (near_miss.data["name"], near_miss.data["word"]) == ("near-miss", "okay_nabu")
    assert 0 < near_miss.data["score"] <= 1
    assert end.type == "not-detected"


async def test_scores_and_thresholds_are_told_to_those_who_ask(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]
) -> None:
    uri = (await daemon("wake", "--threshold", "0.9")).uri
    asked = Event("user-event", {"name": "scores"})
    audio = chunks(recordings["woww_okay_nabu"])
    scores = await answers(await peer(uri), Detect(names=["okay_nabu"]).event(), start(), *audio, asked)
    told = [event.data for event in scores if event.type == "user-event"]
    assert [one["wake_thresholds"] for one in told] == [{"okay_nabu": 0.9}]
    assert 0 <= told[0]["wake_scores"]["okay_nabu"] <= 1


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
    error = await client.receive(60)
    assert (error.type, error.data["code"]) == ("error", "unknown-wake-word")
    assert "okay_nabu" in error.data["text"]
    pcm = recordings["woww_okay_nabu"]
    (event,) = await answers(client, Detect(names=["okay_nabu"]).event(), start(), *chunks(pcm))
    assert event.data["name"] == "okay_nabu"


async def test_many_streams_at_once_hear_each_its_own_word(
    daemon: StartDaemon, peer: OpenPeer, shared_data: Path
) -> None:
    uri = (await daemon("wake")).uri
    recorded = await asyncio.to_thread(recorded_words, shared_data)
    clips = [(word, clip) for word, clips in WORDS.items() for clip in clips if len(recorded[clip]) <= KEPT_BYTES]
    assert len(clips) > 6

    async def heard(clip: str) -> list[str]:
        return names(await answers(await peer(uri), Detect().event(), start(), *chunks(recorded[clip])))

    assert await asyncio.gather(*(heard(clip) for _, clip in clips)) == [[word] for word, _ in clips]


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
        answer = await asyncio.wait_for(client.read_event(), 60)
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


async def test_chunk_size_changes_nothing(daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]) -> None:
    uri = (await daemon("wake")).uri
    found = []
    for seconds in (0.01, 0.032, 0.08, 1.0):
        client = await peer(uri)
        pieces = chunks(recordings["woww_alexa"], SPEECH.bytes_in(seconds))
        found.append([event.data["timestamp"] for event in await answers(client, start(), *pieces)])
    assert found == [found[0]] * 4
    assert len(found[0]) == 1


async def test_rules_of_words_are_followed(daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]) -> None:
    uri = (await daemon("wake", "--word-refractory-seconds.alexa", "60", "--word-threshold.hey_jarvis", "0.999")).uri
    twice = 2 * recordings["woww_alexa"]
    assert names(await answers(await peer(uri), start(), *chunks(twice))) == ["alexa"]
    assert names(await answers(await peer(uri), start(), *chunks(2 * recordings["woww_hey_mycroft"]))) == [
        "hey_mycroft",
        "hey_mycroft",
    ]


async def test_a_word_is_added_while_the_stream_goes_on(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]
) -> None:
    """As a satellite does that listens for a stop word while an answer is spoken."""
    client = await peer((await daemon("wake")).uri)
    alexa, mycroft = recordings["woww_alexa"], recordings["woww_hey_mycroft"]
    events = [Detect(names=["hey_mycroft"]).event(), start(), *chunks(alexa)]
    events += [Detect(names=["hey_mycroft", "alexa"]).event(), *chunks(alexa)]
    events += [Detect(names=["hey_mycroft"]).event(), *chunks(alexa), *chunks(mycroft)]
    received = await answers(client, *events)
    assert names(received) == ["alexa", "hey_mycroft"]
    first = SPEECH.seconds(len(alexa)) * 1000
    assert first < received[0].data["timestamp"] < 2 * first
    assert received[1].data["timestamp"] > 3 * first


async def test_custom_models_come_from_a_folder_and_names_choose(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes], tmp_path: Path
) -> None:
    bundled_alexa = (await asyncio.to_thread(find_package_models))["alexa"].file
    about = json.loads(await asyncio.to_thread(bundled_alexa.read_text)) | {"model": "stop.tflite", "wake_word": "Stop"}
    await asyncio.to_thread((tmp_path / "stop.json").write_text, json.dumps(about))
    await asyncio.to_thread(shutil.copy, bundled_alexa.with_suffix(".tflite"), tmp_path / "stop.tflite")
    uri = (await daemon("wake", "--custom-model-dir", str(tmp_path), "--model", "stop", "--model", "okay_nabu")).uri
    (program,) = (await describe(uri)).wake
    assert [(model.name, model.phrase) for model in program.models] == [("stop", "stop"), ("okay_nabu", "okay nabu")]
    assert names(await answers(await peer(uri), start(), *chunks(recordings["woww_alexa"]))) == ["stop"]


async def test_a_stream_that_changes_its_rate_goes_on(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]
) -> None:
    pcm = recordings["woww_alexa"]
    phone = AudioFormat(48_000, 2, 1)
    converter = Converter(SPEECH, phone)
    again = converter.convert(pcm) + converter.finish()
    events = [start(), *chunks(pcm), *chunks(again, phone.bytes_in(0.02), phone)]
    assert names(await answers(await peer((await daemon("wake")).uri), *events)) == ["alexa", "alexa"]


async def test_a_burst_of_audio_loses_nothing(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, bytes]
) -> None:
    minute = recordings["woww_alexa"] * 12
    received = await answers(await peer((await daemon("wake")).uri), start(), *chunks(minute, SPEECH.bytes_in(1)))
    assert names(received) == ["alexa"] * 12
