"""How normalized text sounds: the phonemes that espeak-ng makes of it, beside those of the words written out."""

# ruff: noqa: RUF001 - dashes and minus signs of all kinds are intended

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("espeakng_loader", reason="the tts extra is not installed")

from tests.phonemes import phonemize
from tests.readings import HALVES, VOICES, find_languages, load_readings, say
from wyoming_rosie_tts.engines.espeak.engine import Settings, load
from wyoming_rosie_tts.text.normalization.cldr import find_minus
from wyoming_rosie_tts.text.normalization.language_table import read_table
from wyoming_rosie_tts.text.normalization.normalizer import normalize

TABLES = find_languages()
SIGNS = st.sampled_from(["-", "−", "–", "‑"])
SILENT = {"chr", "hak"}  # voices that cannot be selected by the language alone
LANGUAGES = sorted({voice.name.partition("-")[0] for voice in load(Settings()).describe().voices} - SILENT)
ALIKE = {"cv", "gn", "haw", "ht", "nci", "quc", "qya", "si", "sjn"}  # espeak-ng reads some digits alike in these


def sounds(text: str, language: str) -> str:
    return phonemize(text, VOICES.get(language, language))


@pytest.mark.parametrize("language", TABLES)
def test_the_texts_of_the_tables_are_said_with_the_right_words(language: str) -> None:
    open_half = [one for one in load_readings(language) if one.half == HALVES[0]]
    wrong = [one.text for one in open_half if not one.is_right(say(one.text, language))]
    assert wrong == []


@pytest.mark.parametrize("language", TABLES)
def test_most_texts_that_the_rules_were_not_made_for_are_right_as_well(language: str) -> None:
    kept = [one for one in load_readings(language) if one.half == HALVES[1]]
    right = [one for one in kept if one.is_right(say(one.text, language))]
    assert len(right) >= 0.9 * len(kept)


@settings(deadline=None)
@given(st.sampled_from(LANGUAGES), SIGNS, st.integers(0, 999))
def test_a_negative_number_sounds_like_minus_and_the_number(language: str, sign: str, number: int) -> None:
    minus = read_table(language, "").word("minus") if language in TABLES else find_minus(language)
    negative, positive = normalize(f"{sign}{number}", language), normalize(str(number), language)
    assert sounds(negative, language) == sounds(f"{minus} {positive}", language) != sounds(positive, language)


@settings(deadline=None)
@given(st.data(), st.sampled_from(TABLES), SIGNS, st.integers(2, 999), st.integers(0, 99))
def test_signs_numbers_and_units_sound_like_the_words(
    data: st.DataObject, language: str, sign: str, whole: int, hundredths: int
) -> None:
    table = read_table(language, "")
    unit, forms = data.draw(st.sampled_from(sorted(table.forms("units").items())))
    written = f"{sign}{whole}{table.text('decimals')[0]}{hundredths:02} {unit}"
    number = normalize(f"{whole}", language)
    decimals = " ".join(normalize(digit, language) for digit in f"{hundredths:02}")
    name = forms.singular if table.raw.get("singular_below") == 2 and whole < 2 else forms.plural
    words = f"{table.word('minus')} {number} {table.word('point')} {decimals} {name}"
    assert sounds(normalize(written, language), language) == sounds(words, language)


@settings(deadline=None)
@given(
    st.sampled_from(sorted({*LANGUAGES} - ALIKE)),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(["°C", "km", "%", ""]),
)
def test_different_amounts_sound_different(language: str, first: int, second: int, unit: str) -> None:
    one, other = (sounds(normalize(f"{number} {unit}", language), language) for number in (first, second))
    assert (one == other) == (first == second)
