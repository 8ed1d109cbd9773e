"""pocketsphinx with a grammar of one home: its commands and questions, in English. The model is part of the package."""

from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path

import structlog
from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import loader
from wyoming_rosie.home.model import Home
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.workers import ProcessWorker
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.admission import DecodeJob, PriorityLimiter
from wyoming_rosie_asr.engine import (
    AsrEngine,
    EngineContext,
    SpeechAudio,
    TranscribeRequest,
    Transcript,
    UnsupportedLanguageError,
    UnsupportedModelError,
)
from wyoming_rosie_asr.engines.pocketsphinx import pronunciation, tokens
from wyoming_rosie_asr.engines.pocketsphinx.decoder import SearchLimits, SentenceDecoder
from wyoming_rosie_asr.lazy_model import LazyModel
from wyoming_rosie_asr.near_speech import cut_far_speech

_LOG = structlog.get_logger()
LANGUAGE, MODEL = "en", "home"
BEGINNING_SCORE = 0.8
"""Score from which words count as the beginning of a sentence: nothing is done with them, they are only waited for."""
SURE_SCORE = 0.92
"""Score from which a sentence is not doubted; below the same score the cascade asks Whisper."""
DECODERS = 2
"""Decoders that are cached for the names and terms of requests."""
_VAD_AGGRESSIVENESS = 2  # of WebRTC's detector, 0 to 3
_CREDIT = Attribution("CMU Sphinx", "https://github.com/cmusphinx/pocketsphinx")


@dataclass(frozen=True)
class Settings:
    least_score: float = option(0.88, "lowest score of an accepted sentence, 0 to 1")
    beam: float = option(1e-57, "beam: drop paths that are less likely than the best one by this factor")
    word_beam: float = option(1e-40, "the same at word ends")
    most_states: int = option(10_000, "most active states in a frame")


@dataclass(frozen=True)
class GrammarSummary:
    """Size of a home's grammar, and the names that could not be pronounced."""

    sentences: int
    words: int
    skipped: tuple[str, ...]


class GrammarRecognizer:
    """A home's grammar and its decoders; lives in the child process."""

    def __init__(self, settings: Settings, home: Home) -> None:
        import webrtcvad
        from pocketsphinx import get_model_path

        from wyoming_rosie_asr.engines.pocketsphinx import grammar, templates, trim

        dictionary = pronunciation.read_dictionary(Path(get_model_path("en-us/cmudict-en-us.dict")))
        self._lexicon = pronunciation.Lexicon(dictionary)
        self._model = Path(get_model_path("en-us/en-us"))
        self._limits = SearchLimits(settings.beam, settings.word_beam, settings.most_states)
        self._build_grammar = partial(grammar.build_grammar, home, templates.load(LANGUAGE), self._lexicon)
        self._decoders = lru_cache(DECODERS)(self._create_decoder)
        default = self._build_grammar()
        automaton = default.automaton
        self._default_decoder = SentenceDecoder(self._model, automaton, self._lexicon, self._limits)
        self._summary = GrammarSummary(automaton.sentence_count, len(automaton.words), default.skipped)
        self._least_score = settings.least_score
        self._trim_silence = trim.trim_silence
        self._is_speech = partial(webrtcvad.Vad(_VAD_AGGRESSIVENESS).is_speech, sample_rate=16_000)

    def summary(self) -> GrammarSummary:
        return self._summary

    def transcribe(
        self, audio: SpeechAudio, names: tuple[str, ...] = (), terms: tuple[str, ...] = ()
    ) -> tuple[str, float, Completeness]:
        """Return the text, its score and completeness; an empty text if no sentence of the home matches well enough.

        `names` are further names for any entity, `terms` further sentences. If the whole speech is doubtful, another voice may
        be the reason: the near voice alone is tried then, and the sentence with the better score is returned.
        """
        decoder = self._decoders(names, terms) if names or terms else self._default_decoder
        whole = self._decode(decoder, audio.without_pauses())
        if whole[1] >= SURE_SCORE:
            return whole
        near = self._decode(decoder, cut_far_speech(audio))
        decoder.forget_noise()  # speech without its surroundings has a wrong one
        return max(whole, near, key=lambda result: (bool(result[0]), result[1] if result[0] else 0.0))

    def _decode(self, decoder: SentenceDecoder, pcm: bytes) -> tuple[str, float, Completeness]:
        speech = self._trim_silence(pcm, self._is_speech)
        if not speech:
            return "", 0.0, Completeness.UNKNOWN
        hypothesis = decoder.decode(speech)
        is_beginning = hypothesis.completeness is Completeness.BEGINNING and hypothesis.score >= BEGINNING_SCORE
        if hypothesis.score < self._least_score:
            return "", hypothesis.score, Completeness.BEGINNING if is_beginning else Completeness.UNKNOWN
        return tokens.to_text(hypothesis.tokens), hypothesis.score, hypothesis.completeness

    def _create_decoder(self, names: tuple[str, ...], terms: tuple[str, ...]) -> SentenceDecoder:
        automaton = self._build_grammar(names, terms).automaton
        return SentenceDecoder(self._model, automaton, self._lexicon, self._limits)


class SphinxEngine(AsrEngine):
    """Runs a home's grammar in a child process. A changed home replaces it once its grammar is loaded."""

    def __init__(self, settings: Settings, home: Home, keep_alive_seconds: float, max_waiting: int) -> None:
        self._settings = settings
        self._keep_alive_seconds = keep_alive_seconds
        self._limiter = PriorityLimiter(1, max_waiting)
        self._lazy_model = self._create_model(home)

    @property
    def waiting(self) -> int:
        return self._limiter.waiting

    def describe(self) -> AsrProgram:
        version = metadata.version("pocketsphinx")
        about = "The commands and questions of one home, in English; a fixed list of sentences, no dictation"
        offered = AsrModel(MODEL, _CREDIT, True, about, version, [LANGUAGE])
        return AsrProgram("pocketsphinx", _CREDIT, True, about, version, [offered])

    def check_request(self, request: TranscribeRequest) -> None:
        if request.model not in (None, MODEL):
            raise UnsupportedModelError(f"no model is named {request.model!r} here; there is: {MODEL}")
        if not supports_language(request.language):
            raise UnsupportedLanguageError(f"no model for the language {request.language!r}; there is: {LANGUAGE}")

    async def prepare(self) -> None:
        await self._lazy_model.prepare()

    async def change_home(self, home: Home) -> None:
        """Load the grammar of a changed home, then replace the old one. Raises EngineError, and keeps the old one then."""
        new = self._create_model(home)
        await new.prepare()
        old, self._lazy_model = self._lazy_model, new
        await old.close_when_idle()

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        async with self._limiter.slot(job), self._lazy_model.acquire() as worker:
            text, score, completeness = await worker.call("transcribe", audio, request.names, request.terms)
        return Transcript(text, score, LANGUAGE, completeness)

    async def close(self) -> None:
        await self._lazy_model.close()

    def _create_model(self, home: Home) -> LazyModel[ProcessWorker]:
        return LazyModel(
            MODEL, partial(_start_worker, self._settings, home), ProcessWorker.close, self._keep_alive_seconds
        )


def load(settings: Settings, context: EngineContext) -> SphinxEngine:
    """Return the engine; its grammar is made later. Raises ConfigError."""
    if not 0 <= settings.least_score <= 1:
        raise ConfigError(f"--pocketsphinx.least-score must be from 0 to 1, not {settings.least_score:g}")
    try:
        metadata.version("pocketsphinx")
    except metadata.PackageNotFoundError as err:
        raise ConfigError(f"pocketsphinx is not installed; run: {install_command(['asr'])}") from err
    return SphinxEngine(settings, loader.load_home(context.home), context.keep_alive_seconds, context.max_waiting)


def supports_language(language: str | None) -> bool:
    """Return whether the engine supports a language; None stands for its default."""
    return language is None or base_language(language) == LANGUAGE


async def _start_worker(settings: Settings, home: Home) -> ProcessWorker:
    worker = ProcessWorker(partial(GrammarRecognizer, settings, home), "pocketsphinx")
    try:
        await worker.start()
        facts: GrammarSummary = await worker.call("summary")
    except BaseException:
        await worker.close()
        raise
    _LOG.info("grammar loaded", sentences=facts.sentences, words=facts.words)
    for name in facts.skipped:
        _LOG.warning("name without a pronunciation: give it an alias", name=name)
    return worker
