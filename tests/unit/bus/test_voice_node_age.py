"""The age of an utterance that a voice node kept."""

import asyncio
import time
from pathlib import Path

import pytest

from wyoming_rosie.bus import schema
from wyoming_rosie.bus.envelope import Envelope, decode
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.memory import MemoryMqtt
from wyoming_rosie.bus.messages import MAX_AUDIO_META_BYTES, MAX_INLINE_BYTES, AudioFormatData, AudioMeta
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.runtime.tasks import run_beside


def leave_behind(folder: Path, kept: Envelope) -> None:
    folder.mkdir()
    (folder / "00000000000000000001.json").write_bytes(kept.encode())


async def sent_by(folder: Path, kept: Envelope) -> list[Envelope]:
    """Return what a node sends: one that begins with an utterance of an earlier run, and then records another."""
    await asyncio.to_thread(leave_behind, folder, kept)
    mqtt, sent = MemoryMqtt(), []

    async def keep(message: MqttMessage) -> None:
        sent.append(decode(message.payload, MAX_AUDIO_META_BYTES))

    mqtt.subscribe("voice/kitchen/audio_meta", keep)
    node = VoiceNode(mqtt, "kitchen", folder)
    async with run_beside(node.run()), asyncio.timeout(60):
        new = await node.send_audio(b"\0\0", AudioFormatData())
        while new not in [one.key for one in sent]:
            await asyncio.sleep(0.01)
    return sent


def kept_at(ts: float) -> Envelope:
    return schema.wrap(AudioMeta(inline="AAAA"), key="kitchen:old:1", source="kitchen", now=ts)


async def test_what_an_earlier_run_kept_has_the_age_that_the_clock_says(tmp_path: Path) -> None:
    old, new = await sent_by(tmp_path / "outbox", kept_at(time.time() - 100))
    assert 100 <= old.data["age"] < 1000
    assert 0 <= new.data["age"] < 100


@pytest.mark.parametrize("ts", [0.0, 1_000_000.0, time.time() + 10_000], ids=["1970", "never set", "ahead"])
async def test_what_nobody_knows_the_age_of_is_given_up(ts: float, tmp_path: Path) -> None:
    (new,) = await sent_by(tmp_path / "outbox", kept_at(ts))
    assert new.key != "kitchen:old:1"
    assert len(list((tmp_path / "outbox").glob("*.json"))) == 1


async def test_audio_that_is_too_large_is_refused_at_once(tmp_path: Path) -> None:
    node = VoiceNode(MemoryMqtt(), "kitchen", tmp_path)
    with pytest.raises(BadMessageError, match="inline audio has"):
        await node.send_audio(bytes(MAX_INLINE_BYTES + 2), AudioFormatData())
    assert await node.count_waiting() == 0
