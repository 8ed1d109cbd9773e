from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import piper_voice
from tests.unit.tts.fakes import FORMAT, LetterEngine, LetterVoice
from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie_tts.__main__ import TtsConfig, load_engine
from wyoming_rosie_tts.combined_engine import CombinedEngine, load
from wyoming_rosie_tts.engine import UnavailableError, VoiceRequest
from wyoming_rosie_tts.text.segments import TextSegment
from wyoming_rosie_tts.voice_selection import VoiceInfo, VoiceRegistry


class ListedVoice(LetterVoice):
    """A voice that tells its name."""

    def __init__(self, engine: LetterEngine, audio_format: AudioFormat, name: str) -> None:
        super().__init__(engine, audio_format)
        self.name = name


class ListedEngine(LetterEngine):
    """An engine with voices, by name and language."""

    def __init__(self, voices: Mapping[str, str]) -> None:
        super().__init__()
        self._languages = voices
        infos = [VoiceInfo(name, name, {tag: 0, tag.partition("-")[0]: 1}) for name, tag in voices.items()]
        self._voices = VoiceRegistry(infos, infos[0].name)

    def select_voice(self, request: VoiceRequest) -> ListedVoice:
        name = self._voices.select(request).name
        self.language = self._languages[name]
        return ListedVoice(self, FORMAT, name)


@pytest.fixture
def combined() -> CombinedEngine:
    best = ListedEngine({"joe": "en-US", "nora": "nb-NO"})
    middle = ListedEngine({"pico": "en-US", "resi": "de-DE"})
    return CombinedEngine([best, middle, ListedEngine({"en": "en-US", "da": "da", "no": "no", "xhosa": "xh"})], "en-US")


@pytest.mark.parametrize(
    ("request_", "name", "language"),
    [
        (VoiceRequest(), "joe", "en-US"),
        (VoiceRequest(language="en"), "joe", "en-US"),
        (VoiceRequest(language="en-GB"), "joe", "en-GB"),
        (VoiceRequest(language="en_US"), "joe", "en-US"),
        (VoiceRequest(language="de-AT"), "resi", "de-AT"),
        (VoiceRequest(language="da"), "da", "da"),
        (VoiceRequest(language="no"), "no", "no"),
        (VoiceRequest(language="nn"), "nora", "nb-NO"),
        (VoiceRequest("pico"), "pico", "en-US"),
        (VoiceRequest("da", language="en"), "da", "da"),
    ],
    ids=str,
)
def test_the_best_engine_that_speaks_the_language_speaks(
    combined: CombinedEngine, request_: VoiceRequest, name: str, language: str
) -> None:
    voice: Any = combined.select_voice(request_)
    assert getattr(voice, "voice", voice).name == name
    assert voice.language == language


def test_a_voice_of_another_region_speaks_as_itself(combined: CombinedEngine) -> None:
    british, own = (combined.select_voice(VoiceRequest(language=language)) for language in ("en-GB", "en-US"))
    assert (british.identity, british.audio_format) == (own.identity, own.audio_format)
    said = [b"".join(voice.synthesize(TextSegment("Hello"), pause=True)) for voice in (british, own)]
    assert said[0] == said[1] != b""


@pytest.mark.parametrize("request_", [VoiceRequest("nobody"), VoiceRequest(language="tlh")], ids=str)
def test_what_no_engine_speaks_is_refused_with_voices_that_exist(
    combined: CombinedEngine, request_: VoiceRequest
) -> None:
    with pytest.raises(BadEventError, match=r"da|xhosa"):
        combined.select_voice(request_)


@dataclass
class Loader:
    """Loads fake engines; the others are unavailable."""

    engines: Mapping[str, LetterEngine]

    def __call__(self, name: str, settings: Any) -> LetterEngine:
        if name not in self.engines:
            raise UnavailableError(f"the {name} engine is not installed")
        return self.engines[name]


def test_engines_that_are_not_installed_are_left_out() -> None:
    espeak = ListedEngine({"de": "de"})
    engine = load(TtsConfig(), Loader({"espeak": espeak}))
    assert engine._engines == [espeak]
    assert engine.select_voice(VoiceRequest()).language == "de"
    with pytest.raises(ConfigError, match="no engine is installed"):
        load(TtsConfig(), Loader({}))


@pytest.mark.parametrize(
    ("voices", "found"),
    [((), "pico"), (("en_US-test-low",), "en_US-test-low"), (("de_DE-test-low", "en_US-test-low"), "en_US-test-low")],
    ids=["none", "English", "English and German"],
)
def test_installed_piper_voices_speak_their_languages_and_none_is_downloaded(
    tmp_path: Path, voices: Sequence[str], found: str
) -> None:
    pytest.importorskip("piper", reason="the piper extra is not installed")
    pytest.importorskip("py_nanotts", reason="the pico extra is not installed")
    (tmp_path / "piper").mkdir()
    for name in voices:
        piper_voice.build(tmp_path / "piper", name)
    engine = load_engine(TtsConfig(), tmp_path)
    assert engine.is_installed
    assert found in engine.select_voice(VoiceRequest()).identity
    assert "espeak-ng" in engine.select_voice(VoiceRequest(language="sv")).identity
    assert {voice.name for voice in engine.describe().voices} >= {*voices, "pico-en-US", "pico-it-IT", "sv"}
    assert all(voice.installed for voice in engine.describe().voices)
