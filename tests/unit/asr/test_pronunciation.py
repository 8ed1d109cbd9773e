from pathlib import Path

import pytest

from wyoming_rosie_asr.engines.pocketsphinx.pronunciation import Lexicon, read_dictionary

DICTIONARY = {
    "a": ("AH", "EY"),
    "bee": ("B IY",),
    "c": ("S IY",),
    "dad": ("D AE D",),
    "cafe": ("K AH F EY",),
    "d": ("D IY",),
    "e": ("IY",),
    "eco": ("IY K OW",),
    "first": ("F ER S T",),
    "lamp": ("L AE M P",),
    "led": ("L EH D",),
    "l": ("EH L",),
    "mute": ("M Y UW T",),
    "mom": ("M AA M",),
    "off": ("AO F",),
    "door": ("D AO R",),
    "switch": ("S W IH CH",),
    "three": ("TH R IY",),
    "un": ("AH N",),
}
LEXICON = Lexicon(DICTIONARY)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        pytest.param("lamp", ("L AE M P",), id="in the dictionary"),
        pytest.param("lamps", ("L AE M P S",), id="plural after a voiceless sound"),
        pytest.param("dads", ("D AE D Z",), id="plural after a voiced sound"),
        pytest.param("switchs", ("S W IH CH IH Z",), id="plural after a hissing sound"),
        pytest.param("dad's", ("D AE D Z",), id="possessive"),
        pytest.param("unmute", ("AH N M Y UW T",), id="prefix"),
        pytest.param("ecobee", ("IY K OW B IY",), id="compound"),
        pytest.param("off", ("AO F", "AA F"), id="caught as cot"),
        pytest.param("door", ("D AO R",), id="but not before an r"),
        pytest.param("qzxv", (), id="unknown"),
    ],
)
def test_words_have_pronunciations(word: str, phones: tuple[str, ...]) -> None:
    assert LEXICON.find_phones(word) == phones


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("Dad\u2019s Lamp", [("dad's", "lamp")]),
        ("EcoBee", [("ecobee",)]),
        ("Lamp (3)", [("lamp", "three=3")]),
        ("3D Lamp", [("three=3d", "d=", "lamp")]),
        ("A/C", [("a=a/c", "c=")]),
        ("LED Lamp", [("led", "lamp"), ("l=led", "e=", "d=", "lamp")]),
        ("Café", [("cafe=café",)]),
        ("1st Lamp", [("first=1st", "lamp")]),
        ("💡 Lamp", [("lamp",)]),
        ("Mom & Zorg", []),
        ("💡", []),
        ("", []),
    ],
)
def test_names_have_pronunciations_and_keep_their_spelling(name: str, ways: list[tuple[str, ...]]) -> None:
    assert LEXICON.pronounce(name) == ways


def test_a_name_of_acronyms_has_a_bounded_number_of_pronunciations() -> None:
    ways = LEXICON.pronounce("LED " * 40)
    assert len(ways) == 16
    assert ways[0] == ("led",) * 40


def test_a_dictionary_file_may_give_several_pronunciations(tmp_path: Path) -> None:
    file = tmp_path / "some.dict"
    file.write_text("the DH AH\nthe(2) DH IY\nlamp L AE M P\n")
    assert read_dictionary(file) == {"the": ("DH AH", "DH IY"), "lamp": ("L AE M P",)}
