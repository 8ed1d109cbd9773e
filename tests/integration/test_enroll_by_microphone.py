"""`wyoming-rosie enroll` on a sound server: somebody reads in the room, and a recording that is played there has the same name."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.daemons import command
from tests.integration.sound_server import RECORDED, ROOM, SoundServer, missing_programs
from tests.integration.test_speakers import ENROLLED
from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav, write_wav
from wyoming_rosie.audio.speakers.engine import load_engine
from wyoming_rosie.audio.speakers.identification import VoiceIndex, embed_speech
from wyoming_rosie.audio.speakers.store import SpeakerStore
from wyoming_rosie.commands.enroll import SENTENCES
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.recording import find_segments

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        bool(missing_programs()), reason=f"apt install pulseaudio pulseaudio-utils: {missing_programs()}"
    ),
]
PROMPT = re.compile(r"(\d) of 5, read aloud: (.*)")
READING_PAUSE_SECONDS = 2.0
"""Time from the prompt to the first word, in which a busy machine opens the microphone."""


def prepare(recording: Path, folder: Path) -> Path:
    """Return a recording after a pause."""
    prepared = folder / recording.name
    write_wav(prepared, SPEECH, bytes(SPEECH.bytes_in(READING_PAUSE_SECONDS)) + read_wav(recording)[1])
    return prepared


async def read_aloud(server: SoundServer, output: asyncio.StreamReader, clips: list[Path]) -> list[str]:
    """Read at each prompt, at first too short a word; return all that the command says."""
    lines: list[str] = []
    async for line in output:
        lines.append(line.decode().strip())
        if prompt := PROMPT.match(lines[-1]):
            assert prompt[2] in SENTENCES["en"]
            await server.play(clips[int(prompt[1])] if len(lines) > 2 else clips[0])
    return lines


def name_of(pcm: bytes, folder: Path) -> str | None:
    """Return whom the house takes the voice for."""
    engine = load_engine("mfcc-gmm", folder)
    converter = Converter(RECORDED, SPEECH)
    heard = converter.convert(pcm) + converter.finish()
    sample = embed_speech(engine, heard, find_segments(silero.load(silero.Settings()), heard))
    speaker = None if sample is None else VoiceIndex(engine, SpeakerStore(folder).load()).identify(sample)
    return None if speaker is None else speaker.person


async def test_somebody_reads_five_sentences_and_a_recording_passes_for_the_person(
    tmp_path: Path, shared_data: Path
) -> None:
    recordings = shared_data / "commands-en"
    clips = [await asyncio.to_thread(prepare, recordings / f"{name}.wav", tmp_path) for name in ("next", *ENROLLED)]
    voices, played = tmp_path / "voices", tmp_path / "played"
    server = SoundServer(tmp_path)
    async with server.run():
        process = await asyncio.create_subprocess_exec(
            command("wyoming-rosie"), "enroll", "Ada", "--mic", "pulse", "--engine", "mfcc-gmm", "--language", "en",
            "--folder", str(voices), env=os.environ | server.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        lines = await read_aloud(server, process.stdout, clips)
        assert await process.wait() == 0, lines
        async with server.recorded(played, ROOM):
            await server.play(clips[1])
    assert "5 sentences, from where you usually speak" in lines[0]
    assert "it is too short; say the whole sentence" in lines[2]
    assert lines[2].endswith("; once more")
    assert re.match(r"good \(\d\.\d s of speech at -\d+ dBFS\)", lines[4]), lines
    assert "Ada is enrolled with 5 sentences" in lines[-1]
    assert (
        await asyncio.to_thread(lambda: name_of(played.read_bytes()[: -(played.stat().st_size % 2) or None], voices))
        == "Ada"
    )
