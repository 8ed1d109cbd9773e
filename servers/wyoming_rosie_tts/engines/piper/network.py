"""A Piper voice's network in two parts: symbols to frames at once, and frames to sound in slices.

Most of the work is the second part's, so that the first sound of a long sentence need not wait for its last word. A frame
is some milliseconds of the sentence; its sound depends on a few frames before and behind it, which each slice includes.
"""

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

from wyoming_rosie.errors import EngineError
from wyoming_rosie_tts.cancellation import Interruption
from wyoming_rosie_tts.engines.piper import graph
from wyoming_rosie_tts.engines.piper.slice_planner import Pace
from wyoming_rosie_tts.engines.piper.voices import Scales as Scales

Floats: TypeAlias = npt.NDArray[np.float32]
Run: TypeAlias = Callable[[Mapping[str, Any], Interruption], Floats | None]
"""Returns nothing when it was interrupted."""
NOTHING: Floats = np.empty(0, np.float32)
FARTHEST = 64
"""Frames; a network that looks farther is not cut."""
INAUDIBLE = 1e-6
"""Of the loudest: a change that is 120 dB softer is that of rounding."""
THREADS = 4
"""More of them make one sentence hardly faster."""


@dataclass(frozen=True)
class Cut:
    """The decoder: its input, samples to a frame, how many frames before and behind one its sound depends on, its work."""

    frames: str
    hop: int
    before: int
    behind: int
    work_seconds: float  # for a frame, as it was measured when the network was loaded


class Network(Protocol):
    """A loaded network. Its calls may overlap."""

    def speak(
        self, symbols: Sequence[int], scales: Scales, speaker: int, interruption: Interruption
    ) -> Iterator[Floats]:
        """Yield the sound, -1 to 1, piece by piece; an empty one where others may go first."""


class WholeNetwork:
    """A network that cannot be cut: the sound of a sentence is one piece."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def speak(
        self, symbols: Sequence[int], scales: Scales, speaker: int, interruption: Interruption
    ) -> Iterator[Floats]:
        while (sound := self._run(_inputs(symbols, scales, speaker), interruption)) is None:
            yield NOTHING
        yield sound.reshape(-1)


class SlicedNetwork:
    """A network in two parts; `cut` says what the second one looks at."""

    def __init__(self, encode: Run, decode: Run, cut: Cut, rate: int) -> None:
        self.cut = cut
        self._encode = encode
        self._decode = decode
        self._pace = Pace(cut.hop / rate, cut.before + cut.behind, cut.work_seconds)

    def speak(
        self, symbols: Sequence[int], scales: Scales, speaker: int, interruption: Interruption
    ) -> Iterator[Floats]:
        while (frames := self.frames(symbols, scales, speaker, interruption)) is None:
            yield NOTHING
        yield NOTHING
        for begin, end in pairwise(self._pace.edges(frames.shape[-1])):
            while (sound := self.sound(frames, begin, end, speaker, interruption)) is None:
                yield NOTHING
            yield sound

    def frames(self, symbols: Sequence[int], scales: Scales, speaker: int, interruption: Interruption) -> Floats | None:
        """Return the sentence as frames, (1, channels, frames)."""
        return self._encode(_inputs(symbols, scales, speaker), interruption)

    def sound(self, frames: Floats, begin: int, end: int, speaker: int, interruption: Interruption) -> Floats | None:
        """Return the sound of some of the frames, just as if all of them had been decoded."""
        first = max(0, begin - self.cut.before)
        window = np.ascontiguousarray(frames[..., first : end + self.cut.behind])
        begun = perf_counter()
        samples = self._decode(_window(self.cut.frames, window, speaker), interruption)
        if samples is None:
            return None
        self._pace.note(window.shape[-1], perf_counter() - begun)
        return samples.reshape(-1)[(begin - first) * self.cut.hop : (end - first) * self.cut.hop]


def load(path: Path, rate: int, *, cuda: bool) -> Network:
    """Return a voice's network, sliced if its decoder is found and looks no farther than it should.

    Takes seconds. Raises EngineError for what is no voice.
    """
    network = _load(path, rate, cuda)
    with suppress(AttributeError, OSError):  # only the GNU library keeps so much of what reading took
        ctypes.CDLL(None).malloc_trim(0)
    return network


def _load(path: Path, rate: int, cuda: bool) -> Network:
    model = _read(path)
    frames = graph.frames_of(model)
    parts = frames and graph.parts(model, frames)
    if not parts:
        return WholeNetwork(_runner(model, cuda, path))
    encode, decode = (_runner(part, cuda, path) for part in parts)
    cut = _measured(encode, decode, frames)
    return SlicedNetwork(encode, decode, cut, rate) if cut else WholeNetwork(_runner(model, cuda, path))


def _measured(encode: Run, decode: Run, frames: str) -> Cut | None:
    """Find out how far the decoder looks: change one frame, and see how much of the sound is another."""
    uninterrupted = Interruption()
    sample = encode(_inputs([0], Scales(0, 1, 0), 0), uninterrupted)
    assert sample is not None
    random = np.random.default_rng(1)
    count = 2 * FARTHEST + 1
    one = random.normal(0, 1, (1, sample.shape[1], count)).astype(np.float32)
    other = one.copy()
    other[..., FARTHEST] = random.normal(0, 1, sample.shape[1])
    before = decode(_window(frames, one, 0), uninterrupted)
    begun = perf_counter()
    after = decode(_window(frames, other, 0), uninterrupted)
    work_seconds = (perf_counter() - begun) / count
    assert before is not None
    assert after is not None
    hop, rest = divmod(before.size, count)
    change = np.abs(after - before).reshape(-1)
    differing = np.flatnonzero(change > INAUDIBLE * change.max(initial=0.0)) // max(1, hop)
    if rest or not len(differing) or differing[0] == 0 or differing[-1] == count - 1:
        return None
    return Cut(frames, hop, int(differing[-1]) - FARTHEST, FARTHEST - int(differing[0]), work_seconds)


def _window(frames: str, window: Floats, speaker: int) -> dict[str, Any]:
    return {frames: window, "sid": np.array([speaker], np.int64)}


def _inputs(symbols: Sequence[int], scales: Scales, speaker: int) -> dict[str, Any]:
    return {
        "input": np.array([symbols], np.int64),
        "input_lengths": np.array([len(symbols)], np.int64),
        "scales": np.array([scales.noise, scales.length, scales.noise_w], np.float32),
        "sid": np.array([speaker], np.int64),
    }


def _read(path: Path) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path)
    except OSError as err:
        raise EngineError(f"cannot read {path}: {err.strerror}") from err
    except (DecodeError, ValueError) as err:
        raise EngineError(f"{path} is not an ONNX network; fetch the voice again") from err


def _runner(model: onnx.ModelProto, cuda: bool, path: Path) -> Run:
    """Return a call of the network with what it takes of the inputs; it keeps no memory between calls."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(THREADS, len(os.sched_getaffinity(0)))
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # it would grow with the longest sentence
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = ["CUDAExecutionProvider"] * cuda + ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    except Exception as err:  # onnxruntime's errors have no class in common
        raise EngineError(f"onnxruntime does not load {path}: {str(err)[:200]}") from err
    names = {one.name for one in session.get_inputs()}

    def run(given: Mapping[str, Any], interruption: Interruption) -> Floats | None:
        this = onnxruntime.RunOptions()
        with interruption.by(lambda: setattr(this, "terminate", True)):
            try:
                return np.asarray(session.run(None, {name: given[name] for name in names}, this)[0])
            except Exception:
                if this.terminate:
                    return None
                raise

    return run
