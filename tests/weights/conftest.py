"""A real small model at a real server: fetched by scripts/weights, skipped without."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

_DEFAULT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wyoming-rosie" / "weights"
WEIGHTS = Path(os.environ.get("WYOMING_ROSIE_WEIGHTS") or _DEFAULT)
MODEL = WEIGHTS / "gemma-3-270m-q4_k_m.gguf"
SERVER = WEIGHTS / "llama-2026.10.11549"
CONTEXT = 4096
START_SECONDS = 120


@dataclass
class LlamaServer:
    """llama.cpp's server; one slot."""

    url: str
    session: aiohttp.ClientSession

    async def post(self, path: str, body: Any) -> Any:
        async with self.session.post(f"{self.url}{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def counted(self, name: str) -> float:
        """Return one of its metrics."""
        async with self.session.get(f"{self.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return float(next(line.split()[-1] for line in lines if line.startswith(f"llamacpp:{name} ")))

    async def is_busy(self) -> bool:
        async with self.session.get(f"{self.url}/slots") as answer:
            return bool((await answer.json())[0]["is_processing"])


@pytest.fixture
async def llama() -> AsyncIterator[LlamaServer]:
    if not MODEL.is_file() or not SERVER.is_dir():
        pytest.skip(f"there is no model in {WEIGHTS}; scripts/weights fetches one")
    program = Path(__file__).with_name("llama_server.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), str(SERVER), str(MODEL), str(CONTEXT),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:
            yield LlamaServer(url, session)
    finally:
        process.kill()
        await process.wait()
