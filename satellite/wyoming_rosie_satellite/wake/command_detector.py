"""Wake detector by a command, which reads raw samples and writes a line for each wake word."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from wyoming.info import Attribution, WakeModel, WakeProgram

from wyoming_rosie import __version__
from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol import turn
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.messages import WakeWord
from wyoming_rosie_satellite.subprocesses import end_process, split_command, start_process
from wyoming_rosie_satellite.wake.detector import AudioBacklog

_LOG = structlog.get_logger()
FLAG = "--wake-command"
MAX_PAUSE_SECONDS = 30.0
_CREDIT = Attribution(name="", url="")


class CommandDetector:
    """Runs a command, and restarts it when it ends. Only wake words in `names` count, if there are any.

    An empty line stands for the first of them. Raises ConfigError.
    """

    def __init__(self, line: str, audio: AudioFormat, names: Sequence[str], refractory_seconds: float) -> None:
        self._words = split_command(FLAG, line)
        self._format = audio
        self._names = names
        self._selected: Sequence[str] | None = None  # None: as in the settings
        self._refractory = round(refractory_seconds * SPEECH.rate)
        self._backlog = AudioBacklog()
        self._sent = 0  # samples, to this run of the command
        self._last_samples: dict[str, int] = {}  # position of each word's last detection
        self._has_worked = False

    def push_audio(self, pcm: bytes) -> None:
        self._backlog.push(pcm)

    def select_words(self, names: Sequence[str]) -> None:
        self._selected = names

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                await self._run_process(on_wake_word)
            except (RosieError, OSError) as err:
                if self._has_worked:
                    backoff.reset()
                if not backoff.failures:
                    _LOG.warning("wake command failed", command=self._words[0], reason=str(err))
            self._has_worked = False
            await backoff.sleep()

    async def _run_process(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        process = await start_process(self._words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            await run_until_first_exit(self._write(process.stdin), self._read(process.stdout, on_wake_word))
        finally:
            await end_process(process)

    async def _write(self, to: asyncio.StreamWriter) -> None:
        converter = Converter(SPEECH, self._format)
        self._backlog.reset()
        self._sent = 0
        while True:
            pcm = await self._backlog.pop()
            to.write(converter.convert(pcm))
            self._sent += len(pcm) // SPEECH.frame_bytes
            await to.drain()

    async def _read(self, source: asyncio.StreamReader, on_wake_word: Callable[[WakeWord], None]) -> None:
        try:
            while line := await source.readline():
                self._has_worked = True
                self._on_line(line.decode(errors="replace").strip(), on_wake_word)
        except ValueError as err:
            raise DeviceError("its line is too long") from err
        raise DeviceError("it has ended")

    def _on_line(self, written: str, on_wake_word: Callable[[WakeWord], None]) -> None:
        name = written or next(iter(self._names), "")
        if self._names and name not in self._names:
            return
        if self._selected is not None and name not in self._selected:
            return
        position = self._backlog.offset + self._sent
        if position - self._last_samples.get(name, -self._refractory) >= self._refractory:
            self._last_samples[name] = position
            on_wake_word(WakeWord(name, position, turn.new_id()))


def describe_wake_words(names: Sequence[str]) -> WakeProgram:
    """Return the command's wake words as `info` lists them."""
    return WakeProgram(
        name="wake-command",
        attribution=_CREDIT,
        installed=True,
        description="A command of this satellite's operator",
        version=__version__,
        models=[
            WakeModel(
                name=name,
                attribution=_CREDIT,
                installed=True,
                description=name,
                version=None,
                languages=[],
                phrase=name.replace("_", " "),
            )
            for name in names
        ],
    )
