"""Piper voices in memory."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.cancellation import Interruption
from wyoming_rosie_tts.engines.piper.voices import PiperFile, Scales
from wyoming_rosie_tts.text.segments import Words

if TYPE_CHECKING:
    from wyoming_rosie_tts.engines.piper.network import Network
    from wyoming_rosie_tts.engines.piper.phonemes import Phonemes

_LOG = structlog.get_logger()
MOST_LOADED = 3
"""Voices at once, 150 MB each."""
COUNTING = "1, 2, 3, 4, 5."
"""Digits can be read in every language: what a voice says to find out how loud it is."""


class LoadedVoice:
    """A voice in memory; its calls may overlap."""

    def __init__(self, network: "Network", phonemes: "Phonemes", scales: Scales) -> None:
        self.network = network
        self.phonemes = phonemes
        self._scales = scales
        self._gains: dict[int, float] = {}

    def gain(self, speaker: int) -> float:
        """Return what makes the speaker as loud as others."""
        if speaker not in self._gains:
            self._gains[speaker] = self._measured(speaker)
        return self._gains[speaker]

    def _measured(self, speaker: int) -> float:
        import numpy as np

        from wyoming_rosie_tts.engines.piper import leveller

        try:
            sentences = self.phonemes.symbols(Words(COUNTING))
        except BadEventError:  # it reads no digits
            return 1.0
        pieces = [
            piece
            for symbols in sentences
            for piece in self.network.speak(symbols, self._scales, speaker, Interruption())
        ]
        return leveller.gain(np.concatenate(pieces))


class LoadedVoices:
    """Voices that are loaded when they are first wanted; the one that was not wanted for longest makes room."""

    def __init__(self, *, cuda: bool) -> None:
        self._cuda = cuda
        self._loaded: OrderedDict[tuple[Path, str], LoadedVoice] = OrderedDict()
        self._loading = threading.Lock()

    def voice(self, file: PiperFile) -> LoadedVoice:
        """Return the voice; takes seconds for the first time. Raises EngineError."""
        key = file.network, file.version
        with self._loading:
            if key not in self._loaded:
                self._loaded[key] = self._load(file)
                while len(self._loaded) > MOST_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def _load(self, file: PiperFile) -> LoadedVoice:
        from wyoming_rosie_tts.engines.piper import network
        from wyoming_rosie_tts.engines.piper.phonemes import Phonemes

        loaded = network.load(file.network, file.rate, cuda=self._cuda)
        _LOG.info("voice loaded", voice=file.name, in_slices=isinstance(loaded, network.SlicedNetwork))
        return LoadedVoice(loaded, Phonemes(file), file.scales)
