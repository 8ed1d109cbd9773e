"""The recorder of the runs."""

import asyncio
import stat
from pathlib import Path

import pytest

from tests.unit.satellite.test_player import until
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie_satellite.audio import recorder
from wyoming_rosie_satellite.audio.recorder import RunRecorder


async def record(kept: RunRecorder, *runs: bytes) -> None:
    """Let it hear runs, each in two pieces, and wait until all are written."""
    writing = asyncio.create_task(kept.run())
    for pcm in runs:
        kept.start()
        kept.push_audio(pcm[:100])
        kept.push_audio(pcm[100:])
        kept.stop()
        await asyncio.sleep(0.005)
    await until(lambda: kept.written == len(runs))
    writing.cancel()
    await asyncio.wait([writing])


async def test_each_run_is_a_wav_file_that_only_the_owner_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "heard"
    await record(RunRecorder(folder), b"ab" * 160, b"cd" * 320)
    files = await asyncio.to_thread(lambda: sorted(folder.iterdir()))
    assert [await asyncio.to_thread(read_wav, file) for file in files] == [(SPEECH, b"ab" * 160), (SPEECH, b"cd" * 320)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_the_oldest_recordings_make_room(tmp_path: Path) -> None:
    (tmp_path / "mine.wav").touch()
    await record(RunRecorder(tmp_path, max_files=2), b"ab" * 160, b"cd" * 160, b"ef" * 160)
    files = await asyncio.to_thread(lambda: sorted(tmp_path.glob(recorder.PATTERN)))
    assert [(await asyncio.to_thread(read_wav, file))[1][:2] for file in files] == [b"cd", b"ef"]
    assert (tmp_path / "mine.wav").exists()


async def test_what_is_heard_between_runs_is_not_kept(tmp_path: Path) -> None:
    kept = RunRecorder(tmp_path / "heard")
    kept.push_audio(b"ab" * 160)
    kept.start()
    kept.stop()
    kept.push_audio(b"ab" * 160)
    assert kept.queue_size == 0


@pytest.mark.parametrize("runs", [recorder.MAX_QUEUED + 3])
async def test_a_disk_that_does_not_keep_up_loses_recordings_only(tmp_path: Path, runs: int) -> None:
    kept = RunRecorder(tmp_path)
    for _ in range(runs):
        kept.start()
        kept.push_audio(bytes(2 * recorder.MAX_BYTES))
        kept.stop()
    assert kept.queue_size == recorder.MAX_QUEUED


async def test_a_folder_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = RunRecorder(tmp_path / "file")
    writing = asyncio.create_task(kept.run())
    kept.start()
    kept.push_audio(b"ab" * 160)
    kept.stop()
    await until(lambda: kept.queue_size == 0)
    await asyncio.sleep(0.05)
    assert not writing.done()
    writing.cancel()
    await asyncio.wait([writing])
