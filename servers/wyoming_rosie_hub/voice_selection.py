"""Voice selection: the tts daemon's installed voice for a language."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from wyoming.info import TtsVoice
from wyoming.tts import SynthesizeVoice

from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.client import describe
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.text.language_tags import base_language

_LOG = structlog.get_logger()
REFRESH_SECONDS = 60.0
_NAMED_IN_LOG = 12


class VoiceSelector:
    """Selects among the installed voices; until the daemon has described them, there are none."""

    def __init__(self, tts_uri: Callable[[], str]) -> None:
        self._tts_uri = tts_uri
        self._voices: tuple[TtsVoice, ...] = ()
        self._reported_missing: set[str] = set()

    async def refresh_periodically(self) -> None:
        """Ask the daemon for its voices until cancelled: soon at first, then once in a while."""
        backoff = Backoff(max_seconds=REFRESH_SECONDS)
        while True:
            try:
                await self.refresh()
            except RosieError as err:
                _LOG.debug("voices could not be fetched", reason=str(err))
            await asyncio.sleep(REFRESH_SECONDS if self._voices else backoff.next_pause())

    async def refresh(self) -> None:
        """Ask the daemon for its voices. Raises UnreachableError, PeerError."""
        info = await describe(self._tts_uri(), role="tts")
        programs = (program for program in info.tts if program.installed)
        self._voices = tuple(voice for program in programs for voice in program.voices if voice.installed)

    def select(self, language: str) -> SynthesizeVoice | None:
        """Return the voice to request; None to leave the choice to the daemon, as before its voices are known."""
        return select_voice(self._voices, language)

    def report_missing(self, language: str) -> bool:
        """Return whether no voice speaks a language, and log it; True only the first time for each language."""
        if not self._voices or self.select(language) is not None or base_language(language) in self._reported_missing:
            return False
        self._reported_missing.add(base_language(language))
        installed = sorted(self.languages)[:_NAMED_IN_LOG]
        _LOG.warning("no voice speaks this language; install one", language=language, installed=installed)
        return True

    @property
    def languages(self) -> frozenset[str]:
        """The languages of the installed voices."""
        return frozenset(base_language(tag) for voice in self._voices for tag in voice.languages)


def select_voice(voices: Sequence[TtsVoice], language: str) -> SynthesizeVoice | None:
    """Return the voice to request: by language if a voice lists that very tag, else by the name of a related voice."""
    if any(language in voice.languages for voice in voices):
        return SynthesizeVoice(language=language)
    base = base_language(language)
    related = (voice for voice in voices if any(base_language(tag) == base for tag in voice.languages))
    return next((SynthesizeVoice(name=voice.name) for voice in related), None)
