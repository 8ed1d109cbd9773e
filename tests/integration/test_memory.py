"""The memory of the installed intent daemon: in conversation, over Wyoming, and by `wyoming-rosie memory`."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command
from wyoming_rosie.protocol.client import Client, PeerError

ROSIE = command("wyoming-rosie")
ANSWERS = ("handled", "not-handled", "not-recognized", "error", "intent")


async def say(peer: Client, text: str, **context: Any) -> str:
    """Return the answer to a sentence in the kitchen."""
    await peer.send(
        Event("transcript", {"text": text, "context": {"area": "kitchen", "conversation_id": "c", **context}})
    )
    while (answer := await peer.receive(60)).type not in ANSWERS:
        pass
    return str(answer.data["text"])


async def ask(peer: Client, action: str, **data: Any) -> Any:
    """Return the answer of the memory to a request."""
    await peer.send(Event("user-event", {"name": "memory", "data": {"action": action, **data}}))
    return (await peer.wait_for("user-event", seconds=60)).data["data"]


async def kept(peer: Client, count: int, **where: Any) -> list[str]:
    """Return the texts of memories, as soon as there are `count`."""
    async with asyncio.timeout(60):
        while len(records := (await ask(peer, "list", **where))["records"]) != count:
            await asyncio.sleep(0.05)
    return [record["text"] for record in records]


async def rosie(*arguments: str, status: int = 0, text: str = "", command: str = "memory") -> str:
    """Return what `wyoming-rosie memory` prints, or another command."""
    process = await asyncio.create_subprocess_exec(
        ROSIE, command, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate(text.encode())
    assert process.returncode == status, err.decode()
    return out.decode() if status == 0 else err.decode()


async def test_a_fact_outlives_the_daemon(daemon: StartDaemon, peer: OpenPeer) -> None:
    first = await daemon("intent")
    client = await peer(first.uri)
    assert await say(client, "remember that my bin day is Tuesday") == "I will remember: Your bin day is Tuesday."
    await say(client, "turn on the kitchen light")
    assert (await kept(client, 3))[-1] == "my bin day is Tuesday"
    assert await first.stop() == 0
    client = await peer((await daemon("intent")).uri)
    assert await say(client, "when is my bin day?", conversation_id="d") == "Your bin day is Tuesday."
    assert await say(client, "forget that", conversation_id="d") == "Forgotten."
    assert set(await kept(client, 2)) == {"turn on the kitchen light", "Turned on the Kitchen Light."}


async def test_a_daemon_whose_memory_is_off_keeps_nothing(daemon: StartDaemon, peer: OpenPeer, tmp_path: Path) -> None:
    client = await peer((await daemon("intent", "--memory.no-enabled")).uri)
    assert "remember" not in await say(client, "remember that my bin day is Tuesday")
    with pytest.raises(PeerError, match="the memory is off"):
        await ask(client, "stats")


async def test_other_machines_may_be_kept_from_the_memory(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("intent", "--memory.peers", "192.0.2.1/32")).uri)
    with pytest.raises(PeerError, match="peers"):
        await ask(client, "list")


async def test_requests_that_are_wrong_are_refused(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("intent")).uri)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("dance", {}, "knows no action 'dance'"),
        ("list", {"limit": 100_000}, "limit must be a number"),
        ("list", {"kind": "secret"}, "there is no kind 'secret'"),
        ("search", {}, "text must be"),
        ("forget", {}, "name ids or another condition"),
        ("add", {"records": [{"text": "x", "room": "moon"}]}, "there is no room 'moon'"),
        ("add", {"records": [{"text": "x"}] * 1000}, "at most 200"),
        ("import", {"lines": ["nonsense"]}, "memory:"),
    ]
    for action, data, reason in wrong:
        with pytest.raises(PeerError, match=reason):
            await ask(client, action, **data)
    assert (await ask(client, "stats"))["problem"] is None


@pytest.mark.long
async def test_the_command_adds_finds_tags_and_forgets(daemon: StartDaemon, peer: OpenPeer, tmp_path: Path) -> None:
    folder = tmp_path / "manuals"
    (folder / "more").mkdir(parents=True)
    (folder / "boiler.md").write_text("# Boiler\n\n## Water\n\nThe boiler needs water in May.\n")
    (folder / "more" / "oven.html").write_text("<h1>Oven</h1><script>bad()</script><p>The oven is self-cleaning.</p>")
    (folder / "broken.pdf").write_bytes(b"this is no pdf")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    uri = (await daemon("intent")).uri
    client = await peer(uri)
    failed = await rosie("add", str(folder), "--tag", "manual", "--uri", uri, status=1)
    assert "broken.pdf is no PDF" in failed
    assert "boiler.md: 1 part\n" in failed
    assert "1 of 3 documents could not be added" in failed
    assert set(await kept(client, 2)) == {
        "Boiler > Water\nThe boiler needs water in May.",
        "Oven\nThe oven is self-cleaning.",
    }
    await rosie("add", str(folder / "boiler.md"), "--uri", uri)
    assert len(await kept(client, 2)) == 2, "a file replaces what it left before"
    found = [json.loads(line) for line in (await rosie("search", "boiler water", "--json", "--uri", uri)).splitlines()]
    assert found[0]["record"]["source"] == str(folder / "boiler.md")
    await rosie("add", "--fact", "my bin day is Tuesday", "--uri", uri)
    assert await say(client, "when is my bin day") == "Your bin day is Tuesday."
    await rosie("tag", "--kind", "fact", "--add", "rubbish", "--uri", uri)
    assert "my bin day is Tuesday" in await rosie("list", "--tag", "rubbish", "--uri", uri)
    explained = await rosie("tell me about the oven", "--memories", "--json", "--uri", uri, status=3, command="explain")
    assert "not understand" in explained
    exported = tmp_path / "memory.jsonl"
    await rosie("export", str(exported), "--uri", uri)
    assert exported.stat().st_mode & 0o777 == 0o600
    await rosie("forget", "--all", "--yes", "--uri", uri)
    assert await kept(client, 0) == []
    await rosie("import", str(exported), "--uri", uri)
    again = tmp_path / "again.jsonl"
    await rosie("export", str(again), "--uri", uri)
    assert again.read_text() == exported.read_text()
    assert json.loads(await rosie("stats", "--json", "--uri", uri))["counts"] == {"document": 2, "fact": 1}
    assert "add --yes" in await rosie("forget", "--kind", "fact", "--uri", uri, status=2)


@pytest.mark.long
async def test_a_wrong_export_imports_nothing(daemon: StartDaemon, peer: OpenPeer, tmp_path: Path) -> None:
    uri = (await daemon("intent")).uri
    file = tmp_path / "wrong.jsonl"
    file.write_text('{"format": "wyoming-rosie-memory", "version": 99}\n')
    assert "newer version" in await rosie("import", str(file), "--uri", uri, status=1)
    assert "a code or a PIN" in await rosie("add", "--fact", "the alarm code is 4711", "--uri", uri, status=2)
    assert await kept(await peer(uri), 0) == []
