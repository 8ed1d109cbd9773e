"""Converts text into the phoneme ids that a Piper voice was trained on."""

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import structlog

from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie_tts.engines.piper.voices import PHONEME_TYPES, PiperFile
from wyoming_rosie_tts.text import writing_systems
from wyoming_rosie_tts.text.segments import TextSegment

if TYPE_CHECKING:
    from piper import PiperVoice

_LOG = structlog.get_logger()
_BEGIN, _BETWEEN, _END = "^", "_", "$"


class Phonemizer:
    """Phonemizes text as a voice's description says."""

    def __init__(self, file: PiperFile) -> None:
        self._file = file
        self._voice = _create_voice(file)

    def to_ids(self, segment: TextSegment) -> list[list[int]]:
        """Return the phoneme ids of each sentence; none if there is nothing to say. Raises BadEventError, EngineError."""
        if segment.phonemes and (ids := self._encode([_split_ipa(segment.phonemes)])):
            return ids
        if not any(map(str.isalnum, segment.text)):
            return []
        is_readable = writing_systems.is_readable(segment.text, self._file.language)
        if is_readable and (found := self._encode(self._get_phonemes(segment.text))):
            return found
        raise BadEventError(
            f"the voice {self._file.name} speaks {self._file.language} and has no sounds for this text; "
            "choose a voice of the text's language",
            "unspeakable",
        )

    def _encode(self, sentences: Sequence[Sequence[str]]) -> list[list[int]]:
        """Return the ids of the sentences of which the voice knows at least one letter's phoneme."""
        table = self._file.phoneme_ids
        known = [[phoneme for phoneme in sentence if phoneme in table] for sentence in sentences]
        if unknown := sum(map(len, sentences)) - sum(map(len, known)):
            _LOG.debug("phonemes unknown to the voice", voice=self._file.name, unknown=unknown)
        return [
            self._encode_sentence(phonemes)
            for phonemes in known
            if any(unicodedata.category(phoneme[0])[0] == "L" for phoneme in phonemes)
        ]

    def _encode_sentence(self, phonemes: Sequence[str]) -> list[int]:
        table = self._file.phoneme_ids
        ids = [*table[_BEGIN], *table[_BETWEEN]]
        for phoneme in phonemes:
            ids += [*table[phoneme], *table[_BETWEEN]]
        return [*ids, *table[_END]]

    def _get_phonemes(self, text: str) -> list[list[str]]:
        # Piper reads text in double brackets as phonemes
        plain = text.replace("[", "(").replace("]", ")")
        try:
            return self._voice.phonemize(plain)
        except ImportError as err:
            raise EngineError(f"the voice {self._file.name} needs the package {err.name}; install it with pip") from err
        except (RuntimeError, ValueError) as err:
            raise EngineError(f"Piper cannot pronounce for the voice {self._file.name}: {type(err).__name__}") from err


def _create_voice(file: PiperFile) -> "PiperVoice":
    """Return piper-tts's voice without its network. Raises EngineError."""
    from piper import PiperConfig, PiperVoice

    kind = file.description.get("phoneme_type", PHONEME_TYPES[0])
    if kind not in PHONEME_TYPES:
        raise EngineError(
            f"the voice {file.name} wants phonemes of the type {kind!r}; there are: {', '.join(PHONEME_TYPES)}"
        )
    try:
        return PiperVoice(cast(Any, None), PiperConfig.from_dict(dict(file.description)))
    except (KeyError, ValueError, TypeError) as err:
        raise EngineError(f"Piper does not take the description of {file.name}: {err}") from err


def _split_ipa(ipa: str) -> list[str]:
    return list(unicodedata.normalize("NFD", ipa))
