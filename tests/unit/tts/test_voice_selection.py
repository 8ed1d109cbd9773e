import pytest

from tests.unit.tts.fakes import FORMAT, LetterEngine, LetterVoice
from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.engines.espeak.engine import language_tag, voice_names
from wyoming_rosie_tts.engines.espeak.library import LibraryVoice
from wyoming_rosie_tts.voice_selection import (
    VoiceInfo,
    VoiceRegistry,
    check_language_voices,
    parse_language_voices,
    select_voice,
)

VOICES = [
    VoiceInfo("af", "Afrikaans", {"af": 5}),
    VoiceInfo("en-GB", "English (Great Britain)", {"en-GB": 2, "en": 2}),
    VoiceInfo("en-US", "English (America)", {"en-US": 2, "en": 3}),
    VoiceInfo("de", "German", {"de": 5}),
    VoiceInfo("yue", "Cantonese", {"yue": 5, "zh": 8}),
    VoiceInfo("cmn", "Mandarin", {"cmn": 5, "zh": 5}),
]
EUROPEAN = [
    VoiceInfo("es", "Spanish (Spain)", {"es": 5}),
    VoiceInfo("es-419", "Spanish (Latin America)", {"es-419": 5}),
    VoiceInfo("pt-BR", "Portuguese (Brazil)", {"pt-BR": 5}),
    VoiceInfo("nb", "Norwegian", {"nb": 5}),
    VoiceInfo("hr", "Croatian", {"hr": 5}),
    VoiceInfo("sr-Latn", "Serbian (Latin letters)", {"sr-Latn": 5}),
    VoiceInfo("he", "Hebrew", {"he": 5}),
    VoiceInfo("de_AT-resi-low", "Resi", {"de-AT": 0}),
    VoiceInfo("de_DE-eva-low", "Eva", {"de-DE": 0}),
]


class RegistryEngine(LetterEngine):
    """An engine whose voices are those of a registry; the language of a voice is its name."""

    def __init__(self, voices: VoiceRegistry) -> None:
        super().__init__()
        self._voices = voices

    def select_voice(self, request: VoiceRequest) -> LetterVoice:
        self.language = self._voices.select(request).name
        return LetterVoice(self, FORMAT)


@pytest.mark.parametrize(
    ("requested", "name"),
    [
        (VoiceRequest(), "en-US"),
        (VoiceRequest("de"), "de"),
        (VoiceRequest("EN_gb"), "en-GB"),
        (VoiceRequest("German"), "de"),
        (VoiceRequest("de", language="en"), "de"),
        (VoiceRequest(language="de-AT"), "de"),
        (VoiceRequest(language="de_DE"), "de"),
        (VoiceRequest(language="en"), "en-US"),
        (VoiceRequest(language="en-AU"), "en-US"),
        (VoiceRequest(language="en-GB"), "en-GB"),
        (VoiceRequest(language="zh-Hans-CN"), "cmn"),
    ],
    ids=str,
)
def test_the_closest_voice_is_selected(requested: VoiceRequest, name: str) -> None:
    assert VoiceRegistry(VOICES, "en-US").select(requested).name == name


@pytest.mark.parametrize(
    ("requested", "code", "hint"),
    [
        (VoiceRequest("gernan"), "unknown-voice", "such as de,"),
        (VoiceRequest("xx"), "unknown-voice", "such as en-US,"),
        (
            VoiceRequest(language="xx-YY"),
            "unknown-language",
            "no voice speaks .xx-YY.; the voices here speak af, cmn, de, en, yue, zh; install one",
        ),
        (VoiceRequest("de", speaker="Anna"), "unknown-voice", "no speaker .Anna.; there is: one"),
    ],
    ids=str,
)
def test_an_unknown_voice_is_refused_with_some_that_exist(requested: VoiceRequest, code: str, hint: str) -> None:
    with pytest.raises(BadEventError, match=hint) as refusal:
        VoiceRegistry(VOICES, "en-US").select(requested)
    assert refusal.value.code == code


def test_an_unknown_default_voice_is_refused() -> None:
    with pytest.raises(ConfigError, match="no voice 'martian'"):
        VoiceRegistry(VOICES, "martian")


@pytest.mark.parametrize(
    ("written", "tag"),
    [("en-us", "en-US"), ("cmn-latn-pinyin", "cmn-Latn-pinyin"), ("es-419", "es-419"), ("en-gb-x-rp", "en-GB-x-rp")],
)
def test_languages_are_written_as_home_assistant_writes_them(written: str, tag: str) -> None:
    assert language_tag(written) == tag


def test_two_voices_of_one_language_have_two_names() -> None:
    listed = [LibraryVoice("sit/yue", "Cantonese", (("yue", 5),)), LibraryVoice("sit/yue-Latn", "Latin", (("yue", 5),))]
    assert voice_names(listed) == {"sit/yue": "yue", "sit/yue-Latn": "yue-Latn"}


def test_a_voice_with_speakers_is_selected_with_one_of_them() -> None:
    voices = VoiceRegistry([*VOICES, VoiceInfo("duo", "Two people", {"it": 1}, ("anna", "bruno"))], "duo")
    for requested in (
        VoiceRequest("duo", speaker="anna"),
        VoiceRequest(language="it", speaker="anna"),
        VoiceRequest(speaker="bruno"),
        VoiceRequest("duo"),
    ):
        assert voices.select(requested).name == "duo"
    with pytest.raises(BadEventError, match="no speaker 'carla'; there is: anna, bruno"):
        voices.select(VoiceRequest("duo", speaker="carla"))


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("es-MX", "es-419"),
        ("es-ES", "es"),
        ("es_AR", "es-419"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("bs", "hr"),
        ("iw", "he"),
        ("de-CH", "de_AT-resi-low"),
        ("de-DE", "de_DE-eva-low"),
    ],
)
def test_the_nearest_voice_speaks_a_language_that_has_none_of_its_own(language: str, name: str) -> None:
    assert VoiceRegistry(EUROPEAN, "nb").select(VoiceRequest(language=language)).name == name


@pytest.mark.parametrize(
    ("requested", "name"),
    [
        (VoiceRequest(language="de"), "de_DE-eva-low"),
        (VoiceRequest(language="de-CH"), "de_DE-eva-low"),
        (VoiceRequest(language="de-AT"), "de_AT-resi-low"),
        (VoiceRequest("hr", language="de"), "hr"),
        (VoiceRequest("amy", language="de"), "de_DE-eva-low"),
        (VoiceRequest("amy", language="pt-PT"), "pt-BR"),
        (VoiceRequest("de-DE-KatjaNeural"), "de_DE-eva-low"),
        (VoiceRequest("pt_PT-nobody-medium"), "pt-BR"),
        (VoiceRequest("pt_PT-nobody-medium", language="es"), "es"),
        (VoiceRequest(), "nb"),
    ],
    ids=str,
)
def test_the_language_chooses_the_voice_unless_there_is_one_of_the_name(requested: VoiceRequest, name: str) -> None:
    engine = RegistryEngine(VoiceRegistry(EUROPEAN, "nb"))
    configured = parse_language_voices(["de=de_DE-eva-low", "de_AT=de_AT-resi-low"])
    assert select_voice(engine, requested, configured).language == name


@pytest.mark.parametrize(
    ("requested", "reason"),
    [
        (
            VoiceRequest(language="ja"),
            "no voice speaks 'ja'; the voices here speak de, es, he, hr, nb, pt, sr; install",
        ),
        (VoiceRequest("amy"), "no voice 'amy'; there are 9 voices"),
        (VoiceRequest("hr", language="de", speaker="anna"), "the voice hr has no speaker 'anna'"),
        (VoiceRequest("amy", language="ja"), "no voice 'amy'; there are 9 voices"),
    ],
    ids=str,
)
def test_a_request_that_no_voice_fits_is_told_why(requested: VoiceRequest, reason: str) -> None:
    with pytest.raises(BadEventError, match=reason):
        select_voice(RegistryEngine(VoiceRegistry(EUROPEAN, "nb")), requested, {})


@pytest.mark.parametrize("value", ["de", "=x", "de=", ""])
def test_a_language_without_a_voice_is_refused_in_the_configuration(value: str) -> None:
    with pytest.raises(ConfigError, match="give a language and a voice, such as de="):
        parse_language_voices([value])


def test_a_configured_voice_that_does_not_exist_is_refused() -> None:
    engine = RegistryEngine(VoiceRegistry(EUROPEAN, "nb"))
    check_language_voices(engine, {"de": "de_DE-eva-low"})
    with pytest.raises(ConfigError, match="--language-voice de=adam: no voice 'adam'"):
        check_language_voices(engine, {"de": "adam"})
