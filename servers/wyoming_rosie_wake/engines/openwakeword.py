"""The openwakeword engine: openWakeWord's models as exact streaming networks on onnxruntime, shared by many streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming.info import Attribution, WakeModel, WakeProgram

from wyoming_rosie import __version__
from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.stream_scheduler import BatchLimits
from wyoming_rosie.wakeword.detection import (
    MAX_REFRACTORY_SECONDS,
    MAX_THRESHOLD,
    MIN_THRESHOLD,
    OneWordFilter,
    Trigger,
    TriggerRules,
    WakeDetection,
    select_words,
)
from wyoming_rosie.wakeword.openwakeword import model_files
from wyoming_rosie.wakeword.openwakeword.model_files import ModelFile
from wyoming_rosie_wake.engine import TICK_SECONDS
from wyoming_rosie_wake.models import ModelSelection

if TYPE_CHECKING:
    from wyoming_rosie.wakeword.openwakeword.network import Floats, OpenWakeWordNetwork, StreamFeatures
    from wyoming_rosie.wakeword.openwakeword.verifier import SpeakerVerifier

_MAKER = Attribution(name="David Scripka", url="https://github.com/dscripka/openWakeWord")


@dataclass(frozen=True)
class Settings:
    verifier: tuple[Path, ...] = option(
        (), "speaker verifier, made by 'wyoming-rosie train-verifier'; may be given again"
    )
    verifier_threshold: float = option(
        0.5, "probability from which a verifier accepts a speaker", minimum=MIN_THRESHOLD, maximum=MAX_THRESHOLD
    )
    confirmation_threshold: float = option(
        0.3,
        "lower score above which two scores in a row detect a word, unless its threshold is set; 0: only the threshold counts",
        minimum=0,
        maximum=MAX_THRESHOLD,
    )
    one_word_seconds: float = option(
        1.0,
        "seconds of audio in which only the word with the highest score is detected; 0: each word by itself",
        minimum=0,
        maximum=MAX_REFRACTORY_SECONDS,
    )


class OpenWakeWordStream:
    """One stream: the state of its features, and the triggers of its words."""

    def __init__(self, state: "StreamFeatures", triggers: dict[str, Trigger], one_word: OneWordFilter) -> None:
        self.state = state
        self.one_word = one_word
        self.sample = 0
        self.is_idle = True  # all triggers are
        self.set_triggers(triggers)

    def set_triggers(self, triggers: dict[str, Trigger]) -> None:
        self.triggers = triggers
        self.words = tuple(triggers)
        self.min_score = min(trigger.min_score for trigger in triggers.values())
        self._peaks = dict.fromkeys(triggers, 0.0)

    @property
    def thresholds(self) -> dict[str, float]:
        return {name: trigger.threshold for name, trigger in self.triggers.items()}

    def add_scores(self, scores: Sequence[float]) -> None:
        """Keep the highest score of each word."""
        self._peaks = {
            name: max(peak, float(new)) for (name, peak), new in zip(self._peaks.items(), scores, strict=True)
        }

    def take_scores(self) -> dict[str, float]:
        peaks, self._peaks = self._peaks, dict.fromkeys(self.words, 0.0)
        return peaks

    def skip(self, samples: int) -> None:
        self.sample += samples


class OpenWakeWordEngine:
    """Wake words by name, on networks that all streams share."""

    def __init__(
        self,
        files: Mapping[str, ModelFile],
        network: "OpenWakeWordNetwork",
        rules: TriggerRules,
        verifiers: "SpeakerVerifiers",
        settings: Settings = Settings(),
    ) -> None:
        self._settings = settings
        self.batch_limits = BatchLimits(network.hop_bytes, network.hop_bytes, TICK_SECONDS)
        self._files = files
        self._network = network
        self._rules = rules
        self._verifiers = verifiers

    def describe(self) -> WakeProgram:
        return WakeProgram(
            name="openwakeword",
            attribution=_MAKER,
            installed=True,
            description="openWakeWord's networks, run as streaming networks",
            version=__version__,
            models=[_describe_model(file) for file in self._files.values()],
        )

    def match_names(self, names: Sequence[str]) -> list[str]:
        return [file.name for file in select_words(self._files, names)] if names else []

    def create_stream(self, names: Sequence[str]) -> OpenWakeWordStream:
        one_word = OneWordFilter(self._settings.one_word_seconds)
        return OpenWakeWordStream(self._network.create_stream(), self._create_triggers(names), one_word)

    def set_words(self, stream: OpenWakeWordStream, names: Sequence[str]) -> None:
        triggers = self._create_triggers(names)
        stream.set_triggers({name: stream.triggers.get(name, new) for name, new in triggers.items()})

    def process_batch(self, batch: Sequence[tuple[OpenWakeWordStream, bytes]]) -> list[Sequence[WakeDetection]]:
        streams = [stream for stream, _ in batch]
        scores = self._network.predict(
            [stream.state for stream in streams], [pcm for _, pcm in batch], [stream.words for stream in streams]
        )
        return [self._update_triggers(stream, words) for stream, words in zip(streams, scores, strict=True)]

    def _create_triggers(self, names: Sequence[str]) -> dict[str, Trigger]:
        """Return new triggers in sorted order, so that streams with the same words share their networks."""
        words = sorted(file.name for file in select_words(self._files, names))
        self._network.load_words(tuple(words))
        lower = self._settings.confirmation_threshold
        return {word: self._rules.create_trigger(word, model_files.THRESHOLD, lower) for word in words}

    def _update_triggers(self, stream: OpenWakeWordStream, scores: Sequence[float]) -> Sequence[WakeDetection]:
        stream.sample += self._network.hop_samples
        stream.add_scores(scores)
        if stream.is_idle and max(scores) <= stream.min_score:
            return ()  # nearly always
        found = [self._update_trigger(stream, name, score) for name, score in zip(stream.words, scores, strict=True)]
        detections = [detection for detection in found if detection is not None]
        rising = {
            word: score
            for word, score in zip(stream.words, scores, strict=True)
            if score > stream.triggers[word].min_score
        }
        remaining = stream.one_word.update(detections, rising, stream.sample)
        stream.is_idle = stream.one_word.is_idle and all(trigger.is_idle for trigger in stream.triggers.values())
        return remaining

    def _update_trigger(self, stream: OpenWakeWordStream, name: str, score: float) -> WakeDetection | None:
        trigger = stream.triggers[name]
        if score <= trigger.lowest_threshold or not self._verifiers.has_verifier(name):
            return trigger.update(score, stream.sample)
        speaker = self._verifiers.find_speaker(name, stream.state.embeddings)
        detection = trigger.update(score if speaker else trigger.lowest_threshold, stream.sample)  # not over it
        return detection and replace(detection, speaker=speaker)


@dataclass(frozen=True)
class SpeakerVerifiers:
    """Speaker verifiers, each for one word, and their threshold; a word without a verifier is accepted from anyone."""

    verifiers: "Sequence[SpeakerVerifier]" = ()
    threshold: float = 0.5

    def has_verifier(self, word: str) -> bool:
        return any(verifier.word == word for verifier in self.verifiers)

    def find_speaker(self, word: str, embeddings: "Floats") -> str:
        """Return the user who said the word, an empty name for an unknown speaker."""
        sure = [(verifier.predict(embeddings), verifier.user) for verifier in self.verifiers if verifier.word == word]
        probability, user = max(sure, default=(0.0, ""))
        return user if probability >= self.threshold else ""


def load(settings: Settings, models: ModelSelection) -> OpenWakeWordEngine:
    """Return the engine. Raises ConfigError."""
    check_limits(settings, "--openwakeword.")
    model_files.check_installed()
    from wyoming_rosie.wakeword.openwakeword import network

    own_files = {file.name: file for file in map(model_files.parse_model_file, models.files)}
    folders = (*models.folders, *dict.fromkeys(path.parent for path in models.files))
    files = models.select({**model_files.find_models(models.folders, models.names), **own_files}, own_files)
    loaded = network.load_network(files, model_files.find_feature_files(folders))
    return OpenWakeWordEngine(files, loaded, models.rules, _load_verifiers(settings, loaded), settings)


def _load_verifiers(settings: Settings, network: "OpenWakeWordNetwork") -> SpeakerVerifiers:
    from wyoming_rosie.wakeword.openwakeword import verifier

    verifiers = [verifier.load_verifier(path) for path in settings.verifier]
    for path, speaker_verifier in zip(settings.verifier, verifiers, strict=True):
        if (
            speaker_verifier.word not in network.heads
            or speaker_verifier.hops != network.heads[speaker_verifier.word].hops
        ):
            raise ConfigError(f"{path} is for the word {speaker_verifier.word!r}, which is not offered here")
    return SpeakerVerifiers(verifiers, settings.verifier_threshold)


def _describe_model(file: ModelFile) -> WakeModel:
    phrase = file.name.replace("_", " ")
    terms = f" ({file.licence}, from {file.source})" if file.licence else ""
    return WakeModel(
        name=file.name,
        phrase=phrase,
        languages=["en"] if file.licence else [],
        attribution=_MAKER if file.licence else Attribution(name="unknown", url=""),
        installed=True,
        description=f"the wake word '{phrase}'{terms}",
        version=file.version or None,
    )
