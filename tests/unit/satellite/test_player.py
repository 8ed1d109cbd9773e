"""The player, on a speaker that records."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.unit.satellite.fakes import BrokenSpeaker, RecordingSpeaker
from wyoming_rosie_satellite.audio.player import MAX_QUEUED_SECONDS, Player


@asynccontextmanager
async def playing(speaker: RecordingSpeaker) -> AsyncIterator[Player]:
    player = Player(speaker)
    task = asyncio.create_task(player.run())
    try:
        yield player
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def test_sounds_are_played_in_order_and_each_end_is_reported_after_its_sound() -> None:
    speaker, ends = RecordingSpeaker(), list[bytes]()
    async with playing(speaker) as player:
        player.play(b"a" * 2000)
        player.mark_end(lambda: ends.append(speaker.played))
        player.play(b"b" * 2000)
        player.mark_end(lambda: ends.append(speaker.played))
        await until(lambda: len(ends) == 2)
    assert ends == [b"a" * 2000, b"a" * 2000 + b"b" * 2000]


async def test_silence_forgets_what_was_not_heard_and_the_next_sound_is_played() -> None:
    speaker, ends = RecordingSpeaker(slow=True), list[str]()
    async with playing(speaker) as player:
        player.play(b"a" * 2000)
        player.mark_end(lambda: ends.append("first"))
        await until(lambda: speaker.played)
        player.stop()
        player.play(b"b" * 2000)
        await until(lambda: b"b" in speaker.played)
    assert speaker.stopped == 1
    assert len(speaker.played.strip(b"b")) < 2000
    assert ends == []


class QuickSpeaker(RecordingSpeaker):
    """Takes what it can without being waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once: list[bytes] = []
        self.is_full = False

    def play_nowait(self, pcm: bytes) -> bool:
        if not self.is_full:
            self.at_once.append(pcm)
            self.played += pcm
        return not self.is_full


async def test_a_speaker_that_takes_sound_at_once_gets_it_so_and_in_order() -> None:
    speaker = QuickSpeaker()
    async with playing(speaker) as player:
        player.play(b"a" * 200)  # nobody plays yet
        await until(lambda: speaker.played)
        await asyncio.sleep(0)
        player.play(b"b" * 200)
        speaker.is_full = True
        player.play(b"c" * 200)
        speaker.is_full = False
        player.play(b"d" * 200)  # behind what waits
        await until(lambda: b"d" in speaker.played)
    assert speaker.played == b"a" * 200 + b"b" * 200 + b"c" * 200 + b"d" * 200
    assert speaker.at_once == [b"b" * 200]


async def test_what_follows_silence_is_not_given_to_the_speaker_before_it() -> None:
    speaker = QuickSpeaker()
    async with playing(speaker) as player:
        player.play(b"a" * 200)
        await until(lambda: speaker.played)
        await asyncio.sleep(0)
        player.stop()
        player.play(b"b" * 200)
        assert speaker.stopped == 0
        await until(lambda: b"b" in speaker.played)
    assert speaker.stopped == 1
    assert speaker.at_once == []


async def test_sounds_end_on_a_broken_speaker_and_are_heard_when_it_is_mended() -> None:
    speaker, ends = BrokenSpeaker(), list[str]()
    async with playing(speaker) as player:
        player.play(b"a" * 2000)
        player.mark_end(lambda: ends.append("lost"))
        await until(lambda: ends)
        speaker.broken = False
        player.play(b"b" * 2000)
        player.mark_end(lambda: ends.append("heard"))
        await until(lambda: len(ends) == 2)
    assert speaker.played == b"b" * 2000


async def test_a_sender_far_ahead_has_to_wait() -> None:
    speaker = RecordingSpeaker(slow=True)
    async with playing(speaker) as player:
        player.play(bytes(speaker.format.bytes_in(MAX_QUEUED_SECONDS + 1)))
        waiting = asyncio.create_task(player.wait_for_room())
        await until(lambda: speaker.played)
        assert not waiting.done()
        player.stop()
        await waiting


async def test_the_speaker_is_closed_at_the_end() -> None:
    speaker = RecordingSpeaker()
    async with playing(speaker):
        await asyncio.sleep(0)
    assert speaker.closed
