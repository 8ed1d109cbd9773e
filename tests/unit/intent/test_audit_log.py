"""Audit log: one line per action, of bounded size, readable by its owner only."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from wyoming_rosie_intent.execution.audit_log import MAX_QUEUED, AuditEntry, AuditLog, AuditOutcome

MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)
ENTRY = AuditEntry(
    "HassTurnOff", ("lock.front",), AuditOutcome.REFUSED, "office\n{}", "Ada", "t1", "kitchen (satellite)"
)


async def written(path: Path, *entries: AuditEntry, largest: int = 10_000) -> None:
    audit = AuditLog(path, lambda: MOMENT, largest)
    for entry in entries:
        audit.write(entry)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    running = asyncio.create_task(audit.run())
    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.to_thread(lambda: None)  # what the only thread had to write before is written now


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def test_an_action_is_one_line_that_its_owner_alone_can_read(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await written(path, ENTRY, ENTRY)
    assert await asyncio.to_thread(lines, path) == 2 * [
        {
            "when": "2026-11-21T15:05:00+00:00", "turn": "t1", "room": "office\n{}", "speaker": "Ada", "caller": "kitchen (satellite)",
            "intent": "HassTurnOff", "entities": ["lock.front"], "outcome": "refused",
        }
    ]  # fmt: skip
    assert (await asyncio.to_thread(path.stat)).st_mode & 0o777 == 0o600


async def test_a_full_file_makes_room_for_a_new_one_and_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(4):
        await written(path, ENTRY, largest=200)
    assert {one.name for one in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))} == {
        path.name,
        f"{path.name}.1",
    }
    assert len(await asyncio.to_thread(lines, path)) == 1


async def test_too_many_at_once_lose_the_oldest_and_nothing_waits(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await written(
        path, *(AuditEntry(str(number), (), AuditOutcome.DONE) for number in range(MAX_QUEUED + 3)), largest=10**6
    )
    kept = await asyncio.to_thread(lines, path)
    assert (len(kept), kept[0]["intent"]) == (MAX_QUEUED, "3")


async def test_what_waits_at_the_end_is_still_written(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "audit.jsonl", lambda: MOMENT)
    running = asyncio.create_task(audit.run())
    await asyncio.sleep(0)
    audit.write(ENTRY)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(await asyncio.to_thread(lines, tmp_path / "audit.jsonl")) == 1


async def test_a_folder_that_is_not_there_harms_nothing(tmp_path: Path) -> None:
    await written(tmp_path / "none" / "audit.jsonl", ENTRY)


async def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    await asyncio.to_thread((tmp_path / "audit.jsonl").symlink_to, tmp_path / "target")
    await written(tmp_path / "audit.jsonl", ENTRY)
    assert (await asyncio.to_thread((tmp_path / "target").read_text)) == ""
