import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys, threading, time
from dataclasses import dataclass
from wyoming_rosie import config
from wyoming_rosie.errors import EngineError
from wyoming_rosie.runtime import exit_status
from wyoming_rosie.runtime.workers import ThreadWorker

exit_status.EXIT_SECONDS = 0.2

@dataclass(frozen=True)
class Config:
    '''A program whose native call never returns.'''
    debug: bool = config.option(False, "log more")
    fails: bool = config.option(False, "fail at last")

async def serve(settings):
    worker = ThreadWorker("native")
    worker.submit(lambda: time.sleep(3600))
    await asyncio.sleep(0)
    if settings.fails:
        raise EngineError("it failed")

config.main("asr", Config, serve)
"""


@pytest.mark.parametrize(("flags", "status"), [([], 0), (["--fails"], 1)])
def test_a_call_that_never_returns_does_not_keep_a_program(flags: list[str], status: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *flags], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == status
    assert "native_0" in ended.stderr
    assert ("it failed" in ended.stderr) is bool(flags)
