"""Music under speech."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.satellite.fakes import BrokenSpeaker, NowaitRecordingSpeaker, RecordingSpeaker
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie_satellite.audio.music_mixer import MAX_BUFFERED_SECONDS, DuckingGroup, MusicMixer, mix

MUSIC = b"\x10\x10" * SPEECH.rate
VOICE = b"\x01\x01" * 800


@asynccontextmanager
async def running(mixer: MusicMixer) -> AsyncIterator[None]:
    task = asyncio.create_task(mixer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@given(st.lists(st.integers(-32_768, 32_767), max_size=30), st.lists(st.integers(-32_768, 32_767), max_size=40))
def test_a_mix_is_the_clipped_sum_and_as_long_as_its_first_part(first: list[int], second: list[int]) -> None:
    second = second[: len(first)]
    mixed = mix(np.array(first, "<i2").tobytes(), np.array(second, "<i2").tobytes(), SPEECH)
    padded = second + [0] * (len(first) - len(second))
    expected = [min(max(a + b, -32_768), 32_767) for a, b in zip(first, padded, strict=True)]
    assert list(np.frombuffer(mixed, "<i2")) == expected


def test_samples_of_three_bytes_are_mixed() -> None:
    wide = AudioFormat(16_000, 3, 1)
    assert mix(b"\x01\x00\x00" * 2, b"\x02\x00\x00", wide) == b"\x03\x00\x00\x01\x00\x00"


async def test_music_is_played_when_nothing_else_is() -> None:
    speaker = RecordingSpeaker()
    mixer = MusicMixer(speaker)
    async with running(mixer):
        await mixer.queue_music(MUSIC)
        await asyncio.wait_for(mixer.drain_music(), 60)
    assert speaker.played == MUSIC


async def test_music_goes_on_more_softly_under_speech() -> None:
    speaker = RecordingSpeaker()
    mixer = MusicMixer(speaker)
    mixer.set_active(active=True)
    await mixer.queue_music(MUSIC)
    await mixer.play(VOICE)
    await mixer.play(VOICE)
    levels = np.frombuffer(speaker.played[len(VOICE) :], "<i2") - 0x0101
    assert 0 < levels.max() <= 0x1010 * 0.1
    async with running(mixer):
        await asyncio.sleep(0)
        assert len(speaker.played) == 2 * len(VOICE)  # speech is not over
        await mixer.drain()
        mixer.set_active(active=False)
        await asyncio.wait_for(mixer.drain_music(), 60)
    assert np.frombuffer(speaker.played, "<i2")[-1] == 0x1010


async def test_paused_music_is_neither_played_nor_mixed() -> None:
    speaker = RecordingSpeaker()
    mixer = MusicMixer(speaker)
    mixer.pause_music(paused=True)
    await mixer.queue_music(MUSIC)
    async with running(mixer):
        await mixer.play(VOICE)
        await mixer.drain()
        assert speaker.played == VOICE
        mixer.pause_music(paused=False)
        await asyncio.wait_for(mixer.drain_music(), 60)
    assert speaker.played == VOICE + MUSIC


async def test_more_music_than_fits_has_to_wait() -> None:
    mixer = MusicMixer(RecordingSpeaker())
    waiting = asyncio.create_task(fill(mixer))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert SPEECH.seconds(mixer._music_bytes) <= MAX_BUFFERED_SECONDS + 1
    waiting.cancel()
    await asyncio.wait([waiting])
    mixer.clear_music()
    await asyncio.wait_for(mixer.queue_music(VOICE), 60)


async def fill(mixer: MusicMixer) -> None:
    while True:
        await mixer.queue_music(MUSIC)


async def test_a_broken_speaker_ends_the_music_and_not_the_mixer() -> None:
    speaker = BrokenSpeaker()
    mixer = MusicMixer(speaker)
    async with running(mixer):
        await mixer.queue_music(MUSIC)
        await wait_until(lambda: not mixer._music)
        speaker.broken = False
        await mixer.queue_music(VOICE)
        await wait_until(lambda: speaker.played == VOICE)


async def test_speech_is_played_without_a_wait_unless_there_is_music() -> None:
    speaker = NowaitRecordingSpeaker()
    mixer = MusicMixer(speaker)
    assert mixer.play_nowait(VOICE)
    await mixer.queue_music(MUSIC)
    assert not mixer.play_nowait(VOICE)
    assert not MusicMixer(RecordingSpeaker()).play_nowait(VOICE)
    await mixer.stop()
    await mixer.close()
    assert (speaker.stopped, speaker.closed) == (1, True)


async def test_a_group_ducks_all_of_its_members() -> None:
    first, second = MusicMixer(RecordingSpeaker()), MusicMixer(RecordingSpeaker())
    group = DuckingGroup([first, second])
    group.set_active(active=True)
    assert first._volume.percent == second._volume.percent < 100
    task = asyncio.create_task(group.run())
    await first.queue_music(VOICE)
    await asyncio.wait_for(first.drain_music(), 60)
    task.cancel()
    await asyncio.wait([task])
