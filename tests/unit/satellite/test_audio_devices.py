"""Microphones, speakers and their settings, without a sound card."""

import asyncio
import json
import os
import shlex
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, read_wav, write_wav
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.detection import UnknownWakeWordError
from wyoming_rosie_satellite import factory
from wyoming_rosie_satellite.audio.cues import load_cue, load_cues
from wyoming_rosie_satellite.audio.devices.microphones import (
    CommandMicrophone,
    Microphone,
    StdinMicrophone,
    WavMicrophone,
    read_forever,
)
from wyoming_rosie_satellite.audio.devices.speakers import CommandSpeaker, StdoutSpeaker, WavSpeaker
from wyoming_rosie_satellite.audio.microphone_pipeline import MicrophonePipeline
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.messages import Cue

PCM = bytes(range(256)) * 10  # 80 ms
PYTHON = shlex.quote(sys.executable)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def recording(folder: Path) -> Path:
    write_wav(folder / "said.wav", SPEECH, PCM)
    return folder / "said.wav"


async def heard(frames: AsyncGenerator[bytes, None], length: int) -> bytes:
    """Return the first `length` bytes after leading silence."""
    pcm = b""
    async with asyncio.timeout(60), aclosing(frames):
        async for frame in frames:
            pcm += frame if pcm or any(frame) else b""
            if len(pcm) >= length:
                return pcm[:length]
    raise AssertionError("the microphone ended")


async def test_a_recording_is_heard_once_it_may_begin_and_silence_follows(recording: Path) -> None:
    begin = asyncio.Event()
    frames = (await asyncio.to_thread(WavMicrophone, recording, begin)).frames()
    assert not any([any(await anext(frames)) for _ in range(3)])
    begin.set()
    assert await heard(frames, len(PCM) + 640) == PCM + bytes(640)


async def test_other_formats_are_heard_as_speech() -> None:
    stereo = AudioFormat(16_000, 2, 2)
    said = await asyncio.to_thread(CommandMicrophone, f"{PYTHON} -c 'print(\"abcd\" * 320)'", stereo, 160)
    averaged = (int.from_bytes(b"ab", "little") + int.from_bytes(b"cd", "little")) // 2
    assert await heard(read_forever(MicrophonePipeline(said)), 320) == averaged.to_bytes(2, "little") * 160


async def test_a_pipe_on_standard_input_is_heard_as_it_comes() -> None:
    reading, writing = os.pipe()
    os.write(writing, PCM)
    os.close(writing)
    try:
        assert await heard(
            StdinMicrophone(SPEECH, asyncio.Event(), fd=reading).frames(), len(PCM) + 640
        ) == PCM + bytes(640)
    finally:
        os.close(reading)


async def test_a_file_on_standard_input_waits_for_its_beginning(folder: Path) -> None:
    (folder / "raw").write_bytes(PCM)
    begin = asyncio.Event()
    with (folder / "raw").open("rb") as file:
        frames = StdinMicrophone(SPEECH, begin, fd=file.fileno()).frames()
        assert not any(await anext(frames))
        begin.set()
        assert await heard(frames, len(PCM)) == PCM


async def test_a_command_is_heard() -> None:
    said = await asyncio.to_thread(CommandMicrophone, f"{PYTHON} -c 'print(\"ab\" * 160)'", SPEECH, 160)
    assert await heard(said.frames(), 320) == b"ab" * 160


async def test_a_command_that_ends_is_a_device_that_is_gone() -> None:
    frames = (await asyncio.to_thread(CommandMicrophone, f"{PYTHON} -c 'raise SystemExit(3)'", SPEECH, 160)).frames()
    with pytest.raises(DeviceError, match="ended with status 3"):
        await anext(frames)


class FlakyMicrophone(Microphone):
    """Is unplugged after each frame."""

    format = SPEECH
    tries = 0

    async def frames(self) -> AsyncGenerator[bytes, None]:
        self.tries += 1
        yield bytes([self.tries, 0]) * 320
        raise DeviceError("the microphone is unplugged")


async def test_a_microphone_that_is_gone_is_tried_again() -> None:
    assert await heard(read_forever(FlakyMicrophone()), 1280) == b"\x01\x00" * 320 + b"\x02\x00" * 320


async def test_a_wav_file_holds_what_was_played(folder: Path) -> None:
    speaker = WavSpeaker(folder / "reply.wav", AudioFormat(8000, 2, 1))
    await speaker.play(PCM)
    await speaker.drain()
    await speaker.play(PCM)
    await speaker.close()
    assert await asyncio.to_thread(read_wav, folder / "reply.wav") == (AudioFormat(8000, 2, 1), PCM + PCM)


async def test_playing_takes_as_long_as_the_sound(folder: Path) -> None:
    speaker = WavSpeaker(folder / "reply.wav", SPEECH)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for _ in range(5):
        await speaker.play(bytes(SPEECH.bytes_in(0.1)))
    await speaker.drain()
    assert loop.time() - begun > 0.49
    await speaker.close()


async def test_standard_output_gets_the_samples_and_nothing_else() -> None:
    reading, writing = os.pipe()
    speaker = StdoutSpeaker(SPEECH, fd=writing)
    await speaker.play(PCM)
    await speaker.drain()
    await speaker.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert await asyncio.to_thread(pipe.read) == PCM


async def test_a_command_plays_each_sound_and_ends_with_it(folder: Path) -> None:
    speaker = await asyncio.to_thread(
        CommandSpeaker, f"sh -c 'cat >> {shlex.quote(str(folder / 'played'))}; echo >> {folder}/ends'", SPEECH
    )
    for _ in range(2):
        await speaker.play(PCM)
        await speaker.drain()
    assert (folder / "played").read_bytes() == PCM + PCM
    assert (folder / "ends").read_text() == "\n\n"


async def test_a_command_that_cannot_play_is_a_device_that_failed() -> None:
    speaker = await asyncio.to_thread(CommandSpeaker, "false", SPEECH)
    with pytest.raises((DeviceError, ConnectionError), match=r"false|pipe|reset"):
        await speaker.play(PCM)
        await speaker.drain()


async def test_a_command_may_want_its_samples_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "pieces"
    reader = f"import os; pieces = list(iter(lambda: os.read(0, 4096), b'')); open({str(file)!r}, 'w').write(str(list(map(len, pieces))))"
    command = shlex.join([sys.executable, "-c", reader])
    speaker = await asyncio.to_thread(CommandSpeaker, command, SPEECH, 500)
    for _ in range(4):
        await speaker.play(bytes(600))
        await asyncio.sleep(0.1)
    await speaker.drain()
    sizes = json.loads(await asyncio.to_thread(file.read_text))
    assert sum(sizes) == 2400
    assert all(size % 1000 == 0 for size in sizes[:-1])


async def test_a_silenced_command_is_ended_at_once() -> None:
    speaker = await asyncio.to_thread(CommandSpeaker, "sleep 3600", SPEECH)
    await speaker.play(PCM)
    async with asyncio.timeout(60):
        await speaker.stop()


@pytest.mark.parametrize("cue", Cue)
def test_each_chime_is_a_soft_sound_in_the_speakers_format(cue: Cue) -> None:
    for audio in (SPEECH, AudioFormat(22_050, 2, 1), AudioFormat(48_000, 4, 2)):
        pcm = load_cue(cue, None, audio)
        assert 0.5 < audio.seconds(len(pcm)) < 1.5
        assert len(pcm) % audio.frame_bytes == 0
    samples = memoryview(load_cue(cue, None, SPEECH)).cast("h")
    assert 3000 < max(samples) < 16_000


def test_it_listens_without_a_sound_unless_one_is_named(recording: Path) -> None:
    own = {Cue.TIMER, Cue.NOTHING, Cue.MUTE, Cue.UNMUTE}
    assert load_cues(SatelliteConfig()).keys() == own
    named = load_cues(SatelliteConfig(awake_wav=Path("chime"), done_wav=recording, snd_command_rate=16_000))
    assert named.keys() == own | {Cue.AWAKE, Cue.DONE}
    assert named[Cue.DONE] == PCM


def test_the_timers_sound_is_repeated_as_wyoming_satellite_is_told() -> None:
    habits = factory.create_options(SatelliteConfig(timer_finished_wav_repeat=(3, 0.75)))
    assert (habits.timer_rings, habits.timer_ring_pause_seconds) == (3, 0.75)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (SatelliteConfig(mic="wav:/nowhere.wav"), "cannot read /nowhere.wav"),
        (SatelliteConfig(mic_command="no-such-recorder -x"), "no program 'no-such-recorder'"),
        (SatelliteConfig(mic_command="'"), "not a command line"),
        (SatelliteConfig(mic_command="cat", mic_command_rate=0), "--mic-command-rate must be"),
        (SatelliteConfig(mic="stdin", uri="stdio://"), "--mic stdin and --uri stdio://"),
    ],
    ids=["no file", "no program", "half a quote", "no rate", "stdin twice"],
)
async def test_a_microphone_that_cannot_be_had_is_refused_with_a_sentence(
    settings: SatelliteConfig, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        await asyncio.to_thread(factory.create_microphone, settings, asyncio.Event())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (SatelliteConfig(snd="wav:/nowhere/reply.wav"), "cannot write /nowhere/reply.wav"),
        (SatelliteConfig(snd_command="no-such-player"), "no program 'no-such-player'"),
        (SatelliteConfig(snd="stdout", uri="stdio://"), "--snd stdout and --uri stdio://"),
    ],
    ids=["no folder", "no program", "stdout twice"],
)
async def test_a_speaker_that_cannot_be_had_is_refused_with_a_sentence(
    settings: SatelliteConfig, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        await asyncio.to_thread(factory.create_speaker, settings)


def test_unknown_wake_word_is_refused_with_the_list() -> None:
    with pytest.raises(UnknownWakeWordError, match=r"snowboy.*okay_nabu"):
        factory.create_detector(SatelliteConfig(wake_word_name=("snowboy",)), lambda _: None)
