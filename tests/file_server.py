"""A web server that serves files by name, with ranges, and can pause in the middle of one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BLOCK_BYTES = 16_384


@dataclass
class FileServer:
    """Serves `files` by name in any folder; pauses `paused_file` after its first half until `resume` is set."""

    files: dict[str, bytes] = field(default_factory=dict)
    paused_file: str = ""
    resume: threading.Event = field(default_factory=threading.Event)
    halfway: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Names and ranges."""
    url: str = ""

    def add(self, folder: Path) -> None:
        self.files |= {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@contextmanager
def serve_files() -> Iterator[FileServer]:
    """Serve during the block."""
    one = FileServer()
    handler = type("Handler", (_FileHandler,), {"site": one})
    with _QuietServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        one.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield one
        finally:
            one.resume.set()
            server.shutdown()
            thread.join()


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect during an answer."""


class _FileHandler(BaseHTTPRequestHandler):
    site: FileServer

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        wanted = self.headers.get("Range", "")
        self.site.requests.append((name, wanted))
        if name not in self.site.files:
            self.send_error(404)
            return
        content = self.site.files[name]
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if first else 200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        for at in range(first, len(content), BLOCK_BYTES):
            if name == self.site.paused_file and at >= len(content) // 2:
                self.site.halfway.set()
                self.site.resume.wait(300)
            self.wfile.write(content[at : at + BLOCK_BYTES])
