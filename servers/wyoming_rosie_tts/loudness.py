"""Loudness of speech: all voices are brought to one, and a limiter keeps what is louder from clipping, chunk by chunk."""

import sys
from array import array
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from wyoming_rosie.audio.loudness import SILENCE_LUFS, SPEECH_LUFS, measure_loudness
from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.engine import StepCancellation, Voice
from wyoming_rosie_tts.text.segments import TextSegment

MAX_GAIN = 10.0
MAX_PEAK = 0.98
BLOCK_SECONDS = 0.01
RELEASE = 1.07
"""Ratio by which the gain may rise from a block to the next: twice as loud after 0.1 s."""
_FULL_SCALE = 32_768
_SAMPLE_TEXTS = {
    "en": "The light in the kitchen is on, and it is twenty one degrees in the living room.",
    "de": "Das Licht in der Küche ist an, und im Wohnzimmer sind es einundzwanzig Grad.",
    "fr": "La lumière de la cuisine est allumée, et il fait vingt et un degrés dans le salon.",
    "es": "La luz de la cocina está encendida y en el salón hay veintiún grados.",
    "it": "La luce della cucina è accesa e in soggiorno ci sono ventuno gradi.",
    "nl": "Het licht in de keuken is aan en in de woonkamer is het eenentwintig graden.",
}
_NUMBERS = "1 2 3 4 5 6 7 8 9 10"
"""Sample text of the other languages: digits can be read in every one."""


class LoudnessNormalizer:
    """Speaks with voices at SPEECH_LUFS. Each is measured once, with a sentence, when it is first used.

    `gains` are those of voices that are known already, by identity.
    """

    def __init__(self, gains: Mapping[str, float] = MappingProxyType({})) -> None:
        self._gains = dict(gains)

    def synthesize(
        self, voice: Voice, segment: TextSegment, *, pause: bool, cancellation: StepCancellation
    ) -> Iterator[bytes]:
        """Yield the voice's steps. Its own volume and the segment's change the loudness. Raises as the voice does."""
        if (voice.audio_format.width, voice.audio_format.channels) != (2, 1):
            yield from voice.synthesize(segment, pause=pause, cancellation=cancellation)
            return
        if voice.identity not in self._gains:
            yield from self._measure(voice, cancellation)
        gain = self._gains[voice.identity] * voice.volume * segment.prosody.volume
        limiter = Limiter(gain, voice.audio_format.rate)
        for pcm in voice.synthesize(segment, pause=pause, cancellation=cancellation):
            yield limiter.apply(pcm)
        yield limiter.finish()

    def _measure(self, voice: Voice, cancellation: StepCancellation) -> Iterator[bytes]:
        """Measure a voice in as many steps as its sample text takes, all of them without audio."""
        text = _SAMPLE_TEXTS.get(voice.language.lower().replace("_", "-").partition("-")[0], _NUMBERS)
        pcm = b""
        try:
            for piece in voice.synthesize(TextSegment(text), pause=False, cancellation=cancellation):
                pcm += piece
                yield b""
        except BadEventError:  # the voice cannot read digits
            pcm = b""
        loudness = measure_loudness(pcm, voice.audio_format.rate)
        gain = 10 ** ((SPEECH_LUFS - loudness) / 20) if loudness > SILENCE_LUFS else 1.0
        self._gains[voice.identity] = min(MAX_GAIN, gain)


class Limiter:
    """Applies a gain to one sentence, and less of it where samples would clip, changing it gradually.

    A block waits for the next one, so that the gain has fallen before a peak comes.
    """

    def __init__(self, gain: float, rate: int) -> None:
        self._gain = gain
        self._block = max(1, round(BLOCK_SECONDS * rate))
        self._pending = array("h")
        self._now: float | None = None  # the gain where the pending samples begin

    def apply(self, pcm: bytes) -> bytes:
        """Return the next samples, 16-bit mono."""
        self._pending.extend(_to_samples(pcm))
        return self._take(len(self._pending) // self._block - 1)

    def finish(self) -> bytes:
        """Return the remaining samples."""
        return self._take(-(-len(self._pending) // self._block))

    def _take(self, blocks: int) -> bytes:
        """Remove the first pending blocks and return them with their gain."""
        if blocks <= 0:
            return b""
        limits = [self._limit(number) for number in range(blocks + 1)]
        output = array("h")
        for number in range(blocks):
            before = limits[0] if self._now is None else self._now
            self._now = min(limits[number], limits[number + 1], RELEASE * before)
            samples = self._pending[number * self._block : (number + 1) * self._block]
            output.extend(_scale(samples, min(before, limits[number]), self._now))
        del self._pending[: blocks * self._block]
        return _to_bytes(output)

    def _limit(self, number: int) -> float:
        """Return the highest gain for one of the pending blocks."""
        samples = self._pending[number * self._block : (number + 1) * self._block]
        peak = max(max(samples), -min(samples)) if samples else 0
        return min(self._gain, MAX_PEAK * _FULL_SCALE / peak) if peak else self._gain


def _scale(samples: "array[int]", begin: float, end: float) -> Iterator[int]:
    """Yield the samples with a gain that goes from `begin` to `end`."""
    if begin == end:
        factor = round(65_536 * begin)
        return ((factor * sample + 32_768) >> 16 for sample in samples)
    step = (end - begin) / len(samples)
    return (round((begin + step * position) * sample) for position, sample in enumerate(samples))


def _to_samples(pcm: bytes) -> "array[int]":
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _to_bytes(samples: "array[int]") -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
