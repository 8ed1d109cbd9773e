"""One turn of our hub with daemons of other projects: openWakeWord, faster-whisper, Piper."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests import whisper_model
from tests.conftest import StartDaemon
from tests.interop.conftest import VOICE
from tests.interop.peers import find_program, run_peer
from wyoming_rosie.audio.formats import read_wav

pytestmark = [pytest.mark.interop]
STEPS = ("wake", "decided", "transcript", "intent", "first-audio", "done")


async def test_a_turn_goes_through_their_daemons(
    daemon: StartDaemon, tmp_path: Path, said: Path, voices: Path, whisper: Path
) -> None:
    wake = run_peer(
        find_program("openwakeword", "wyoming-openwakeword"), "--preload-model", "ok_nabu", log=tmp_path / "wake"
    )
    asr = run_peer(
        find_program("whisper", "wyoming-faster-whisper"),
        *("--model", str(whisper), "--data-dir", str(whisper), "--local-files-only", "--stt-library", "faster-whisper"),
        log=tmp_path / "asr",
    )
    tts = run_peer(
        find_program("piper", "wyoming-piper"), "--voice", VOICE, "--data-dir", str(voices), log=tmp_path / "tts"
    )
    async with AsyncExitStack() as stack:
        wake_uri, asr_uri, tts_uri = [await stack.enter_async_context(one) for one in (wake, asr, tts)]
        vad, intent = await daemon("vad"), await daemon("intent")
        sound = ("--mic", f"wav:{said}", "--snd", f"wav:{tmp_path}/reply.wav")
        satellite = await daemon("satellite", *sound, "--wake-uri", wake_uri, "--area", "Kitchen")
        stages = ("--asr-uri", asr_uri, "--tts-uri", tts_uri, "--vad-uri", vad.uri, "--intent-uri", intent.uri)
        hub = await daemon(
            "hub",
            "--satellite",
            satellite.uri,
            *stages,
            "--no-zeroconf",
            "--data-dir",
            str(tmp_path / "hub"),
            "--debug",
        )
        for step in STEPS:
            await hub.wait_for_line("turn", seconds=40, step=step)
        transcript = await hub.wait_for_line("transcript")
    assert transcript["text"].strip() == whisper_model.TEXT
    reply, pcm = await asyncio.to_thread(read_wav, tmp_path / "reply.wav")
    assert reply.seconds(len(pcm)) > 0.3
    assert any(pcm)
