"""Tests of other projects, from their source distributions, with our daemons in the place of their servers.

They start `python -m PACKAGE --uri stdio://`; a shim of that name starts our daemon. Their recordings and voices are not
in the distributions: a synthetic voice says the sentence that they expect, and a generated Piper voice has the name that
they ask for. Left out are
  - wyoming-faster-whisper's translation: its French recording is missing, and our daemon does not translate;
  - wyoming-piper's comparison with a recording of en_US-ryan-low: recording, voice and a module of the test are missing;
  - all tests of their own classes, which start no server.
"""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import piper_voice
from tests.interop.peers import ENVIRONMENTS
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, read_wav, write_wav

pytestmark = [pytest.mark.interop]
SPOKEN = "turn_on_the_living_room_lamp"
RECORDING = Path(__file__).with_name("recordings") / f"{SPOKEN}.wav"
SHIM = Path(__file__).with_name("upstream") / "shim.py"
FORMATS = [AudioFormat(rate, 2, channels) for rate in (16000, 44100) for channels in (1, 2)]
SUITE_SECONDS = 240
# What these tests import from files that are not in the source distributions.
CONSTANTS = """
from pathlib import Path
_DIR = Path(__file__).parent
_LOCAL_DIR = _DIR.parent / "local"
_SAMPLES_PER_CHUNK = 1024
_START_TIMEOUT = _TRANSCRIBE_TIMEOUT = 60
"""
MISSING = "compute_optimal_path = mfcc = None"


@dataclass(frozen=True)
class Suite:
    """A folder with tests of a source distribution, and `local`, where they look for models."""

    folder: Path

    @property
    def tests(self) -> Path:
        return self.folder / "tests"

    @property
    def local(self) -> Path:
        return self.folder / "local"

    async def outcomes(self, *without: str, **environment: str) -> dict[str, str]:
        """Run all tests but those that are named; return the names of those that ran, each with `passed`, `failed` or `skipped`."""
        report = self.folder / "report.xml"
        deselected = (f"--deselect=tests/{one}" for one in without)
        command = (sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *deselected, "tests")
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env={"PATH": "/usr/bin:/bin", **environment}, stdout=subprocess.PIPE
        )
        async with asyncio.timeout(SUITE_SECONDS):
            said, _ = await process.communicate()
        assert report.exists(), said.decode()
        cases = ElementTree.parse(report).iter("testcase")
        return {case.attrib["name"]: _outcome(case) for case in cases}


def _outcome(case: ElementTree.Element) -> str:
    kinds = {child.tag for child in case}
    return "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"


def make_suite(folder: Path, distribution: str, package: str, *files: str) -> Suite:
    """Copy tests of a distribution and put the shim beside them; skip where the distribution is absent."""
    source = ENVIRONMENTS / "suites" / distribution / "tests"
    if not source.is_dir():
        pytest.skip("the source distributions of other servers are absent: run scripts/peers")
    suite = Suite(folder)
    for made in (suite.tests, suite.local, folder / package):
        made.mkdir()
    shutil.copy(SHIM, folder / package / "__main__.py")
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    (suite.tests / "__init__.py").write_text(CONSTANTS)
    for file in files:
        shutil.copy(source / file, suite.tests)
    return suite


def add_whisper(suite: Suite, name: str) -> None:
    """Give the suite the real model tiny.en, by the name that it asks for; skip where it is absent."""
    model = ENVIRONMENTS / "models" / "whisper" / "tiny.en"
    if not model.is_dir():
        pytest.skip("the model tiny.en is absent: run scripts/peers")
    shutil.copytree(model, suite.local / name)


@pytest.mark.parametrize("engine", ["pocketsphinx", "faster-whisper"])
async def test_our_asr_daemon_passes_wyoming_faster_whispers(tmp_path: Path, engine: str) -> None:
    suite = make_suite(tmp_path, "wyoming_faster_whisper-3.8.1", "wyoming_faster_whisper", "test_faster_whisper.py")
    shutil.copy(RECORDING, suite.tests)
    if engine == "faster-whisper":
        add_whisper(suite, "base-int8")
    outcomes = await suite.outcomes(WYOMING_ROSIE_ASR_ENGINE=engine)
    for arguments in ("extra_args0", "extra_args1"):
        assert outcomes.pop(f"test_faster_whisper[faster-whisper-base-int8-{arguments}]") == "passed"
    assert set(outcomes.values()) == {"skipped"}  # engines of theirs that are not installed


async def test_our_asr_daemon_passes_wyoming_whisper_cpps(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, "wyoming_whisper_cpp-2.6.1", "wyoming_whisper_cpp", "test_whisper_cpp.py")
    add_whisper(suite, "tiny-int8")
    _, pcm = await asyncio.to_thread(read_wav, RECORDING)
    for audio in FORMATS:
        converter = Converter(SPEECH, audio)
        path = suite.tests / f"{SPOKEN}-{audio.rate}Hz-{audio.channels}ch-s16le.wav"
        await asyncio.to_thread(write_wav, path, audio, converter.convert(pcm) + converter.finish())
    assert await suite.outcomes(WYOMING_ROSIE_ASR_ENGINE="faster-whisper") == {"test_whisper_cpp": "passed"}


async def test_our_tts_daemon_passes_wyoming_pipers(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, "wyoming_piper-2.5.2", "wyoming_piper", "test_piper.py")
    piper_voice.build(suite.local, "en_US-ryan-low", replace(piper_voice.TINY, rate=16000))
    for missing in (suite.tests / "dtw.py", suite.folder / "python_speech_features.py"):
        missing.write_text(MISSING)
    outcomes = await suite.outcomes("test_piper.py::test_piper")
    assert outcomes == {f"test_sentence_silence[{streamed}]": "passed" for streamed in (False, True)}
