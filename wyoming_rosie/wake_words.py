"""Wake words in a stream of speech audio, with the models that come in the pymicro-wakeword package.

Time is audio time: samples of the stream, whatever the clock on the wall says.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wyoming.info import Attribution, WakeModel, WakeProgram

from wyoming_rosie.audio import SPEECH
from wyoming_rosie.errors import ConfigError, RosieError

if TYPE_CHECKING:
    from pymicro_wakeword import MicroWakeWord

PACKAGE = "pymicro_wakeword"
REFRACTORY_SECONDS = 2.0
"""Pause after a detection before the same word is reported again."""
STEP_SAMPLES = 160  # one feature frame
STEP_BYTES = STEP_SAMPLES * SPEECH.frame_bytes


class UnknownWakeWordError(RosieError):
    """A word that no model knows."""

    code = "unknown-wake-word"


@dataclass(frozen=True)
class Heard:
    """A wake word was heard: its model's score (0 to 1) and the sample of the stream at which it was sure."""

    name: str
    score: float
    sample: int

    @property
    def milliseconds(self) -> int:
        return round(1000 * self.sample / SPEECH.rate)


class WakeStream(Protocol):
    """One stream of audio and the words that are looked for in it."""

    def feed(self, pcm: bytes) -> list[Heard]:
        """Return the words that became certain in the next piece of 16 kHz 16-bit mono audio, of any length."""


@dataclass(frozen=True)
class Word:
    """A wake word's model."""

    name: str
    phrase: str
    languages: tuple[str, ...]
    author: str
    website: str
    version: str
    file: Path  # describes the model, which lies beside it


def bundled() -> dict[str, Word]:
    """Return the words of the installed package, without loading anything. Raises ConfigError."""
    package = find_spec(PACKAGE)
    if package is None or package.submodule_search_locations is None:
        raise ConfigError("wake words need: pip install 'wyoming-rosie[wake]'")
    folder = Path(package.submodule_search_locations[0]) / "models"
    return {file.stem: _word(file) for file in sorted(folder.glob("*.json"))}


def choose(known: Mapping[str, Word], names: Iterable[str]) -> list[Word]:
    """Return the named words, all of them for no names. Raises UnknownWakeWordError."""
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in known:
            raise UnknownWakeWordError(f"no wake word is named {name[:50]!r}; there are: {', '.join(known)}")
    return [known[name] for name in names or known]


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
    """A WakeStream; blocks for about 0.2 ms per word and 80 ms of audio, so it belongs on a worker's thread."""

    def __init__(self, words: Sequence[Word], refractory_seconds: float = REFRACTORY_SECONDS) -> None:
        # Its default reserves memory for each core; these matrices are too small to share out.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

        self._features = MicroWakeWordFeatures()
        pause = round(refractory_seconds * SPEECH.rate)
        self._listeners = [_Listener(MicroWakeWord.from_config(word.file), pause) for word in words]
        self._rest = b""
        self._sample = 0

    def feed(self, pcm: bytes) -> list[Heard]:
        audio = self._rest + pcm
        whole = len(audio) - len(audio) % STEP_BYTES
        self._rest = audio[whole:]
        return [
            heard for start in range(0, whole, STEP_BYTES) for heard in self._step(audio[start : start + STEP_BYTES])
        ]

    def _step(self, pcm: bytes) -> list[Heard]:
        self._sample += STEP_SAMPLES
        features = list(self._features.process_streaming(pcm))
        found = (listener.step(frame, self._sample) for frame in features for listener in self._listeners)
        return [heard for heard in found if heard is not None]


class _Listener:
    """One word in one stream: reported when its score rises over the model's threshold, and not again too soon."""

    def __init__(self, model: "MicroWakeWord", pause: int) -> None:
        self._model = model
        self._pause = pause  # samples
        self._frames = 0
        self._above = False
        self._quiet_until = 0

    def step(self, frame: Any, sample: int) -> Heard | None:
        score = self._model.process_streaming_prob(frame)
        self._frames += 1
        if score is None or self._frames % self._model.stride:
            return None  # the model answers once for several frames
        was_above, self._above = self._above, score > self._model.probability_cutoff
        if was_above or not self._above or sample < self._quiet_until:
            return None
        self._quiet_until = sample + self._pause
        return Heard(self._model.id, round(float(score), 3), sample)


def _word(file: Path) -> Word:
    about = json.loads(file.read_text("utf-8"))
    return Word(
        name=file.stem,
        phrase=about["wake_word"].lower(),
        languages=tuple(about.get("trained_languages", ())),
        author=about.get("author", ""),
        website=about.get("website", ""),
        version=str(about.get("version", "")),
        file=file,
    )


def _model(word: Word) -> WakeModel:
    return WakeModel(
        name=word.name,
        phrase=word.phrase,
        languages=list(word.languages),
        attribution=Attribution(name=word.author, url=word.website),
        installed=True,
        description=f"the wake word '{word.phrase}'",
        version=word.version,
    )
