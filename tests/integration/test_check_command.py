"""`wyoming-rosie check` on our daemons, and on faulty programs."""

import asyncio
import json
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from tests.conftest import StartDaemon
from tests.daemons import command
from tests.fakes import FakeDaemon
from wyoming_rosie.protocol.server import Send

pytestmark = pytest.mark.long

CREDIT = Attribution("nobody", "https://example.org")
VOICE = TtsVoice("voice", CREDIT, True, None, "1", ["en"])
TTS = Info(tts=[TtsProgram("tts", CREDIT, True, None, "1", [VOICE])])
TRIES = 3
"""A flaw is found each time; a slow answer, when the machine has no time."""
FLAGS = {"satellite": ("--mic-command", "sleep 600", "--snd", "wav:/dev/null")}


async def checked(uri: str, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """Return the exit status, the outcomes and the complaint."""
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), "check", uri, "--json", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, [json.loads(line) for line in out.splitlines()], err.decode()


def of(verdict: str, outcomes: list[dict[str, Any]]) -> set[str]:
    return {one["check"] for one in outcomes if one["verdict"] == verdict}


@pytest.mark.parametrize("role", ["wake", "vad", "asr", "intent", "tts", "satellite"])
async def test_ours_pass(role: str, daemon: StartDaemon) -> None:
    ours = await daemon(role, *FLAGS.get(role, ()))
    flaws: set[str] | None = None
    for _ in range(TRIES):
        status, outcomes, complaint = await checked(ours.uri)
        found = of("failed", outcomes) | of("finding", outcomes)
        flaws = found if flaws is None else flaws & found
        if not flaws:
            break
    assert flaws == set()
    assert bool(of("failed", outcomes)) == bool(status) == bool(complaint)
    assert len(of("ok", outcomes)) + len(found) > 35


async def test_a_program_that_does_nothing_fails() -> None:
    async def nothing(event: Event, send: Send) -> None: ...

    async with FakeDaemon(nothing).serving(info=TTS) as fake:
        status, outcomes, complaint = await checked(fake.uri, "--seconds", "0.2")
    assert status == 1
    assert "failed" in complaint
    assert {"a text", "an empty text", "describe while busy"} <= of("failed", outcomes)
    assert "describe is answered" not in of("failed", outcomes)
    assert all(one["means"] for one in outcomes if one["verdict"] == "failed")


async def test_a_voice_that_speaks_twice_fails() -> None:
    audio = {"rate": 16000, "width": 2, "channels": 1}
    sound = [Event("audio-start", audio), Event("audio-chunk", audio, b"\1\0" * 8000), Event("audio-stop")]

    async def twice(event: Event, send: Send) -> None:
        if event.type in ("synthesize", "synthesize-chunk"):
            for one in sound:
                await send(one)
        if event.type == "synthesize-stop":
            await send(Event("synthesize-stopped"))

    info = Info(tts=[TtsProgram("tts", CREDIT, True, None, "1", [VOICE], supports_synthesize_streaming=True)])
    async with FakeDaemon(twice).serving(info=info) as fake:
        _, outcomes, _ = await checked(fake.uri, "--seconds", "10")
    assert "a streamed text" in of("failed", outcomes)
    assert "a text" in of("ok", outcomes)


async def test_what_is_no_such_program_is_said(daemon: StartDaemon) -> None:
    tts = await daemon("tts")
    for uri, role, words in (
        (tts.uri, ("--role", "asr"), "its roles: tts"),
        ("tcp://127.0.0.1:9", (), "nothing answers"),
    ):
        status, outcomes, complaint = await checked(uri, *role)
        assert (status, outcomes) == (1, [])
        assert words in complaint
