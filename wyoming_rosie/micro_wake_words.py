"""microWakeWord: small streaming models, from the pymicro-wakeword package or a folder, each a fraction of a percent of a core."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wyoming.info import Attribution, WakeModel, WakeProgram

from wyoming_rosie.audio import SPEECH
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wake_words import Heard, Rules, Trigger

if TYPE_CHECKING:
    from pymicro_wakeword import MicroWakeWord

PACKAGE = "pymicro_wakeword"
LICENCE = "Apache-2.0"
STEP_SAMPLES = 160  # one feature frame
STEP_BYTES = STEP_SAMPLES * SPEECH.frame_bytes
FEATURES = 40


@dataclass(frozen=True)
class Word:
    """A wake word's model."""

    name: str
    phrase: str
    languages: tuple[str, ...]
    author: str
    website: str
    version: str
    licence: str
    file: Path  # describes the model, which lies beside it


def bundled() -> dict[str, Word]:
    """Return the words of the installed package, without loading anything. Raises ConfigError."""
    package = find_spec(PACKAGE)
    if package is None or package.submodule_search_locations is None:
        raise ConfigError("wake words need: pip install 'wyoming-rosie[wake]'")
    folder = Path(package.submodule_search_locations[0]) / "models"
    return {file.stem: _word(file, LICENCE) for file in sorted(folder.glob("*.json"))}


def from_folder(folder: Path) -> dict[str, Word]:
    """Return the words of a folder with a .json and a .tflite file for each, all tried. Raises ConfigError."""
    if not folder.is_dir():
        raise ConfigError(f"--custom-model-dir: {folder} is not a folder")
    words = {file.stem: from_file(file) for file in sorted(folder.glob("*.json"))}
    if not words:
        raise ConfigError(
            f"--custom-model-dir: {folder} has no microWakeWord model: a .json file with its .tflite beside it"
        )
    return words


def from_file(file: Path) -> Word:
    """Return the word that a .json file describes, whose .tflite file lies beside it, tried. Raises ConfigError."""
    word = _word(file, "")
    load(word)
    return word


def load(word: Word) -> "MicroWakeWord":
    """Return a model of its own for one stream. Raises ConfigError for a file that is no model."""
    # Its default reserves memory for each core; these matrices are too small to share out.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from pymicro_wakeword import MicroWakeWord

    file = _tflite(word.file)
    if file.read_bytes()[4:8] != b"TFL3":  # the library would crash
        raise ConfigError(f"{file} is not a TensorFlow Lite model")
    try:
        model = MicroWakeWord.from_config(word.file)
    except (KeyError, TypeError, ValueError) as err:
        raise ConfigError(f"{word.file} does not describe a microWakeWord model: {err}") from err
    channels = model.lib.TfLiteTensorDim(model.input_tensor, 2)
    if channels != FEATURES:
        raise ConfigError(f"{file} is not a microWakeWord model: it takes {channels} features, not {FEATURES}")
    return model


def program(words: Iterable[Word]) -> WakeProgram:
    """Return what `describe` says of the words."""
    return WakeProgram(
        name="micro-wake-word",
        attribution=Attribution(name="Kevin Ahrendt", url="https://github.com/kahrendt/microWakeWord"),
        installed=True,
        description="Small streaming models for a few English phrases",
        version=metadata.version("pymicro-wakeword"),
        models=[_model(word) for word in words],
    )


class MicroStream:
    """One stream and its words; blocks for about 0.2 ms per word and 80 ms of audio, so it belongs on a worker's thread."""

    def __init__(self, words: Sequence[Word], rules: Rules | None = None) -> None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from pymicro_wakeword import MicroWakeWordFeatures

        self._features = MicroWakeWordFeatures()
        self._rules = rules or Rules()
        self._listeners: dict[str, _Listener] = {}
        self._rest = b""
        self._sample = 0
        self.listen_for(words)

    def listen_for(self, words: Sequence[Word]) -> None:
        """Look for these words from now on; those that were looked for already go on without a gap."""
        self._listeners = {word.name: self._listeners.get(word.name) or self._listener(word) for word in words}

    def skip(self, samples: int) -> None:
        self._sample += samples

    def feed(self, pcm: bytes) -> list[Heard]:
        """Return what became certain in the next piece of 16 kHz 16-bit mono audio, of any length."""
        audio = self._rest + pcm
        whole = len(audio) - len(audio) % STEP_BYTES
        self._rest = audio[whole:]
        return [
            heard for start in range(0, whole, STEP_BYTES) for heard in self._step(audio[start : start + STEP_BYTES])
        ]

    def _listener(self, word: Word) -> "_Listener":
        model = load(word)
        return _Listener(model, self._rules.trigger(word.name, model.probability_cutoff))

    def _step(self, pcm: bytes) -> list[Heard]:
        self._sample += STEP_SAMPLES
        features = list(self._features.process_streaming(pcm))
        found = (listener.step(frame, self._sample) for frame in features for listener in self._listeners.values())
        return [heard for heard in found if heard is not None]


class _Listener:
    """One word's model in one stream; it answers once for several frames."""

    def __init__(self, model: "MicroWakeWord", trigger: Trigger) -> None:
        self._model = model
        self._trigger = trigger
        self._frames = 0

    def step(self, frame: Any, sample: int) -> Heard | None:
        score = self._model.process_streaming_prob(frame)
        self._frames += 1
        if score is None or self._frames % self._model.stride:
            return None
        return self._trigger.step(float(score), sample)


def _word(file: Path, licence: str) -> Word:
    try:
        about = json.loads(file.read_text("utf-8"))
        return Word(
            name=file.stem,
            phrase=str(about["wake_word"]).lower(),
            languages=tuple(map(str, about.get("trained_languages", ()))),
            author=str(about.get("author", "")),
            website=str(about.get("website", "")),
            version=str(about.get("version", "")),
            licence=licence,
            file=file,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise ConfigError(f"{file} does not describe a microWakeWord model ({type(err).__name__}: {err})") from err


def _tflite(file: Path) -> Path:
    try:
        name = json.loads(file.read_text("utf-8"))["model"]
        model = file.parent / Path(str(name)).name
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigError(f"{file} does not name its model: {err}") from err
    if not model.is_file():
        raise ConfigError(f"{model} is missing, which {file.name} names")
    return model


def _model(word: Word) -> WakeModel:
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
