"""microWakeWord: small streaming models from the pymicro-wakeword package or a folder."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from wyoming.info import Attribution, WakeModel, WakeProgram

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.wakeword.detection import Trigger, TriggerRules, WakeDetection
from wyoming_rosie.wakeword.micro_network import MicroNetwork

PACKAGE = "pymicro_wakeword"
LICENCE = "Apache-2.0"
FRAME_SAMPLES = 160  # one feature frame
FRAME_BYTES = FRAME_SAMPLES * SPEECH.frame_bytes


@dataclass(frozen=True)
class MicroModel:
    """The model of one wake word, as its .json file describes it."""

    name: str
    phrase: str
    languages: tuple[str, ...]
    author: str
    website: str
    version: str
    licence: str
    cutoff: float  # the threshold
    window: int  # scores that are averaged
    file: Path  # the .json file, with the .tflite file beside it


def find_package_models() -> dict[str, MicroModel]:
    """Return the models of the installed package, without loading them. Raises ConfigError."""
    return {file.stem: _read_model(file, LICENCE) for file in sorted((_package_folder() / "models").glob("*.json"))}


def load_folder(folder: Path) -> dict[str, MicroModel]:
    """Return the models of a folder, a .json and a .tflite file each, after loading them once. Raises ConfigError."""
    if not folder.is_dir():
        raise ConfigError(f"--custom-model-dir: {folder} is not a folder")
    words = {file.stem: load_file(file) for file in sorted(folder.glob("*.json"))}
    if not words:
        raise ConfigError(
            f"--custom-model-dir: {folder} has no microWakeWord model: a .json file with its .tflite beside it"
        )
    return words


def load_file(file: Path) -> MicroModel:
    """Return the model of a .json file, with its .tflite file beside it, after loading it once. Raises ConfigError."""
    word = _read_model(file, "")
    load_network(word)
    return word


def load_network(word: MicroModel) -> MicroNetwork:
    """Return a new network for one stream. Raises ConfigError if the file is not a model."""
    return MicroNetwork(_library_file(), _network_file(word.file), word.window)


def describe_models(words: Iterable[MicroModel]) -> WakeProgram:
    """Return the program as `info` lists it."""
    return WakeProgram(
        name="micro-wake-word",
        attribution=Attribution(name="Kevin Ahrendt", url="https://github.com/kahrendt/microWakeWord"),
        installed=True,
        description="Small streaming models for a few English phrases",
        version=metadata.version("pymicro-wakeword"),
        models=[_describe_model(word) for word in words],
    )


class MicroFeatures:
    """Feature extraction of one stream: one frame of features for each 10 ms, none for the first 20."""

    def __init__(self) -> None:
        from pymicro_features import MicroFrontend

        self._frontend = MicroFrontend()
        self._buffered = b""

    def extract(self, pcm: bytes) -> Iterator[Sequence[float]]:
        """Yield the features of the next chunk of 16 kHz 16-bit mono PCM, of any length."""
        audio = self._buffered + pcm
        whole = len(audio) - len(audio) % FRAME_BYTES
        self._buffered = audio[whole:]
        for start in range(0, whole, FRAME_BYTES):
            yield self._frontend.process_samples(audio[start : start + FRAME_BYTES]).features


class MicroStream:
    """One stream and its words. Blocks for about 0.2 ms per word and 80 ms of audio: use it in a worker thread."""

    def __init__(self, words: Sequence[MicroModel], rules: TriggerRules | None = None) -> None:
        self._features = MicroFeatures()
        self._rules = rules or TriggerRules()
        self._states: dict[str, _ModelState] = {}
        self._sample = 0
        self.set_models(words)

    def set_models(self, words: Sequence[MicroModel]) -> None:
        """Replace the words; words that stay are detected without a gap."""
        self._states = {word.name: self._states.get(word.name) or self._create_state(word) for word in words}

    def skip(self, samples: int) -> None:
        self._sample += samples

    def process(self, pcm: bytes) -> list[WakeDetection]:
        """Process the next chunk of 16 kHz 16-bit mono PCM, of any length; return the detections."""
        return [detection for features in self._features.extract(pcm) for detection in self._process_frame(features)]

    @property
    def thresholds(self) -> dict[str, float]:
        """The score from which each word counts."""
        return {name: state.threshold for name, state in self._states.items()}

    def take_scores(self) -> dict[str, float]:
        """Return the highest score of each word since the last call."""
        return {name: state.take_peak() for name, state in self._states.items()}

    def _create_state(self, word: MicroModel) -> "_ModelState":
        return _ModelState(load_network(word), self._rules.create_trigger(word.name, word.cutoff))

    def _process_frame(self, features: Sequence[float]) -> list[WakeDetection]:
        self._sample += FRAME_SAMPLES
        found = (listener.process(features, self._sample) for listener in self._states.values())
        return [detection for detection in found if detection is not None]


class _ModelState:
    """The network and trigger of one word in one stream."""

    def __init__(self, network: MicroNetwork, trigger: Trigger) -> None:
        self._network = network
        self._trigger = trigger
        self._peak = 0.0

    @property
    def threshold(self) -> float:
        return self._trigger.threshold

    def process(self, features: Sequence[float], sample: int) -> WakeDetection | None:
        score = self._network.score(features)
        if score is None:
            return None
        self._peak = max(self._peak, score)
        return self._trigger.update(score, sample)

    def take_peak(self) -> float:
        """Return the highest score since the last call."""
        peak, self._peak = self._peak, 0.0
        return peak


def _read_model(file: Path, licence: str) -> MicroModel:
    try:
        about = json.loads(file.read_text("utf-8"))
        micro = about["micro"]
        return MicroModel(
            name=file.stem,
            phrase=str(about["wake_word"]).lower(),
            languages=tuple(map(str, about.get("trained_languages", ()))),
            author=str(about.get("author", "")),
            website=str(about.get("website", "")),
            version=str(about.get("version", "")),
            licence=licence,
            cutoff=float(micro["probability_cutoff"]),
            window=max(1, int(micro["sliding_window_size"])),
            file=file,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise ConfigError(f"{file} does not describe a microWakeWord model ({type(err).__name__}: {err})") from err


def _package_folder() -> Path:
    found = find_spec(PACKAGE)
    if found is None or found.submodule_search_locations is None:
        raise ConfigError(f"wake words need: {install_command(['wake'])}")
    return Path(found.submodule_search_locations[0])


def _library_file() -> Path:
    """Return the package's TensorFlow Lite library without importing the package, which imports numpy."""
    for file in (_package_folder() / "lib").glob("*tensorflowlite_c.*"):
        return file
    raise ConfigError("pymicro-wakeword has no TensorFlow Lite for this machine; give --wake-uri instead")


def _network_file(file: Path) -> Path:
    try:
        name = json.loads(file.read_text("utf-8"))["model"]
        model = file.parent / Path(str(name)).name
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigError(f"{file} does not name its model: {err}") from err
    if not model.is_file():
        raise ConfigError(f"{model} is missing, which {file.name} names")
    return model


def _describe_model(word: MicroModel) -> WakeModel:
    licence = f" ({word.licence})" if word.licence else ""
    return WakeModel(
        name=word.name,
        phrase=word.phrase,
        languages=list(word.languages),
        attribution=Attribution(name=word.author, url=word.website),
        installed=True,
        description=f"the wake word '{word.phrase}'{licence}",
        version=word.version,
    )
