"""pocketsphinx: understands the commands that this home has, in English, and nothing else. Its model comes with pip."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import structlog
from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import Home
from wyoming_rosie.workers import ProcessWorker
from wyoming_rosie_asr import pronunciation, tokens
from wyoming_rosie_asr.decoder import Search, SentenceDecoder
from wyoming_rosie_asr.engine import Transcript, UnknownLanguageError

_LOG = structlog.get_logger()
LANGUAGE = "en"
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

        from wyoming_rosie_asr import grammar, templates, trim

        dictionary = pronunciation.read(Path(get_model_path("en-us/cmudict-en-us.dict")))
        lexicon = pronunciation.Lexicon(dictionary)
        of_home = grammar.of_home(home, templates.load(LANGUAGE), lexicon)
        search = Search(settings.beam, settings.word_beam, settings.most_states)
        self._decoder = SentenceDecoder(Path(get_model_path("en-us/en-us")), of_home.automaton, lexicon, search)
        self._facts = Facts(of_home.automaton.sentences, len(of_home.automaton.words), of_home.skipped)
        self._least_score = settings.least_score
        self._speech_in = trim.speech_in
        self._is_speech = partial(webrtcvad.Vad(_VOICE_DETECTOR).is_speech, sample_rate=16_000)

    def facts(self) -> Facts:
        return self._facts

    def transcribe(self, pcm: bytes) -> tuple[str, float]:
        """Return the text and its score; no text when it is no sentence of the home, or an unlikely one."""
        speech = self._speech_in(pcm, self._is_speech)
        if not speech:
            return "", 0.0
        guess = self._decoder.guess(speech)
        return tokens.written(guess.tokens) if guess.score >= self._least_score else "", guess.score


class SphinxUtterance:
    def __init__(self, worker: ProcessWorker) -> None:
        self._worker = worker
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> None:
        self._pcm += pcm

    async def finish(self) -> Transcript:
        if not self._pcm:
            return Transcript(language=LANGUAGE)
        text, score = await self._worker.call("transcribe", bytes(self._pcm))
        return Transcript(text, score, LANGUAGE)


class SphinxEngine:
    languages: Sequence[str] = (LANGUAGE,)

    def __init__(self, worker: ProcessWorker) -> None:
        self._worker = worker

    def describe(self) -> AsrProgram:
        version = metadata.version("pocketsphinx")
        about = "The commands and questions of one home, in English; a fixed list of sentences, no dictation"
        model = AsrModel("home", _CREDIT, True, about, version, list(self.languages))
        return AsrProgram("pocketsphinx", _CREDIT, True, about, version, [model])

    def listen(self, language: str | None) -> SphinxUtterance:
        if language is not None and language.replace("_", "-").partition("-")[0].lower() not in self.languages:
            raise UnknownLanguageError(
                f"no model for the language {language!r}; there are: {', '.join(self.languages)}"
            )
        return SphinxUtterance(self._worker)

    async def close(self) -> None:
        await self._worker.close()


async def load(settings: Settings, home: Home) -> SphinxEngine:
    """Return the engine, warm, with a home's grammar. Raises ConfigError, EngineError."""
    if not 0 <= settings.least_score <= 1:
        raise ConfigError(f"--pocketsphinx.least-score must be from 0 to 1, not {settings.least_score:g}")
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
    return SphinxEngine(worker)
