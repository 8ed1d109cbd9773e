import asyncio
from pathlib import Path

from wyoming_rosie.home.model import Area, Home
from wyoming_rosie.home.watcher import HomeWatcher, LatestHome

AREA = '[[areas]]\nid = "{0}"\nname = "{0}"\n'


def areas(home: Home) -> list[str]:
    return [area.id for area in home.areas]


async def test_a_changed_file_is_read_and_a_wrong_one_leaves_the_old_home(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"
    await asyncio.to_thread(path.write_text, AREA.format("attic"))
    changes = HomeWatcher(path, poll_seconds=0.01).changes()
    following = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(path.write_text, "[[areas]]\nid = 7\n")
    await asyncio.sleep(0.05)
    assert not following.done()
    await asyncio.to_thread(path.unlink)
    await asyncio.sleep(0.05)
    assert not following.done()
    await asyncio.to_thread(path.write_text, AREA.format("cellar"))
    assert areas(await asyncio.wait_for(following, 60)) == ["cellar"]
    await changes.aclose()


async def test_a_file_that_stayed_the_same_is_read_when_told(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"
    await asyncio.to_thread(path.write_text, AREA.format("attic"))
    file = HomeWatcher(path, poll_seconds=60)
    changes = file.changes()
    following = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.05)
    file.reload()
    assert areas(await asyncio.wait_for(following, 60)) == ["attic"]
    await changes.aclose()


async def test_only_the_latest_home_waits() -> None:
    latest = LatestHome()
    first, second = (Home((Area(name, name),)) for name in ("attic", "cellar"))
    latest.put(first)
    latest.put(second)
    assert await asyncio.wait_for(latest.take(), 60) == second
    taking = asyncio.ensure_future(latest.take())
    await asyncio.sleep(0)
    assert not taking.done()
    latest.put(first)
    assert await asyncio.wait_for(taking, 60) == first
