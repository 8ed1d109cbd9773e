"""Piper voices in memory."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.engine import StepCancellation
from wyoming_rosie_tts.engines.piper.voices import InferenceScales, PiperFile
from wyoming_rosie_tts.text.segments import TextSegment

if TYPE_CHECKING:
    from wyoming_rosie_tts.engines.piper.network import PiperNetwork
    from wyoming_rosie_tts.engines.piper.phonemizer import Phonemizer

_LOG = structlog.get_logger()
MAX_LOADED = 3
"""Voices in memory at once, about 150 MB each."""
CALIBRATION_TEXT = "1, 2, 3, 4, 5."
"""Text for measuring a voice's volume: digits can be read in every language."""


class LoadedVoice:
    """A voice in memory. Its calls may overlap."""

    def __init__(self, network: "PiperNetwork", phonemes: "Phonemizer", scales: InferenceScales) -> None:
        self.network = network
        self.phonemizer = phonemes
        self._scales = scales
        self._gains: dict[int, float] = {}

    def get_gain(self, speaker: int) -> float:
        """Return the gain that makes the speaker as loud as others, measured at the first call."""
        if speaker not in self._gains:
            self._gains[speaker] = self._measure_gain(speaker)
        return self._gains[speaker]

    def _measure_gain(self, speaker: int) -> float:
        import numpy as np

        from wyoming_rosie_tts.engines.piper import gain_limiter

        try:
            sentences = self.phonemizer.to_ids(TextSegment(CALIBRATION_TEXT))
        except BadEventError:  # the voice cannot read digits
            return 1.0
        chunks = [
            chunk
            for phoneme_ids in sentences
            for chunk in self.network.synthesize(phoneme_ids, self._scales, speaker, StepCancellation())
        ]
        return gain_limiter.measure_gain(np.concatenate(chunks))


class VoiceCache:
    """Loads voices on demand, and evicts the least recently used one."""

    def __init__(self, *, cuda: bool) -> None:
        self._cuda = cuda
        self._loaded: OrderedDict[tuple[Path, str], LoadedVoice] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, file: PiperFile) -> LoadedVoice:
        """Return the voice. Takes seconds the first time. Raises EngineError."""
        key = file.network, file.version
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._load(file)
                while len(self._loaded) > MAX_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def _load(self, file: PiperFile) -> LoadedVoice:
        from wyoming_rosie_tts.engines.piper import network
        from wyoming_rosie_tts.engines.piper.phonemizer import Phonemizer

        loaded = network.load(file.network, file.rate, cuda=self._cuda)
        _LOG.info("voice loaded", voice=file.name, in_slices=isinstance(loaded, network.SplitNetwork))
        return LoadedVoice(loaded, Phonemizer(file), file.scales)
