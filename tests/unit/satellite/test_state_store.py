"""The state that survives a restart."""

import asyncio
from pathlib import Path

import pytest

from wyoming_rosie_satellite.storage.state_store import SavedState, StateStore


async def keep(path: Path, *states: SavedState) -> None:
    store = StateStore(path)
    await store.load()
    task = asyncio.create_task(store.run())
    await asyncio.sleep(0)
    for state in states:
        store.save(state)
    task.cancel()
    await asyncio.wait([task])


async def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    assert await StateStore(tmp_path / "state.json").load() == SavedState(muted=False, volume=100)


async def test_the_latest_state_survives(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.json"
    await keep(path, SavedState(muted=True), SavedState(muted=True, volume=30))
    assert await StateStore(path).load() == SavedState(muted=True, volume=30)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"muted": 1, "volume": 5}',
        '{"muted": false}',
        '{"muted": false, "volume": 101}',
        "\xff",
        "[" * 99_999,
    ],
    ids=["empty", "a list", "a number for muted", "no volume", "too loud", "no text", "too deep"],
)
async def test_whoever_may_have_muted_it_is_not_listened_to(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content, "latin-1")
    assert (await StateStore(path).load()).muted
    assert path.with_suffix(".broken").exists()


async def test_a_folder_that_cannot_be_made_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    await keep(tmp_path / "file" / "state.json", SavedState(muted=True))
