"""Info of each daemon, read with the wyoming package's client and evaluated as Home Assistant does."""

import asyncio

import pytest
from wyoming.client import AsyncClient
from wyoming.info import Artifact, Describe, Info

from tests.conftest import StartDaemon
from tests.daemons import Daemon

DEVICES = {"satellite": ("--mic-command", "sleep 600", "--snd-command", "cat")}
SERVICES = ("wake", "asr", "tts", "intent")


async def info_of(daemon: Daemon) -> Info:
    async with asyncio.timeout(60), AsyncClient.from_uri(daemon.uri) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
    assert event is not None
    return Info.from_event(event)


def is_complete(artifact: Artifact) -> bool:
    credit = artifact.attribution
    return bool(
        artifact.installed
        and artifact.name
        and artifact.description
        and artifact.version
        and credit.name
        and credit.url
    )


@pytest.mark.long
@pytest.mark.parametrize("role", SERVICES)
async def test_a_service_is_one_installed_program_with_languages(daemon: StartDaemon, role: str) -> None:
    info = await info_of(await daemon(role))
    programs = getattr(info, role)
    assert len(programs) == 1
    assert is_complete(programs[0])
    models = programs[0].voices if role == "tts" else programs[0].models
    assert models
    assert all(is_complete(model) for model in models)
    assert all(model.languages for model in models)
    others = {"wake", "asr", "tts", "mic", "snd"} - {role}
    assert not any(getattr(info, other) for other in others)
    assert info.satellite is None


async def test_an_intent_daemon_that_acts_says_that_it_controls_the_home(daemon: StartDaemon) -> None:
    acting, asking = await daemon("intent"), await daemon("intent", "--actor", "none")
    handle = (await info_of(acting)).handle
    assert [program.supports_home_control for program in handle] == [True]
    assert (await info_of(asking)).handle == []


async def test_wake_words_have_phrases_and_asr_hears_the_end_of_speech_itself(daemon: StartDaemon) -> None:
    wake, asr = await asyncio.gather(daemon("wake"), daemon("asr"))
    assert all(model.phrase for model in (await info_of(wake)).wake[0].models)
    assert not (await info_of(asr)).asr[0].requires_external_vad


async def test_a_streaming_voice_says_so(daemon: StartDaemon) -> None:
    assert (await info_of(await daemon("tts"))).tts[0].supports_synthesize_streaming


async def test_a_satellite_is_installed_has_its_area_and_its_wake_words(daemon: StartDaemon) -> None:
    flags = ("--name", "kitchen", "--area", "Kitchen", *DEVICES["satellite"])
    info = await info_of(await daemon("satellite", *flags))
    assert info.satellite is not None
    assert is_complete(info.satellite)
    assert (info.satellite.name, info.satellite.area) == ("kitchen", "Kitchen")
    assert info.satellite.active_wake_words == ["okay_nabu"]
    assert [program.installed for program in info.wake] == [True]


async def test_vad_describes_itself_under_a_key_that_other_readers_skip(daemon: StartDaemon) -> None:
    one = await daemon("vad")
    assert not any([(info := await info_of(one)).asr, info.tts, info.wake, info.intent, info.handle])
    async with AsyncClient.from_uri(one.uri) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
    assert event is not None
    (program,) = event.data["vad"]
    assert program["installed"]
    assert program["attribution"]["url"]
    assert program["models"][0]["languages"]
