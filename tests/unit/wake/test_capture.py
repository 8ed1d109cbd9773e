"""Recordings of what was heard."""

import asyncio
from pathlib import Path

import pytest

from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.detection import WakeDetection
from wyoming_rosie_wake.capture import AFTER_SECONDS, RecordingBuffer, Settings, WakeRecorder, create_recorder

RATE = SPEECH.rate


def pcm(begin: int, end: int) -> bytes:
    """Return samples that tell their own place in the stream, in hundredths of a second."""
    return b"".join((sample // 160 % 30_000).to_bytes(2, "little") for sample in range(begin, end))


async def recording(settings: Settings) -> WakeRecorder:
    made = await asyncio.to_thread(create_recorder, settings)
    assert made is not None
    return made


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.wav"))


async def test_the_seconds_before_a_detection_and_a_little_after_are_kept(tmp_path: Path) -> None:
    keeper = await recording(Settings(dir=tmp_path, seconds=2))
    tape = RecordingBuffer(keeper)
    for begin in range(0, 20 * RATE, 1600):
        tape.push(pcm(begin, begin + 1600))
        if begin == 10 * RATE:
            tape.on_detections([WakeDetection("alexa", 0.91, 10 * RATE)])
    await keeper.close()
    (file,) = kept(tmp_path)
    assert file.name.endswith("Z_alexa_detection_0.91.wav")
    audio, samples = await asyncio.to_thread(read_wav, file)
    assert audio == SPEECH
    assert samples == pcm(8 * RATE, round((10 + AFTER_SECONDS) * RATE))
    assert len(tape._pcm) < SPEECH.bytes_in(30)


async def test_what_the_stream_ends_too_early_for_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    keeper = await recording(Settings(dir=tmp_path, seconds=4))
    tape = RecordingBuffer(keeper)
    tape.push(pcm(0, RATE))
    tape.on_detections([WakeDetection("alexa", 0.9, RATE)])
    tape.finish()
    await keeper.close()
    (file,) = kept(tmp_path)
    assert (await asyncio.to_thread(read_wav, file))[1] == pcm(0, RATE)


@pytest.mark.parametrize(("wanted", "count"), [(True, 1), (False, 0)])
async def test_near_misses_are_kept_when_they_are_wanted(tmp_path: Path, wanted: bool, count: int) -> None:
    keeper = await recording(Settings(dir=tmp_path, near_misses=wanted))
    tape = RecordingBuffer(keeper)
    tape.push(pcm(0, RATE))
    tape.on_detections([WakeDetection("alexa", 0.4, RATE, is_near_miss=True)])
    tape.finish()
    await keeper.close()
    assert [("near-miss" in file.name) for file in kept(tmp_path)] == [True] * count


async def test_the_oldest_recordings_make_room_and_nothing_else_is_touched(tmp_path: Path) -> None:
    mine = tmp_path / "mine.wav"
    mine.write_bytes(b"")
    keeper = await recording(Settings(dir=tmp_path, most_files=2))
    for score in (0.6, 0.7, 0.8):
        keeper.record(WakeDetection("alexa", score, RATE), pcm(0, 160))
        await keeper.close()
    names = [file.name.rsplit("_", 1)[-1] for file in kept(tmp_path) if file != mine]
    assert names == ["0.70.wav", "0.80.wav"]
    assert mine.exists()


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    create_recorder(Settings(dir=tmp_path / "wake"))
    assert (tmp_path / "wake").stat().st_mode & 0o077 == 0


def test_it_is_off_unless_a_folder_is_named() -> None:
    assert create_recorder(Settings()) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [(Settings(seconds=0), "seconds"), (Settings(most_files=0), "most-files"), (Settings(), "cannot make")],
    ids=["seconds", "files", "folder"],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, settings: Settings, said: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "folder" if said == "cannot make" else tmp_path
    given = Settings(folder, settings.near_misses, settings.seconds, settings.most_files)
    with pytest.raises(ConfigError, match=said):
        create_recorder(given)
