"""Backup and restore of the memory, plain and encrypted, by the commands while the intent daemon runs."""

import asyncio
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.conftest import OpenPeer, StartDaemon
from tests.integration.test_memory import ROSIE, kept, rosie, say
from tests.waiting import wait_until
from wyoming_rosie import config
from wyoming_rosie.protocol.client import Client, PeerError

pytestmark = pytest.mark.long

PLAIN, ENCRYPTED = "intent/memory.db", "intent/memory-encrypted.db"
SAID = (b"bin day", b"tuesday", b"sqlite format")
KEY = "0123456789abcdef" * 4
FACT, ANSWER = "remember that my bin day is Tuesday", "Your bin day is Tuesday."
QUESTION = "when is my bin day?"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    pytest.importorskip("sqlcipher3", reason="needs sqlcipher3: pip install '.[sqlcipher]'")
    return write_key(tmp_path / "memory.key", KEY)


def write_key(file: Path, key: str) -> Path:
    file.touch(0o600)
    file.write_text(key)
    return file


async def execute(command: str, file: Path) -> str:
    """Return all that `wyoming-rosie backup` or `restore` prints."""
    process = await asyncio.create_subprocess_exec(ROSIE, command, str(file), stderr=subprocess.PIPE)
    _, printed = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def read_parts(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


async def ask_anew(peer: Client, question: str) -> str:
    return await say(peer, question, conversation_id=f"new {question}")


async def test_a_memory_that_is_restored_under_a_running_daemon_is_used_at_once(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path
) -> None:
    client = await peer((await daemon("intent")).uri)
    await say(client, FACT)
    await kept(client, 1, kind="fact")
    await execute("backup", tmp_path / "b.tar.gz")
    await say(client, "remember that my dentist is Ada")
    await kept(client, 2, kind="fact")
    restored = await execute("restore", tmp_path / "b.tar.gz")
    assert f"restored {PLAIN}" in restored
    assert "Restart" not in restored
    assert await ask_anew(client, QUESTION) == ANSWER
    assert "trouble" not in await say(client, "remember that my spare key is under the mat")
    assert set(await kept(client, 2, kind="fact")) == {"my bin day is Tuesday", "my spare key is under the mat"}
    before = restored.split("What was there before: ")[1].splitlines()[0]
    await execute("restore", Path(before))
    assert set(await kept(client, 2, kind="fact")) == {"my bin day is Tuesday", "my dentist is Ada"}


async def test_an_encrypted_memory_comes_back_with_its_key_and_nobody_reads_the_backup(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path, key: Path
) -> None:
    intent = await daemon("intent", "--memory.key-file", str(key))
    client = await peer(intent.uri)
    await say(client, FACT)
    await kept(client, 1, kind="fact")
    await execute("backup", tmp_path / "b.tar.gz")
    parts = await asyncio.to_thread(read_parts, tmp_path / "b.tar.gz")
    assert ENCRYPTED in parts
    assert PLAIN not in parts
    for content in parts.values():
        assert not any(word in content.lower() for word in (*SAID, KEY.encode(), bytes.fromhex(KEY)))
    await rosie("forget", "--all", "--yes", "--uri", intent.uri)
    restored = await execute("restore", tmp_path / "b.tar.gz")
    assert f"{ENCRYPTED} is encrypted: it was checked without its key" in restored
    assert "Restart" not in restored
    file = config.state_folder("intent") / "memory-encrypted.db"
    assert file.stat().st_mode & 0o777 == 0o600
    assert await ask_anew(client, QUESTION) == ANSWER


async def test_another_key_after_a_restore_gets_the_sentence_with_the_next_step(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path, key: Path
) -> None:
    first = await daemon("intent", "--memory.key-file", str(key))
    client = await peer(first.uri)
    await say(client, FACT)
    await kept(client, 1, kind="fact")
    await execute("backup", tmp_path / "b.tar.gz")
    assert await first.stop() == 0
    for file in config.state_folder("intent").glob("memory-encrypted.db*"):
        file.unlink()
    other = write_key(tmp_path / "other.key", "f" * 64)
    second = await daemon("intent", "--memory.key-file", str(other))
    client = await peer(second.uri)
    await kept(client, 0)
    await execute("restore", tmp_path / "b.tar.gz")
    with pytest.raises(PeerError, match="give the key that it was begun with, or move the file away"):
        await kept(client, 1)
    assert await second.stop() == 0
    client = await peer((await daemon("intent", "--memory.key-file", str(key))).uri)
    assert await ask_anew(client, QUESTION) == ANSWER


async def test_both_files_are_in_a_backup_and_come_back_each_to_its_place(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path, key: Path
) -> None:
    plain = await daemon("intent")
    client = await peer(plain.uri)
    await say(client, FACT)
    await kept(client, 1, kind="fact")
    assert await plain.stop() == 0
    encrypted = await daemon("intent", "--memory.key-file", str(key))
    client = await peer(encrypted.uri)
    await say(client, "remember that my dentist is Ada")
    await kept(client, 1, kind="fact")
    await execute("backup", tmp_path / "b.tar.gz")
    assert {PLAIN, ENCRYPTED} <= set(await asyncio.to_thread(read_parts, tmp_path / "b.tar.gz"))
    await rosie("forget", "--all", "--yes", "--uri", encrypted.uri)
    (config.state_folder("intent") / "memory.db").unlink()
    await execute("restore", tmp_path / "b.tar.gz")
    assert await kept(client, 1, kind="fact") == ["my dentist is Ada"]
    assert await encrypted.stop() == 0
    client = await peer((await daemon("intent")).uri)
    assert await kept(client, 1, kind="fact") == ["my bin day is Tuesday"]


async def test_a_memory_that_is_written_all_the_time_is_backed_up_whole(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path, key: Path
) -> None:
    intent = await daemon("intent", "--memory.key-file", str(key))
    client, told = await peer(intent.uri), 0

    async def tell() -> None:
        nonlocal told
        while True:
            await say(client, f"remember that my number {told} is {told}")
            told += 1

    telling = asyncio.create_task(tell())
    for number in range(3):
        await wait_until(lambda: told > 5 * number)  # noqa: B023 - waited for in its own round
        await execute("backup", tmp_path / f"{number}.tar.gz")
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    for number in range(3):
        await execute("restore", tmp_path / f"{number}.tar.gz")
        second = await peer(intent.uri)
        assert await ask_anew(second, "what is my number 0?") == "Your number 0 is 0."
