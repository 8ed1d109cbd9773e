"""Signals to running and ended children."""

import asyncio
import logging
import os
import signal
from contextlib import suppress

import pytest

from wyoming_rosie.runtime.child_processes import send_signal


async def test_a_child_that_ended_just_now_keeps_its_status(caplog: pytest.LogCaptureFixture) -> None:
    child = await asyncio.create_subprocess_exec("sh", "-c", "exit 3")
    with suppress(ChildProcessError):  # some Pythons have a thread that may be quicker
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it has ended, and asyncio does not know
    with caplog.at_level(logging.WARNING):
        send_signal(child, signal.SIGTERM)
        assert await child.wait() == 3
    assert not caplog.records


async def test_a_child_that_runs_is_signalled() -> None:
    child = await asyncio.create_subprocess_exec("sleep", "30")
    send_signal(child, signal.SIGTERM)
    assert await child.wait() == -signal.SIGTERM
    send_signal(child, signal.SIGTERM)
