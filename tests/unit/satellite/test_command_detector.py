"""The wake detector by a command."""

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.wake.command_detector import CommandDetector, describe_wake_words

SECOND = bytes(32_000)


def finder(says: str, every_bytes: int = 32_000) -> str:
    """Return the command of a program that writes something for each piece that it has read."""
    body = f"import sys\nwhile sys.stdin.buffer.read({every_bytes}): print({says!r}, flush=True)"
    return f"{sys.executable} -c {shlex.quote(body)}"


@asynccontextmanager
async def listening(line: str, *names: str, audio: AudioFormat = SPEECH, pause: float = 0.0) -> AsyncIterator["Heard"]:
    ears = await asyncio.to_thread(CommandDetector, line, audio, names, pause)
    heard = Heard(ears)
    task = asyncio.create_task(ears.run(heard.words.append))
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


class Heard:
    def __init__(self, ears: CommandDetector) -> None:
        self.words: list[WakeWord] = []
        self._ears = ears

    def select(self, *names: str) -> None:
        self._ears.select_words(names)

    async def after(self, pcm: bytes, count: int) -> Sequence[WakeWord]:
        """Let the program hear sound, a piece of 20 ms after the other, again and again until it has found so many words."""
        async with asyncio.timeout(60):
            while len(self.words) < count:
                for start in range(0, len(pcm), 640):
                    self._ears.push_audio(pcm[start : start + 640])
                    await asyncio.sleep(0)
                await asyncio.sleep(0.02)
        return self.words


async def test_a_line_is_a_wake_word_and_tells_its_place() -> None:
    async with listening(finder("okay_nabu")) as heard:
        first, second = (await heard.after(SECOND, 2))[:2]
    assert (first.name, second.name) == ("okay_nabu", "okay_nabu")
    assert 0 < first.sample <= second.sample
    assert first.turn_id != second.turn_id


async def test_the_program_hears_the_format_that_it_wants() -> None:
    async with listening(finder("x", 4 * 48_000), "x", audio=AudioFormat(48_000, 4, 1)) as heard:
        (first, *_) = await heard.after(SECOND, 1)
    assert first.sample > 15_000  # a second of it


@pytest.mark.parametrize(("says", "name"), [("", "okay_nabu"), (" alexa ", "alexa")], ids=["empty", "spaces"])
async def test_an_empty_line_is_the_first_word(says: str, name: str) -> None:
    async with listening(finder(says), "okay_nabu", "alexa") as heard:
        assert (await heard.after(SECOND, 1))[0].name == name


async def test_a_word_that_nobody_wants_is_ignored_and_so_is_one_that_comes_again_at_once() -> None:
    async with listening(finder("alexa"), "okay_nabu") as heard:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await heard.after(SECOND, 1)
    async with listening(finder("alexa", 640), pause=3600) as heard:
        await heard.after(SECOND, 1)
        await asyncio.sleep(0.2)
        assert len(heard.words) == 1


async def test_a_program_that_ends_is_started_again() -> None:
    ends = finder("alexa").replace("while ", "if ")
    async with listening(ends) as heard:
        assert len(await heard.after(SECOND, 2)) >= 2


async def test_a_program_that_never_reads_holds_nothing_up() -> None:
    async with listening("sleep 3600") as heard:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await heard.after(SECOND, 1)


async def test_a_program_that_writes_without_end_of_line_is_ended() -> None:
    async with listening("cat /dev/zero") as heard:
        await asyncio.sleep(0.2)
        assert heard.words == []


def test_what_is_no_program_is_refused() -> None:
    with pytest.raises(ConfigError, match="--wake-command: there is no program 'no-such-finder'"):
        CommandDetector("no-such-finder", SPEECH, (), 0)


def test_its_words_are_described() -> None:
    assert [(model.name, model.phrase) for model in describe_wake_words(["okay_nabu"]).models] == [
        ("okay_nabu", "okay nabu")
    ]


async def test_only_selected_words_count() -> None:
    async with listening(finder("okay_nabu\nhey_jarvis"), "okay_nabu", "hey_jarvis") as heard:
        heard.select("hey_jarvis")
        words = await heard.after(SECOND, 2)
    assert {word.name for word in words} == {"hey_jarvis"}
