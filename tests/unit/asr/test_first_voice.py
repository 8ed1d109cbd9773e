"""Utterances of which the first voice alone decides on the end: another one goes on speaking."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.unit.asr.fakes import CountingEngine, FakeClient, silence
from tests.unit.shared.voices import HIGH, LOW, PitchEngine, talk
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.voice_activity.endpointing import SPEECH_BOUNDARIES, EndpointingRules
from wyoming_rosie_asr.speaker_identifier import SpeakerIdentifier, SpeakerSettings

RULES = EndpointingRules(200, 300, 500, 900, 2000)
STEP = SPEECH.bytes_in(0.1)
COMMAND_MS, OTHER_MS = 1800, 3500
LOUD = 20_000.0


class TwoTalkers:
    """A client in whose room another voice goes on after the command, and the identifier of its daemon."""

    def __init__(self, folder: Path, *, first_voice_only: bool) -> None:
        settings = SpeakerSettings(folder=folder, first_voice_only=first_voice_only)
        self.identifier = SpeakerIdentifier(settings, folder, folder, load=lambda _choice, _data: PitchEngine())
        self.engine = CountingEngine()
        self.engine.write = lambda audio: str(audio.segments[-1][1])
        self.client = FakeClient(self.engine, speakers=self.identifier, endpointing=RULES, max_seconds=30.0)

    async def speak(self, pcm: bytes) -> None:
        """Send audio at the pace of speech, as only a live stream is ended by its silence."""
        await self.client.start()
        for at in range(0, len(pcm), STEP):
            await self.client.stream(pcm[at : at + STEP])
            await asyncio.sleep(0.09)

    async def close(self) -> None:
        await self.client.close()
        self.identifier.close()


@pytest.fixture
def talkers(tmp_path: Path) -> Any:
    return lambda only: TwoTalkers(tmp_path, first_voice_only=only)


@pytest.mark.parametrize("only", [True, False], ids=["first voice only", "all voices"])
async def test_the_first_voice_alone_ends_its_command(talkers: Any, only: bool) -> None:
    one = talkers(only)
    await one.speak(talk(LOW, COMMAND_MS, LOUD) + talk(HIGH, OTHER_MS, LOUD))
    assert [abs(int(text) - COMMAND_MS) < 500 for text in one.client.texts] == ([True] if only else [])
    await one.close()


async def test_a_long_command_of_one_voice_is_heard_to_its_end(talkers: Any) -> None:
    one = talkers(True)
    await one.speak(talk(LOW, COMMAND_MS + OTHER_MS, LOUD) + silence(1.2))
    await one.client.wait_for("transcript")
    assert int(one.client.texts[0]) > COMMAND_MS + OTHER_MS - 200
    await one.close()


async def test_a_conductor_is_told_where_the_command_ended(talkers: Any) -> None:
    one = talkers(True)
    await one.client.send("transcribe", context={SPEECH_BOUNDARIES: True})
    await one.client.start()
    await one.client.send("voice-started", timestamp=0)
    pcm = talk(LOW, COMMAND_MS, LOUD) + talk(HIGH, OTHER_MS, LOUD)
    for at in range(0, len(pcm), STEP):
        await one.client.send("audio-chunk", pcm[at : at + STEP], rate=16_000, width=2, channels=1)
        await asyncio.sleep(0.09)
    told = [event.data["timestamp"] for event in one.client.received if event.type == "voice-stopped"]
    assert len(told) == 1
    assert abs(told[0] - COMMAND_MS) < 500
    assert not one.client.texts, "the conductor decides"
    await one.close()
