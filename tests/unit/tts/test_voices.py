import pytest

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie_tts.engine import Wish
from wyoming_rosie_tts.engines.espeak.engine import language_tag, voice_names
from wyoming_rosie_tts.engines.espeak.library import LibraryVoice
from wyoming_rosie_tts.voice_selection import VoiceCard, Voices

CARDS = [
    VoiceCard("af", "Afrikaans", {"af": 5}),
    VoiceCard("en-GB", "English (Great Britain)", {"en-GB": 2, "en": 2}),
    VoiceCard("en-US", "English (America)", {"en-US": 2, "en": 3}),
    VoiceCard("de", "German", {"de": 5}),
    VoiceCard("yue", "Cantonese", {"yue": 5, "zh": 8}),
    VoiceCard("cmn", "Mandarin", {"cmn": 5, "zh": 5}),
]


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        (Wish(), "en-US"),
        (Wish("de"), "de"),
        (Wish("EN_gb"), "en-GB"),
        (Wish("German"), "de"),
        (Wish("de", language="en"), "de"),
        (Wish(language="de-AT"), "de"),
        (Wish(language="de_DE"), "de"),
        (Wish(language="en"), "en-US"),
        (Wish(language="en-AU"), "en-US"),
        (Wish(language="en-GB"), "en-GB"),
        (Wish(language="zh-Hans-CN"), "cmn"),
    ],
    ids=str,
)
def test_the_voice_that_fits_best_is_chosen(wish: Wish, name: str) -> None:
    assert Voices(CARDS, "en-US").choose(wish).name == name


@pytest.mark.parametrize(
    ("wish", "code", "hint"),
    [
        (Wish("gernan"), "unknown-voice", "such as de,"),
        (Wish("xx"), "unknown-voice", "such as en-US,"),
        (Wish(language="xx-YY"), "unknown-language", "there are 6 voices"),
        (Wish("de", speaker="Anna"), "unknown-voice", "no speaker .Anna.; there is: one"),
    ],
    ids=str,
)
def test_an_unknown_voice_is_refused_with_some_that_exist(wish: Wish, code: str, hint: str) -> None:
    with pytest.raises(BadEventError, match=hint) as refusal:
        Voices(CARDS, "en-US").choose(wish)
    assert refusal.value.code == code


def test_a_default_that_does_not_exist_is_the_operators_to_mend() -> None:
    with pytest.raises(ConfigError, match="no voice 'martian'"):
        Voices(CARDS, "martian")


@pytest.mark.parametrize(
    ("written", "tag"),
    [("en-us", "en-US"), ("cmn-latn-pinyin", "cmn-Latn-pinyin"), ("es-419", "es-419"), ("en-gb-x-rp", "en-GB-x-rp")],
)
def test_languages_are_written_as_home_assistant_writes_them(written: str, tag: str) -> None:
    assert language_tag(written) == tag


def test_two_voices_of_one_language_have_two_names() -> None:
    listed = [LibraryVoice("sit/yue", "Cantonese", (("yue", 5),)), LibraryVoice("sit/yue-Latn", "Latin", (("yue", 5),))]
    assert voice_names(listed) == {"sit/yue": "yue", "sit/yue-Latn": "yue-Latn"}


def test_a_voice_with_speakers_is_chosen_with_one_of_them() -> None:
    voices = Voices([*CARDS, VoiceCard("duo", "Two people", {"it": 1}, ("anna", "bruno"))], "duo")
    for wish in (Wish("duo", speaker="anna"), Wish(language="it", speaker="anna"), Wish(speaker="bruno"), Wish("duo")):
        assert voices.choose(wish).name == "duo"
    with pytest.raises(BadEventError, match="no speaker 'carla'; there is: anna, bruno"):
        voices.choose(Wish("duo", speaker="carla"))
