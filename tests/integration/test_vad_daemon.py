"""The installed wyoming-rosie-vad as a process, over loopback, on recorded and on synthetic speech."""

import asyncio
import os
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.vad import VoiceStarted, VoiceStopped

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command, describe
from tests.integration.vad_clips import (
    LABELS,
    Clip,
    Samples,
    energetic,
    hiss,
    pcm_of,
    read,
    synthetic,
    with_hiss,
    with_noise,
)
from tests.waiting import cpu_seconds_until_idle
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.endpointing import Completeness, EndpointDecision, Endpointer, EndpointingRules
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream
from wyoming_rosie.voice_activity.stream import process_batch as hear_together

FRAME_MS = 32
TYPICAL_MS = 2 * FRAME_MS
"""Half of all edges must be this close: a frame for the grid that the model works on, one for the model to notice."""
SEEN_MS = 60
"""The same for what was labelled by eye."""
SYLLABLE_MS = 250
"""And all of them this close: no edge may miss a syllable or take in another."""
LOUD_DB = 10
"""Noise so close to the speech hides its softest sounds and adds some of its own: the limits are twice as wide."""
SENTENCES = [
    "turn on the kitchen lights",
    "stop",
    "what time is it",
    "set a timer for five minutes",
    "forty two percent",
]
VOICES = ["en-US", "en-GB", "en-GB-scotland", "en-US-nyc"]
MUSIC = "commands-en/oov_2"  # ten seconds of a melody with drums, and no voice


@dataclass(frozen=True)
class Heard:
    """What the daemon found in a stream."""

    segments: list[tuple[int, int]]
    classes: list[str]


async def hear(
    peer: Client, pcm: bytes, audio: AudioFormat = SPEECH, chunk_seconds: float = 0.08, pace: float = 0
) -> Heard:
    """Stream audio, `pace` times slower than it could be; return what is found."""
    form = {"rate": audio.rate, "width": audio.width, "channels": audio.channels}
    step = audio.bytes_in(chunk_seconds)

    async def speak() -> None:
        await peer.send(Event("user-event", {"name": "turn", "context": {"turn_id": "t1"}}))
        await peer.send(Event("audio-start", form))
        for at in range(0, len(pcm), step):
            await peer.send(Event("audio-chunk", form, pcm[at : at + step]))
            await asyncio.sleep(pace * chunk_seconds)
        await peer.send(Event("audio-stop"))

    speaking = asyncio.create_task(speak())
    found = await listen(peer)
    await speaking
    return found


async def listen(peer: Client) -> Heard:
    edges: list[int] = []
    classes: list[str] = []
    while True:
        event = await peer.wait_for("voice-started", "voice-stopped", "user-event", seconds=60)
        if event.type != "user-event":
            assert event.type == ("voice-stopped" if len(edges) % 2 else "voice-started")
            edges.append(event.data["timestamp"])
            continue
        assert event.data["context"]["turn_id"] == "t1"
        classes.append(event.data["data"]["class"])
        if event.data["data"].get("final"):
            return Heard(list(zip(edges[::2], edges[1::2], strict=True)), classes)


@pytest.fixture(scope="session")
def recordings(shared_data: Path) -> dict[str, Samples]:
    """Every recording by folder and name, as 16 kHz mono."""
    return {f"{path.parent.name}/{path.stem}": read(path) for path in sorted(shared_data.glob("*/*.wav"))}


def of_folder(recordings: dict[str, Samples], *folders: str) -> dict[str, Samples]:
    """Return the recordings of some folders that hold a voice."""
    return {name: samples for name, samples in recordings.items() if name.split("/")[0] in folders and name != MUSIC}


@pytest.fixture(scope="session")
def synthetic_clips() -> list[Clip]:
    pytest.importorskip("espeakng_loader", reason="the tts extra, whose voice speaks here, is not installed")
    wanted = [(voice, sentence) for voice in VOICES for sentence in SENTENCES]
    return [synthetic(voice, sentence, 500 + 13 * number) for number, (voice, sentence) in enumerate(wanted)]


async def errors(peer: Client, clips: Iterable[Clip], gain: float = 1.0) -> dict[str, tuple[int, int]]:
    """Return how far the first start and the last end of each clip are from where they should be."""
    found = {clip: (await hear(peer, pcm_of(gain * clip.samples))).segments for clip in clips}
    assert [clip.name for clip, segments in found.items() if not segments] == []
    return {clip.name: (one[0][0] - clip.start, one[-1][1] - clip.end) for clip, one in found.items()}


def typical(values: Iterable[int]) -> float:
    return statistics.median(map(abs, values))


def check_edges(found: dict[str, tuple[int, int]], tolerance: int = 1) -> None:
    starts, ends = zip(*found.values(), strict=True)
    assert typical(starts) <= tolerance * TYPICAL_MS, found
    assert typical(ends) <= tolerance * TYPICAL_MS, found
    assert max(map(abs, (*starts, *ends))) <= tolerance * SYLLABLE_MS, found


@pytest.mark.parametrize(
    ("gain", "decibels"), [(0, 99), (-30, 40), (0, 20), (0, LOUD_DB)], ids=["clean", "soft", "hiss", "loud hiss"]
)
async def test_the_edges_of_speech_are_where_they_were_made(
    daemon: StartDaemon, peer: OpenPeer, synthetic_clips: list[Clip], gain: int, decibels: int
) -> None:
    noisy = [with_hiss(clip, decibels) for clip in synthetic_clips]
    found = await errors(await peer((await daemon("vad")).uri), noisy, 10 ** (gain / 20))
    check_edges(found, tolerance=2 if decibels <= LOUD_DB else 1)


async def test_speech_over_a_recorded_noise_has_its_edges(
    daemon: StartDaemon, peer: OpenPeer, synthetic_clips: list[Clip], recordings: dict[str, Samples]
) -> None:
    noisy = [with_noise(clip, recordings["noise/background_noise"], LOUD_DB) for clip in synthetic_clips]
    check_edges(await errors(await peer((await daemon("vad")).uri), noisy), tolerance=2)


@pytest.mark.parametrize("voice", VOICES)
def test_a_word_is_over_half_a_second_after_it_when_it_is_a_whole_command(voice: str) -> None:
    pytest.importorskip("espeakng_loader", reason="the tts extra, whose voice speaks here, is not installed")
    clip = with_hiss(synthetic(voice, "stop", 700), 30)
    assert clip.end - clip.start < 700
    engine = silero.load(silero.Settings())
    stream, end = VadStream(engine, SegmenterRules()), Endpointer(EndpointingRules())
    verdicts: dict[EndpointDecision, int] = {}
    for number, frame in enumerate(frames_of(pcm_of(clip.samples), engine.frame_bytes), 1):
        (edges,) = hear_together(engine, [(stream, frame)])
        for edge in edges:
            match edge:
                case SpeechStart(at):
                    end.on_speech_start(at)
                case SpeechStop(at):
                    end.on_speech_stop(at)
        for verdict in end.advance(number * FRAME_MS):
            verdicts.setdefault(verdict, number * FRAME_MS)
            end.set_completeness(Completeness.COMPLETE)
    assert list(verdicts) == [EndpointDecision.PERHAPS, EndpointDecision.DONE]
    assert verdicts[EndpointDecision.DONE] - clip.start < 1500


def frames_of(pcm: bytes, frame_bytes: int) -> list[bytes]:
    return [pcm[at : at + frame_bytes] for at in range(0, len(pcm) - frame_bytes + 1, frame_bytes)]


@pytest.mark.parametrize("folder", ["commands-en-tts", "wake"])
async def test_the_edges_of_recorded_speech_are_where_its_energy_is(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, Samples], folder: str
) -> None:
    clips = [energetic(name, samples) for name, samples in of_folder(recordings, folder).items()]
    found = await errors(await peer((await daemon("vad")).uri), clips)
    starts, ends = zip(*found.values(), strict=True)
    assert typical(starts) <= TYPICAL_MS, found
    assert typical(ends) <= TYPICAL_MS, found


async def test_the_edges_of_recorded_speech_are_where_they_can_be_seen(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, Samples]
) -> None:
    clips = [Clip(name, recordings[name], *edges) for name, edges in LABELS.items()]
    found = await errors(await peer((await daemon("vad")).uri), clips)
    starts, ends = zip(*found.values(), strict=True)
    assert typical(starts) < SEEN_MS, found
    assert typical(ends) < SEEN_MS, found
    assert max(map(abs, (*starts, *ends))) <= SYLLABLE_MS, found


async def test_recorded_commands_are_speech_and_the_chime_before_them_is_not(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, Samples]
) -> None:
    client = await peer((await daemon("vad")).uri)
    for name, samples in of_folder(recordings, "commands-en").items():
        found = await hear(client, pcm_of(samples))
        assert found.classes[-1] == "speech", name
        assert found.segments[0][0] > 300, name  # every recording begins with a chime of 0.3 s


async def test_nearly_all_recorded_voices_are_found_when_they_are_30_db_softer(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, Samples]
) -> None:
    client = await peer((await daemon("vad")).uri)
    voices = of_folder(recordings, "commands-en", "commands-en-tts", "wake", "asr")
    heard = {name: await hear(client, pcm_of(samples * 10 ** (-30 / 20))) for name, samples in voices.items()}
    missed = [name for name, found in heard.items() if not found.segments]
    assert len(missed) <= 0.1 * len(voices), missed


@pytest.mark.long
@pytest.mark.parametrize("decibels", [0, -20])
@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("vad/silence", "silence"),
        ("noise/background_noise", "noise"),
        ("noise/oww_activation_chime", "noise"),
        (MUSIC, "noise"),
    ],
)
async def test_what_is_no_voice_starts_none(
    daemon: StartDaemon, peer: OpenPeer, recordings: dict[str, Samples], name: str, sound: str, decibels: int
) -> None:
    client = await peer((await daemon("vad", "--speech.silence-dbfs", str(-45.0 + decibels))).uri)
    found = await hear(client, pcm_of(recordings[name] * 10 ** (decibels / 20)))
    assert (found.segments, found.classes[-1]) == ([], sound)


async def test_neither_the_pace_nor_the_size_of_the_chunks_changes_an_answer(
    daemon: StartDaemon, peer: OpenPeer, synthetic_clips: list[Clip]
) -> None:
    client = await peer((await daemon("vad")).uri)
    pcm = pcm_of(with_hiss(synthetic_clips[0], 20).samples)
    at_once = await hear(client, pcm, chunk_seconds=30)
    assert len(at_once.segments) == 1
    assert await hear(client, pcm, chunk_seconds=0.01, pace=1) == at_once


async def test_another_format_gives_the_same_edges(
    daemon: StartDaemon, peer: OpenPeer, synthetic_clips: list[Clip]
) -> None:
    client = await peer((await daemon("vad")).uri)
    for audio in (AudioFormat(48_000, 2, 2), AudioFormat(44_100, 3, 6)):
        converter = Converter(SPEECH, audio)
        pcm = converter.convert(pcm_of(synthetic_clips[0].samples)) + converter.finish()
        ((start, end),) = (await hear(client, pcm, audio)).segments
        assert abs(start - synthetic_clips[0].start) <= TYPICAL_MS
        assert abs(end - synthetic_clips[0].end) <= TYPICAL_MS


async def test_the_wyoming_packages_client_is_served(daemon: StartDaemon, synthetic_clips: list[Clip]) -> None:
    pcm = pcm_of(synthetic_clips[0].samples)
    found: list[Event] = []
    async with AsyncClient.from_uri((await daemon("vad")).uri) as client:
        await client.write_event(Describe().event())
        await client.write_event(AudioStart(16_000, 2, 1).event())
        for at in range(0, len(pcm), 2048):
            await client.write_event(AudioChunk(16_000, 2, 1, pcm[at : at + 2048], timestamp=at // 32 + 5000).event())
        await client.write_event(AudioStop().event())
        while not (found and found[-1].data.get("data", {}).get("final")):
            event = await client.read_event()
            assert event is not None
            found.append(event)
    assert Info.from_event(found[0]).asr == []
    (started,) = [VoiceStarted.from_event(event).timestamp for event in found if VoiceStarted.is_type(event.type)]
    (stopped,) = [VoiceStopped.from_event(event).timestamp for event in found if VoiceStopped.is_type(event.type)]
    assert started is not None
    assert stopped is not None
    assert abs(started - 5000 - synthetic_clips[0].start) <= TYPICAL_MS
    assert abs(stopped - 5000 - synthetic_clips[0].end) <= TYPICAL_MS


async def test_describe_names_the_program_under_a_key_that_readers_skip(daemon: StartDaemon, peer: OpenPeer) -> None:
    running = await daemon("vad")
    client = await peer(running.uri)
    await client.send(Describe().event())
    data = (await client.wait_for("info", seconds=60)).data
    (program,) = data["vad"]
    for artifact in (program, *program["models"]):
        assert artifact["installed"]
        assert artifact["version"]
        assert {"name", "url"} <= artifact["attribution"].keys()
    assert program["models"][0]["languages"]
    assert await describe(running.uri) == Info()


async def test_describe_is_answered_while_streams_flood_the_engine(
    daemon: StartDaemon, synthetic_clips: list[Clip]
) -> None:
    uri = (await daemon("vad")).uri
    pcm = pcm_of(np.tile(with_hiss(synthetic_clips[0], 20).samples, 5))

    async def flood() -> Heard:
        async with connect(uri) as client:
            return await hear(client, pcm, chunk_seconds=1)

    floods = [asyncio.create_task(flood()) for _ in range(4)]
    answered = 0
    while not any(task.done() for task in floods):
        await describe(uri)
        answered += 1
    assert answered > 10
    assert len({str(found) for found in await asyncio.gather(*floods)}) == 1


async def test_a_peer_that_leaves_drops_its_work(daemon: StartDaemon, peer: OpenPeer) -> None:
    running = await daemon("vad")
    client = await peer(running.uri)
    form: dict[str, Any] = {"rate": 16_000, "width": 2, "channels": 1}
    chunk = Event("audio-chunk", form, pcm_of(hiss()[:80_000] * 5))
    process = psutil.Process(running.process.pid)
    async with connect(running.uri) as patient:
        before = process.cpu_times().user
        for event in (Event("audio-start", form), chunk, Event("audio-stop")):
            await patient.send(event)
        while not (await patient.wait_for("user-event", seconds=60)).data["data"].get("final"):
            pass
        for_one = process.cpu_times().user - before
    await client.send(Event("audio-start", form))
    for _ in range(20):
        await client.send(chunk)
    client._stream.abort()
    assert await cpu_seconds_until_idle(process) < 10 * max(for_one, 0.02)  # the kernel counts in steps of 0.01


@pytest.mark.parametrize(
    ("arguments", "reason", "status"),
    [
        (["--speech.stop-threshold", "0.9"], "stop-threshold", 1),
        (["--silero.aggressiveness", "7"], "from 0 to 3", 2),
    ],
)
async def test_a_setting_that_cannot_be_ends_the_program_with_one_line(
    arguments: list[str], reason: str, status: int
) -> None:
    assert reason in await complaint(arguments, {}, status)


async def test_a_gate_that_cannot_be_imported_is_loud(tmp_path: Path) -> None:
    (tmp_path / "webrtcvad.py").write_text("import pkg_resources_that_is_gone\n")
    assert "webrtcvad-wheels" in await complaint([], {"PYTHONPATH": str(tmp_path)})


async def complaint(arguments: list[str], environment: dict[str, str], status: int = 1) -> str:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-vad"), *arguments, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == status
    assert stderr.decode().count("\n") == 1
    return stderr.decode()
