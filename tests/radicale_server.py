"""A real Radicale server on 127.0.0.1, with a user's calendars in it."""

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import aiohttp

from tests.brokers import free_port

USER, PASSWORD = "ada", "an-app-password"
_CONFIG = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[logging]
level = info
"""
_MAKE_CALENDAR = """<?xml version="1.0" encoding="utf-8"?>
<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>
<d:displayname>{name}</d:displayname>
<c:supported-calendar-component-set><c:comp name="{kind}"/></c:supported-calendar-component-set>
</d:prop></d:set></c:mkcalendar>"""
_LISTENING = b"ready"
_START_SECONDS = 60.0


@dataclass(frozen=True)
class RadicaleServer:
    url: str

    async def make_calendar(self, folder: str, name: str, kind: str = "VEVENT") -> None:
        await self._send("MKCALENDAR", f"/{USER}/{folder}/", _MAKE_CALENDAR.format(name=escape(name), kind=kind))

    async def put(self, path: str, *lines: str) -> None:
        """Store an event, given by its lines."""
        text = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *lines, "END:VCALENDAR", ""))
        await self._send("PUT", f"/{USER}/{path}", text)

    async def get(self, path: str) -> str:
        return await self._send("GET", f"/{USER}/{path}", "")

    async def list(self, folder: str) -> int:
        """Return the number of entries of a calendar."""
        return (await self._send("GET", f"/{USER}/{folder}/", "")).count("BEGIN:VEVENT")

    async def _send(self, method: str, path: str, body: str) -> str:
        authorization = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, self.url + path, data=body.encode(), headers={"Authorization": f"Basic {authorization}"}
            ) as answer,
        ):
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
            return text


@asynccontextmanager
async def radicale(folder: Path) -> AsyncIterator[RadicaleServer]:
    """Run the server during the block."""
    port = free_port()
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    (folder / "config").write_text(_CONFIG.format(folder=folder, port=port))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "radicale", "--config", str(folder / "config"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    drain: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(_START_SECONDS):
            while _LISTENING not in (line := await process.stderr.readline()):
                assert line, "Radicale has ended"
        drain = asyncio.create_task(process.stderr.read())
        yield RadicaleServer(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        await process.wait()
        if drain is not None:
            await drain
