import asyncio
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.unit.tts.fakes import LetterEngine
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_tts import phrase_cache
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.phrase_cache import LruIndex, PhraseCache, Settings, cache_key
from wyoming_rosie_tts.text.segments import Prosody, TextSegment

SOUND = bytes(range(256)) * 100


async def cache(folder: Path, megabytes: int = 1, memory_megabytes: int = 1) -> PhraseCache:
    return await asyncio.to_thread(phrase_cache.load, Settings(folder, megabytes, memory_megabytes))


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.pcm"))


async def written(folder: Path, count: int) -> list[Path]:
    async with asyncio.timeout(60):
        while len(found := files(folder)) != count:
            await asyncio.sleep(0.005)
    return found


async def kept(folder: Path, name: str = "hello") -> Path:
    """Keep a sound on disk and return its file."""
    first = await cache(folder)
    first.add(name, SOUND, pin=True)
    (path,) = await written(folder, 1)
    first.close()
    return path


async def test_added_audio_is_found() -> None:
    memory = PhraseCache(1_000_000)
    assert await memory.get("hello") is None
    memory.add("hello", SOUND)
    assert await memory.get("hello") == SOUND


async def test_pinned_audio_is_never_evicted() -> None:
    memory = PhraseCache(50_000)
    memory.add("sorry", SOUND, pin=True)
    for number in range(5):
        memory.add(str(number), SOUND)
    assert await memory.get("0") is None
    assert await memory.get("sorry") == SOUND


async def test_audio_that_was_requested_twice_survives_a_restart(tmp_path: Path) -> None:
    first = await cache(tmp_path)
    first.add("once", SOUND)
    first.add("twice", SOUND)
    await first.get("twice")
    await written(tmp_path, 1)
    first.close()
    second = await cache(tmp_path)
    assert await second.get("twice") == SOUND
    assert await second.get("once") is None
    second.close()


async def test_files_are_private_and_contain_no_text(tmp_path: Path) -> None:
    path = await kept(
        tmp_path / "tts", cache_key(LetterEngine().select_voice(VoiceRequest()), TextSegment("secret"), pause=False)
    )
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret" not in path.name
    assert b"secret" not in path.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * 100, SOUND], ids=["empty", "short", "other", "no digest"])
async def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes) -> None:
    path = await kept(tmp_path)
    path.write_bytes(damage)
    second = await cache(tmp_path)
    assert await second.get("hello") is None
    second.add("hello", SOUND, pin=True)
    await written(tmp_path, 1)
    second.close()


async def test_a_deleted_file_is_a_miss(tmp_path: Path) -> None:
    path = await kept(tmp_path)
    second = await cache(tmp_path)
    path.unlink()
    assert await second.get("hello") is None
    second.close()


async def test_the_least_recently_used_file_is_evicted(tmp_path: Path) -> None:
    first = await cache(tmp_path)
    for name in ("a", "b", "c"):
        first.add(name, bytes(300_000), pin=True)
    await written(tmp_path, 3)
    second = await cache(tmp_path)
    assert await second.get("a")
    second.add("d", bytes(300_000), pin=True)
    async with asyncio.timeout(60):
        while {path.stem for path in files(tmp_path)} != {"a", "c", "d"}:
            await asyncio.sleep(0.005)
    first.close()
    second.close()


async def test_a_smaller_limit_is_applied_at_start(tmp_path: Path) -> None:
    first = await cache(tmp_path, megabytes=5)
    for name in ("a", "b"):
        first.add(name, bytes(700_000), pin=True)
    await written(tmp_path, 2)
    first.close()
    (await cache(tmp_path)).close()
    assert len(files(tmp_path)) == 1


async def test_nothing_is_written_when_the_cache_is_off(tmp_path: Path) -> None:
    for settings in ({"megabytes": 0}, {"memory_megabytes": 0}):
        off = await cache(tmp_path / "tts", **settings)
        off.add("hello", SOUND, pin=True)
        off.close()
    assert not (tmp_path / "tts").exists()


async def test_an_unusable_folder_leaves_the_cache_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = await cache(tmp_path / "file")
    memory.add("hello", SOUND, pin=True)
    assert await memory.get("hello") == SOUND


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 0"):
        phrase_cache.load(Settings(megabytes=-1))


def test_everything_that_changes_the_audio_changes_the_key() -> None:
    engine = LetterEngine()
    voice, deep = engine.select_voice(VoiceRequest()), engine.select_voice(VoiceRequest("deep"))
    words = [TextSegment("a"), TextSegment("b"), TextSegment("a", Prosody(rate=2)), TextSegment("a", phonemes="b")]
    keys = [cache_key(voice, one, pause=False) for one in words] + [
        cache_key(voice, words[0], pause=True),
        cache_key(deep, words[0], pause=False),
    ]
    assert len(set(keys)) == len(keys)
    assert cache_key(engine.select_voice(VoiceRequest()), TextSegment("a"), pause=False) == keys[0]
    assert cache_key(voice, TextSegment("a", voice_request=VoiceRequest("letters")), pause=False) == keys[0]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60)), max_size=40), st.integers(0, 100))
def test_the_oldest_names_are_evicted_at_the_limit(uses: list[tuple[str, int]], most: int) -> None:
    recent = LruIndex(most)
    sizes: dict[str, int] = {}
    for name, size in uses:
        gone = recent.add(name, size)
        sizes = {other: old for other, old in sizes.items() if other != name} | {name: size}
        assert gone == list(sizes)[: len(gone)]
        for one in gone:
            del sizes[one]
        assert recent.bytes == sum(sizes.values()) <= most
        assert all(one in recent for one in sizes)
        assert not gone or sum(sizes.values()) + size >= 0


async def test_a_folder_that_takes_nothing_is_logged_once_and_used_when_it_is_there_again(tmp_path: Path) -> None:
    folder = tmp_path / "tts"
    phrases = await cache(folder)
    await asyncio.to_thread(folder.rmdir)
    with capture_logs() as logs:
        phrases.add("one", SOUND, pin=True)
        phrases.add("two", SOUND, pin=True)
        async with asyncio.timeout(60):
            while not logs:
                await asyncio.sleep(0.005)
            assert await phrases.get("one") == SOUND
            await asyncio.to_thread(folder.mkdir)
            phrases.add("three", SOUND, pin=True)
            while not (folder / "three.pcm").exists():
                await asyncio.sleep(0.005)
    assert [entry["event"] for entry in logs] == ["cannot write audio to the cache"]
    phrases.close()
