"""Whisper decoder on CTranslate2, the runtime of faster-whisper.

Segments are cut in pauses, so that decoding needs neither timestamps nor the text of the previous segment.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from ctranslate2.models import Whisper

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_asr.engines.faster_whisper import hallucinations
from wyoming_rosie_asr.engines.faster_whisper.features import MIN_LOG, RANGE, Floats, MelSpectrum
from wyoming_rosie_asr.engines.faster_whisper.tokens import MAX_TOKENS, WhisperTokens

WINDOW_SECONDS = 30
FRAMES_PER_SECOND = 100
TOKENS_PER_SECOND = 12
"""Faster than anybody speaks: more tokens are a repetition loop."""
EXTRA_TOKENS = 24
SHORT_WINDOW_SECONDS = 15
"""Least length of a short window: in less than 12 s, the models repeat themselves (docs/performance.md)."""
SHORT_MARGIN_SECONDS = 1.5
"""Least silence after the speech in a short window."""
MAX_NAME_TOKENS = 100
"""Most tokens of the home's names before a transcript: about 30 names."""
MIN_LOG_PROBABILITY = -0.7
"""Mean log probability of a short window's text, below which the full window is decoded as well."""
_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class DeviceConfig:
    device: str  # cpu, cuda or auto
    compute: str  # int8, float16, ... or auto
    threads: int  # 0: one for each core


@dataclass(frozen=True)
class DecodeOptions:
    """Decoding options. The language is detected among `languages`, or among all if there are none."""

    languages: tuple[str, ...]
    beam_size: int
    prompt: str  # initial prompt, for its words and their spelling
    short_windows: bool
    names: tuple[str, ...] = ()  # of the home, before the prompt; the first of them if there are too many


@dataclass(frozen=True)
class DecodedSegment:
    """The text of a segment, the mean log probability of its tokens, and the probability of speech."""

    text: str
    language: str
    log_probability: float
    speech_probability: float


class WhisperDecoder:
    """A loaded model. Calls block and must come from one thread."""

    def __init__(self, folder: Path, hardware: DeviceConfig) -> None:
        self._model = Whisper(
            str(folder), device=hardware.device, compute_type=hardware.compute, intra_threads=hardware.threads
        )
        self._tokens = WhisperTokens(folder / "tokenizer.json", self._model.is_multilingual)
        self._spectrum = MelSpectrum(self._model.n_mels)

    def unload(self) -> None:
        """Free the memory; the decoder cannot be used afterwards."""
        self._model.unload_model()

    def decode(self, segments: Sequence[bytes], options: DecodeOptions, cancelled: Event) -> list[DecodedSegment]:
        """Decode segments of at most 30 s of 16 kHz 16-bit mono PCM, all in the language of the first.

        Once `cancelled` is set, the remaining segments are skipped.
        """
        decoded: list[DecodedSegment] = []
        for window in segments:
            if decoded:
                options = _with_language(options, decoded[0].language)
            segment = None if cancelled.is_set() else self._decode_segment(window, options, cancelled)
            if segment is None:
                break
            decoded.append(segment)
        return decoded

    def _decode_segment(self, pcm: bytes, options: DecodeOptions, cancelled: Event) -> DecodedSegment | None:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE
        if options.short_windows:
            seconds = short_window_seconds(SPEECH.seconds(len(pcm)))
            decoded = self._decode_window(samples, options, seconds, cancelled)
            if decoded is None or _is_valid(decoded):
                return decoded
        return self._decode_window(samples, options, WINDOW_SECONDS, cancelled)

    def _decode_window(
        self, samples: Floats, options: DecodeOptions, seconds: float, cancelled: Event
    ) -> DecodedSegment | None:
        frames = 2 * math.ceil(seconds * FRAMES_PER_SECOND / 2)  # the encoder halves them
        encoded = self._model.encode(StorageView.from_array(self._padded_features(samples, frames)[None]))
        if cancelled.is_set():
            return None
        language = self._detect_language(encoded, options.languages)
        names = self._tokens.join_names(options.names, MAX_NAME_TOKENS)
        prompt = self._tokens.build_prompt(language, " ".join(filter(None, (names, options.prompt))))
        max_tokens = round(TOKENS_PER_SECOND * len(samples) / SPEECH.rate) + EXTRA_TOKENS
        (result,) = self._model.generate(
            encoded,
            [prompt],
            beam_size=options.beam_size,
            max_length=min(len(prompt) + max_tokens, MAX_TOKENS),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._tokens.suppressed,
        )
        tokens = result.sequences_ids[0]
        log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)  # the end counts as one
        return DecodedSegment(self._tokens.decode(tokens), language, log_probability, 1 - result.no_speech_prob)

    def _padded_features(self, samples: Floats, frames: int) -> Floats:
        """Return the mel spectrum, padded to `frames` with that of silence, which need not be computed."""
        features = self._spectrum.compute(samples)[:, :frames]
        loudest = 4 * float(features.max()) - 4 if features.size else MIN_LOG
        silence = (max(loudest - RANGE, MIN_LOG) + 4) / 4
        padded = np.full((features.shape[0], frames), silence, np.float32)
        padded[:, : features.shape[1]] = features
        return padded

    def _detect_language(self, encoded: Any, allowed: Collection[str]) -> str:
        if not self._model.is_multilingual:
            return "en"
        if len(allowed) == 1:
            return next(iter(allowed))
        ranked = [(token[2:-2], probability) for token, probability in self._model.detect_language(encoded)[0]]
        fitting = [language for language, _ in ranked if not allowed or language in allowed]
        return fitting[0] if fitting else next(iter(allowed))


def short_window_seconds(audio_seconds: float) -> float:
    """Return the length of the short window for an audio segment."""
    return min(max(SHORT_WINDOW_SECONDS, audio_seconds + SHORT_MARGIN_SECONDS), WINDOW_SECONDS)


def _is_valid(decoded: DecodedSegment) -> bool:
    return decoded.log_probability >= MIN_LOG_PROBABILITY and not hallucinations.is_repetitive(decoded.text)


def _with_language(options: DecodeOptions, language: str) -> DecodeOptions:
    return replace(options, languages=(language,))
