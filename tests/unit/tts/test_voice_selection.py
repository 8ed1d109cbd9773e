import pytest

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.engines.espeak.engine import language_tag, voice_names
from wyoming_rosie_tts.engines.espeak.library import LibraryVoice
from wyoming_rosie_tts.voice_selection import VoiceInfo, VoiceRegistry

VOICES = [
    VoiceInfo("af", "Afrikaans", {"af": 5}),
    VoiceInfo("en-GB", "English (Great Britain)", {"en-GB": 2, "en": 2}),
    VoiceInfo("en-US", "English (America)", {"en-US": 2, "en": 3}),
    VoiceInfo("de", "German", {"de": 5}),
    VoiceInfo("yue", "Cantonese", {"yue": 5, "zh": 8}),
    VoiceInfo("cmn", "Mandarin", {"cmn": 5, "zh": 5}),
]


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
        (VoiceRequest(language="xx-YY"), "unknown-language", "there are 6 voices"),
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
