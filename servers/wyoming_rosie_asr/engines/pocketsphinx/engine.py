"""pocketsphinx: understands the commands that this home has, in English, and nothing else. Its model comes with pip."""

from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path

import structlog
from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Home
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.workers import ProcessWorker
from wyoming_rosie_asr.admission import Ticket, Turns
from wyoming_rosie_asr.engine import Request, Sound, Transcript, UnknownLanguageError, UnknownModelError, base_language
from wyoming_rosie_asr.engines.pocketsphinx import pronunciation, tokens
from wyoming_rosie_asr.engines.pocketsphinx.decoder import Search, SentenceDecoder
from wyoming_rosie_asr.lazy_model import Resident

_LOG = structlog.get_logger()
LANGUAGE, MODEL = "en", "home"
DECODERS = 2
"""Kept for names and terms that peers brought."""
_VOICE_DETECTOR = 2  # how much WebRTC's detector takes for silence, 0 to 3
_CREDIT = Attribution("CMU Sphinx", "https://github.com/cmusphinx/pocketsphinx")


@dataclass(frozen=True)
class Settings:
    least_score: float = option(0.89, "how well a sentence must explain the sounds to be believed, 0 to 1")
    beam: float = option(1e-57, "give up what is less likely than the best guess by this factor")
    word_beam: float = option(1e-40, "the same at the ends of words")
    most_states: int = option(10_000, "follow no more guesses than this at a time")


@dataclass(frozen=True)
class Facts:
    """What was made of a home."""

    sentences: int
    words: int
    skipped: tuple[str, ...]


class Recogniser:
    """A home's grammar and the decoder that knows it; lives in the child process."""

    def __init__(self, settings: Settings, home: Home) -> None:
        import webrtcvad
        from pocketsphinx import get_model_path

        from wyoming_rosie_asr.engines.pocketsphinx import grammar, templates, trim

        dictionary = pronunciation.read(Path(get_model_path("en-us/cmudict-en-us.dict")))
        self._lexicon = pronunciation.Lexicon(dictionary)
        self._model = Path(get_model_path("en-us/en-us"))
        self._search = Search(settings.beam, settings.word_beam, settings.most_states)
        self._grammar = partial(grammar.of_home, home, templates.load(LANGUAGE), self._lexicon)
        self._decoders = lru_cache(DECODERS)(self._decoder)
        of_home = self._grammar()
        self._usual = SentenceDecoder(self._model, of_home.automaton, self._lexicon, self._search)
        self._facts = Facts(of_home.automaton.sentences, len(of_home.automaton.words), of_home.skipped)
        self._least_score = settings.least_score
        self._speech_in = trim.speech_in
        self._is_speech = partial(webrtcvad.Vad(_VOICE_DETECTOR).is_speech, sample_rate=16_000)

    def facts(self) -> Facts:
        return self._facts

    def transcribe(self, pcm: bytes, names: tuple[str, ...] = (), terms: tuple[str, ...] = ()) -> tuple[str, float]:
        """Return the text and its score; no text when it is no sentence of the home, or an unlikely one.

        Things of the home may have other names as well; terms are sentences of their own.
        """
        speech = self._speech_in(pcm, self._is_speech)
        if not speech:
            return "", 0.0
        decoder = self._decoders(names, terms) if names or terms else self._usual
        guess = decoder.guess(speech)
        return tokens.written(guess.tokens) if guess.score >= self._least_score else "", guess.score

    def _decoder(self, names: tuple[str, ...], terms: tuple[str, ...]) -> SentenceDecoder:
        automaton = self._grammar(names, terms).automaton
        return SentenceDecoder(self._model, automaton, self._lexicon, self._search)


class SphinxEngine:
    """One home's grammar, in a process of its own; a new home takes the place of the old one when it is ready."""

    streams = False  # it must have heard the whole utterance
    is_installed = True

    def __init__(self, settings: Settings, home: Home, keep_seconds: float, most_waiting: int) -> None:
        self._settings = settings
        self._keep_seconds = keep_seconds
        self._turns = Turns(1, most_waiting)
        self._resident = self._of(home)

    @property
    def waiting(self) -> int:
        return self._turns.waiting

    def describe(self) -> AsrProgram:
        version = metadata.version("pocketsphinx")
        about = "The commands and questions of one home, in English; a fixed list of sentences, no dictation"
        model = AsrModel(MODEL, _CREDIT, True, about, version, [LANGUAGE])
        return AsrProgram("pocketsphinx", _CREDIT, True, about, version, [model])

    def check(self, request: Request) -> None:
        if request.model not in (None, MODEL):
            raise UnknownModelError(f"no model is named {request.model!r} here; there is: {MODEL}")
        if not knows(request.language):
            raise UnknownLanguageError(f"no model for the language {request.language!r}; there is: {LANGUAGE}")

    async def install(self) -> None:
        """Do nothing: its model comes with its package."""

    async def prepare(self) -> None:
        await self._resident.prepare()

    async def change_home(self, home: Home) -> None:
        """Understand what is said to another home from now on; the old one stays when that fails. Raises EngineError."""
        new = self._of(home)
        await new.prepare()
        old, self._resident = self._resident, new
        await old.retire()

    async def transcribe(self, sound: Sound, request: Request, ticket: Ticket) -> Transcript:
        async with self._turns.turn(ticket), self._resident.used() as worker:
            text, score = await worker.call("transcribe", sound.pcm, request.names, request.terms)
        return Transcript(text, score, LANGUAGE, is_complete=bool(text))

    async def close(self) -> None:
        await self._resident.close()

    def _of(self, home: Home) -> Resident[ProcessWorker]:
        return Resident(MODEL, partial(_started, self._settings, home), ProcessWorker.close, self._keep_seconds)


def load(settings: Settings, home: Home, keep_seconds: float, most_waiting: int) -> SphinxEngine:
    """Return the engine; its grammar is made later. Raises ConfigError."""
    if not 0 <= settings.least_score <= 1:
        raise ConfigError(f"--pocketsphinx.least-score must be from 0 to 1, not {settings.least_score:g}")
    try:
        metadata.version("pocketsphinx")
    except metadata.PackageNotFoundError as err:
        raise ConfigError(f"pocketsphinx is not installed; run: {install_command(['asr'])}") from err
    return SphinxEngine(settings, home, keep_seconds, most_waiting)


def knows(language: str | None) -> bool:
    """Tell whether the engine understands a language; None is whatever it understands."""
    return language is None or base_language(language) == LANGUAGE


async def _started(settings: Settings, home: Home) -> ProcessWorker:
    worker = ProcessWorker(partial(Recogniser, settings, home), "pocketsphinx")
    try:
        await worker.start()
        facts: Facts = await worker.call("facts")
    except BaseException:
        await worker.close()
        raise
    _LOG.info("grammar", sentences=facts.sentences, words=facts.words)
    for name in facts.skipped:
        _LOG.warning("a name cannot be said: give it an alias", name=name)
    return worker
