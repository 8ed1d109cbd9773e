"""Piper voices in memory."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from wyoming_rosie_tts.engines.piper.voices import PiperFile

if TYPE_CHECKING:
    from wyoming_rosie_tts.engines.piper.network import PiperNetwork
    from wyoming_rosie_tts.engines.piper.phonemizer import Phonemizer

_LOG = structlog.get_logger()
MAX_LOADED = 3
"""Voices in memory at once, about 150 MB each."""


@dataclass(frozen=True)
class LoadedVoice:
    """A voice in memory. Its calls may overlap."""

    network: "PiperNetwork"
    phonemizer: "Phonemizer"


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
        return LoadedVoice(loaded, Phonemizer(file))
