"""`wyoming-rosie check-model` and `train-verifier`: wake word models and speaker verifiers."""

import asyncio
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeAlias

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from wyoming_rosie.audio import files
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.text.suggestions import describe_unknown_name
from wyoming_rosie.wakeword.detection import match_name
from wyoming_rosie.wakeword.openwakeword import model_files

if TYPE_CHECKING:
    from wyoming_rosie.wakeword.openwakeword.network import Floats, OpenWakeWordNetwork

HOP_BYTES = model_files.HOP_SAMPLES * SPEECH.frame_bytes
SILENCE_SECONDS = 1.5
"""Silence around each recording, so that a word at its end is complete."""
TIMED_HOPS = 200
MIN_WORD_SCORE = 0.2
"""Best score below which a recording does not contain the word."""
OTHER_WINDOWS = 300
FOLDS = 5
SURE = 0.5

Folders: TypeAlias = Annotated[tuple[Path, ...], Parameter(help="folder with more models; may be given again")]


class ScoreStream(Protocol):
    """A stream of audio through one model."""

    def predict(self, pcm: bytes) -> float:
        """Return the highest score in the next 80 ms."""


@dataclass(frozen=True)
class LoadedModel:
    """A model that loads, with its properties."""

    kind: str
    name: str
    input: str
    frames: int  # of input for one score
    threshold: float
    stream: Callable[[], ScoreStream]


async def check_model(
    file: Annotated[Path, Parameter(help="an .onnx or .tflite file of openWakeWord, a .json file of microWakeWord")],
    /,
    *,
    wav: Annotated[Path | None, Parameter(help="a recording to score")] = None,
    custom_model_dir: Folders = (),
    json: Annotated[bool, Parameter(help="print the result as one line of JSON", negative=())] = False,
) -> None:
    """Check a wake word model: its shape, its score on a recording, its CPU time."""
    with ExitStack() as stack:
        recording = stack.enter_context(files.buffered(wav)) if wav is not None else None
        result = await _check_in_process(file, custom_model_dir, recording)
    _print_result(result, as_json=json)


async def _check_in_process(file: Path, folders: Sequence[Path], wav: Path | None) -> dict[str, Any]:
    """Check a model in a child process: native code may crash on a damaged file. Raises ConfigError."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=_silence_output) as apart:
        try:
            return await asyncio.get_running_loop().run_in_executor(apart, _check_model, file, folders, wav)
        except BrokenProcessPool as err:
            raise ConfigError(f"{file} is damaged or of an unknown kind: the library that loads it crashes") from err


def _silence_output() -> None:
    """Leave Ctrl-C to the parent process, and drop the message of a crash, which the parent reports."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _check_model(file: Path, folders: Sequence[Path], wav: Path | None) -> dict[str, Any]:
    checked = _load_model(file, folders)
    result: dict[str, Any] = {
        "kind": checked.kind,
        "word": checked.name,
        "input": checked.input,
        "frames": checked.frames,
        "threshold": checked.threshold,
        "cpu_ms_per_80_ms": round(_measure_cpu_ms(checked.stream()), 3),
    }
    if wav is not None:
        score, at = _find_max(checked.stream(), wav)
        result |= {"score": round(score, 3), "at_ms": at, "is_heard": score > checked.threshold}
    return result


def train_verifier(
    own: Annotated[tuple[Path, ...], Parameter(help="recordings, or folders of them, of the person saying the word")],
    /,
    *,
    word: Annotated[str, Parameter(help="the wake word, such as hey_jarvis")],
    user: Annotated[str, Parameter(help="name of the person")],
    output: Annotated[Path, Parameter(help="file to write, such as anna.npz")],
    other: Annotated[
        tuple[Path, ...],
        Parameter(help="recordings, or folders of them, of other people and other speech; may be given again"),
    ],
    custom_model_dir: Folders = (),
) -> None:
    """Train a verifier from a few recordings, so that only this voice triggers a wake word."""
    from wyoming_rosie.wakeword.openwakeword import verifier

    loaded = _load_network(custom_model_dir, word)
    word = next(iter(loaded.heads))  # as its model is called, of "Hey Jarvis" hey_jarvis
    console = Console(stderr=True, soft_wrap=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        voices: list[list[Floats]] = []
        scored: list[tuple[float, Floats]] = []
        for path in progress.track(_find_recordings(own), description="own recordings"):
            score, windows = _word_windows(loaded, word, path)
            if windows:
                voices.append(windows)
            else:
                console.print(f"{path}: the word is not detected (best score {score:.2f}); left out")
        for path in progress.track(_find_recordings(other), description="other recordings"):
            scored += _embedding_windows(loaded, word, path)
    alike = [window for score, window in scored if score > MIN_WORD_SCORE]
    others = [window for score, window in scored if score <= MIN_WORD_SCORE]
    others = others[:: max(1, len(others) // OTHER_WINDOWS)]
    positive = [window for windows in voices for window in windows]
    verifier.create_verifier(user, word, positive, others, alike).save(output)
    accepted, mistaken = _cross_validate(voices, others, alike)
    print(  # noqa: T201
        f"{output}: {user}, {word}, from {len(voices)} recordings of the voice and {len(others) + len(alike)} pieces of other "
        f"sound, {len(alike)} of which the model alone takes for the word.\n"
        f"Of what it was not trained on, it accepts {accepted} recordings of the voice and {mistaken} pieces of other sound."
    )


class _OpenScoreStream:
    def __init__(self, network: "OpenWakeWordNetwork", word: str) -> None:
        self._network = network
        self._word = word
        self.state = network.create_stream()

    def predict(self, pcm: bytes) -> float:
        return self._network.predict([self.state], [pcm], [(self._word,)])[0][0]


class _MicroScoreStream:
    def __init__(self, file: Path) -> None:
        from wyoming_rosie.wakeword import micro

        self._features = micro.MicroFeatures()
        self._network = micro.load_network(micro.load_file(file))

    def predict(self, pcm: bytes) -> float:
        scores = [self._network.score(frame) for frame in self._features.extract(pcm)]
        return max((score for score in scores if score is not None), default=0.0)


def _load_model(file: Path, folders: Sequence[Path]) -> LoadedModel:
    if file.suffix == ".json":
        return _load_micro_model(file)
    if file.suffix not in model_files.SUFFIXES:
        raise ConfigError(f"{file} is not a wake word model: give an .onnx or .tflite file, or .json of microWakeWord")
    word = model_files.parse_model_file(file)
    network = _load_words({word.name: word}, [*folders, file.parent])
    hops = network.heads[word.name].hops
    return LoadedModel(
        "openWakeWord",
        word.name,
        f"(1, {hops}, 96)",
        hops,
        model_files.THRESHOLD,
        lambda: _OpenScoreStream(network, word.name),
    )


def _load_micro_model(file: Path) -> LoadedModel:
    from wyoming_rosie.wakeword import micro, micro_network

    word = micro.load_file(file)
    stride = micro.load_network(word).stride
    shape = f"(1, {stride}, {micro_network.FEATURES})"
    return LoadedModel("microWakeWord", word.name, shape, stride, word.cutoff, lambda: _MicroScoreStream(file))


def _load_network(folders: Sequence[Path], word: str) -> "OpenWakeWordNetwork":
    known = model_files.find_models(folders, [word])
    word = match_name(word, known)
    if word not in known:
        raise ConfigError(describe_unknown_name("openWakeWord model", word, known))
    return _load_words({word: known[word]}, folders)


def _load_words(words: dict[str, model_files.ModelFile], folders: Sequence[Path]) -> "OpenWakeWordNetwork":
    model_files.check_installed()
    from wyoming_rosie.wakeword.openwakeword import network

    return network.load_network(words, model_files.find_feature_files(folders))


def _measure_cpu_ms(scores: ScoreStream) -> float:
    pieces = [bytes(range(256)) * 10 for _ in range(TIMED_HOPS)]
    took = []
    for pcm in pieces:
        begin = time.process_time()
        scores.predict(pcm)
        took.append(1000 * (time.process_time() - begin))
    return median(took)


def _read_hops(file: Path) -> Iterator[bytes]:
    """Yield a recording in chunks of 80 ms, with silence around it. Raises ConfigError, EngineError."""
    silence = bytes(SPEECH.bytes_in(SILENCE_SECONDS))
    with files.open_audio(file) as recording:
        buffered = b""
        for block in chain([silence], files.speech_blocks(recording), [silence]):
            buffered += block
            whole = len(buffered) - len(buffered) % HOP_BYTES
            yield from (buffered[at : at + HOP_BYTES] for at in range(0, whole, HOP_BYTES))
            buffered = buffered[whole:]


def _find_max(scores: ScoreStream, file: Path) -> tuple[float, int]:
    """Return the highest score and its time in milliseconds from the start of the recording."""
    score, hop = max(((scores.predict(hop), -at) for at, hop in enumerate(_read_hops(file))))
    return score, round(80 * (1 - hop) - 1000 * SILENCE_SECONDS)


def _embedding_windows(network: "OpenWakeWordNetwork", word: str, path: Path) -> list[tuple[float, "Floats"]]:
    scores = _OpenScoreStream(network, word)
    hops = network.heads[word].hops
    return [(scores.predict(hop), scores.state.embeddings[-hops:]) for hop in _read_hops(path)]


def _word_windows(network: "OpenWakeWordNetwork", word: str, path: Path) -> tuple[float, list["Floats"]]:
    """Return the best score, and the embeddings at each detection of the word."""
    windows = _embedding_windows(network, word, path)
    best = max(score for score, _ in windows)
    return best, [window for score, window in windows if score > max(MIN_WORD_SCORE, best / 2)]


def _cross_validate(
    voices: Sequence[Sequence["Floats"]], others: Sequence["Floats"], alike: Sequence["Floats"]
) -> tuple[str, str]:
    """Return how many recordings of the person, and of other windows, verifiers accept that were not trained on them."""
    from wyoming_rosie.wakeword.openwakeword import verifier

    folds = min(FOLDS, len(voices))
    accepted, mistaken = [], []
    for fold in range(folds):
        training = [window for at, windows in enumerate(voices) if at % folds != fold for window in windows]
        if len(training) < verifier.MIN_SAMPLES:
            return "?", "?"
        known, known_alike = (_exclude_fold(fold, folds, part) for part in (others, alike))
        trained = verifier.create_verifier("", "", training, known, known_alike)
        for windows in voices[fold::folds]:
            accepted.append(any(trained.predict(window) >= SURE for window in windows))
        mistaken += [trained.predict(window) >= SURE for window in (*others[fold::folds], *alike[fold::folds])]
    return f"{sum(accepted)} of {len(accepted)}", f"{sum(mistaken)} of {len(mistaken)}"


def _exclude_fold(fold: int, folds: int, windows: Sequence["Floats"]) -> list["Floats"]:
    return [window for at, window in enumerate(windows) if at % folds != fold]


def _find_recordings(paths: Iterable[Path]) -> list[Path]:
    found = [file for path in paths for file in (sorted(path.glob("*.wav")) if path.is_dir() else [path])]
    if not found:
        raise ConfigError(f"there is no .wav file in {', '.join(map(str, paths))}")
    return found


def _print_result(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))  # noqa: T201
        return
    for name, value in result.items():
        Console(soft_wrap=True).print(f"{name.replace('_', ' '):<20} {value}", highlight=False)
