"""Normalization of text: the words that an engine gets to speak."""

# ruff: noqa: RUF001 - dashes, quotation marks and signs of all kinds are intended

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_tts.text.normalization.language_table import find_languages, read_table
from wyoming_rosie_tts.text.normalization.normalizer import normalize

TABLES = sorted(find_languages())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$49.95", "forty-nine dollars and ninety-five cents"),
        ("£0.05", "five pence"),
        ("$1.01", "one dollar and one cent"),
        ("€2.00", "two euros"),
        ("$2.5 million", "two point five million dollars"),
        ("$10-20", "ten to twenty dollars"),
        ("-$5", "minus five dollars"),
        ("$2/kg", "two dollars per kilogram"),
        ("0:00", "midnight"),
        ("9:05", "nine oh five"),
        ("9:05:01 pm", "nine oh five and one second PM"),
        ("5 p.m.", "five PM."),
        ("25:00", "25:00"),
        ("9:00-17:30", "nine o'clock to seventeen thirty"),
        ("2026-11-29", "November twenty-ninth, twenty twenty-six"),
        ("31/1/2026", "January thirty-first, twenty twenty-six"),
        ("13/13/2026", "13/13/2026"),
        ("on 12/25", "on December twenty-fifth"),
        ("12/25", "12/25"),
        ("1914-1918", "nineteen fourteen to nineteen eighteen"),
        ("1500-2000 m", "one thousand five hundred to two thousand meters"),
        ("the '90s", "the nineties"),
        ("a 30s timer", "a thirty seconds timer"),
        ("3-2", "three to two"),
        ("5 - 3 = 2", "five minus three equals two"),
        ("10 - 15", "ten to fifteen"),
        ("- 5 degrees", "minus five degrees"),
        ("- 5 eggs", "five eggs"),
        ("1 km and 2 km", "one kilometer and two kilometers"),
        ("°C", "degrees Celsius"),
        ("5 kWh/100 km", "five kilowatt hours per one hundred kilometers"),
        ("4K", "4K"),
        ("6'2\"", "six feet two inches"),
        ("6 ft. 2 in. and 10 in. long", "six feet two inches and ten inches long"),
        ("1h 30m, 5m 30s, 5m", "one hour thirty minutes, five minutes thirty seconds, five meters"),
        ("3×10^8 m/s", "three times ten to the power of eight meters per second"),
        ("A/V, and/or, Q4 2023", "A/V, and or, Q4 twenty twenty-three"),
        ('"take 5"', '"take five"'),
        ("555-1234", "five five five, one two three four"),
        ("500-1000 people", "five hundred to one thousand people"),
        ("007", "zero zero seven"),
        ("2½", "two and a half"),
        ("1/2 kg", "one half kilogram"),
        ("5/3", "5/3"),
        ("m² x²", "square meters x squared"),
        ("Henry VIII", "Henry the eighth"),
        ("Part I. I", "Part one. I"),
        ("Vitamin C and CD", "Vitamin C and C D"),
        ("St. John St.", "Saint John Street."),
        ("Dr. Lee, Elm Dr. The end", "Doctor Lee, Elm Drive. The end"),
        ("USB and NASA", "U S B and Nasa"),
        ("TURN OFF THE TV", "TURN OFF THE TV"),
        ("a@b.co.uk", "a at b dot co dot U K"),
        ("https://example.com/a?b", "example dot com"),
        ("notes.txt", "notes.txt"),
        ("C#, C++, A+", "C#, C++, A+"),
        ("$1.5M-$2M, 10am-4pm", "one point five million dollars to two million dollars, ten AM to four PM"),
        ("5 km/h–8 km/h", "five kilometers per hour to eight kilometers per hour"),
        ("-10–-5", "minus ten to minus five"),
        ("978-3-16-1", "nine seven eight, three, one six, one"),
        ("Jan 1-5, Jan. 1st–5th", "January first to fifth, January first to fifth"),
        ("Mon, Wed & Fri. The sun sat.", "Monday, Wednesday and Friday. The sun sat."),
        ("44 B.C.", "forty-four B.C."),
        ("a $20 bill for $20", "a twenty dollar bill for twenty dollars"),
        ("€1.000,50 or €1,000.50", "one thousand euros and fifty cents or one thousand euros and fifty cents"),
        ("I <3 you", "I <three you"),
        ("4.5/5", "four point five out of five"),
        ("c. 1452", "circa fourteen fifty-two"),
        ("2 * 3 and 2**3", "two times three and two cubed"),
        ("1234567890123456", "one two three four five six seven eight nine zero one two three four five six"),
    ],
)  # fmt: skip
def test_english_is_written_as_it_is_said(text: str, words: str) -> None:
    assert normalize(text, "en-US") == words


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en-GB", "3/4/2026", "April third, twenty twenty-six"),
        ("en-US", "3/4/2026", "March fourth, twenty twenty-six"),
        ("es-ES", "1.234,5 °C", "mil doscientos treinta y cuatro coma cinco grados Celsius"),
        ("es-MX", "1,234.5 °C", "mil doscientos treinta y cuatro coma cinco grados Celsius"),
        ("de-DE", "am 3. und 4. Mai", "am dritten und vierten Mai"),
        ("de-DE", "auf der 2. Etage", "auf der zweiten Etage"),
        ("de-DE", "Es sind 20. Das reicht.", "Es sind zwanzig. Das reicht."),
        ("de-DE", "1 Stunde, 1 Euro", "eine Stunde, ein Euro"),
        ("de-DE", "Da ist 1 Lampe, 1 Fenster, Kanal 1 Ton", "Da ist eine Lampe, ein Fenster, Kanal eins Ton"),
        ("es-ES", "1 luz en el canal 1 está", "una luz en el canal uno está"),
        ("de-DE", "Battery < 20%", "Battery kleiner als zwanzig Prozent"),
        ("en-US", "Battery < 20%, load <= 5 kg", "Battery is less than twenty percent, load is at most five kilograms"),
        ("en-US", "Settings > System", "Settings > System"),
        ("en-US", "a 7B model of 512 B", "a 7B model of five hundred twelve bytes"),
        ("en-US", "2026.11.3", "twenty twenty-six point eleven point three"),
        ("en-US", "The 3 may stay, on May 3", "The three may stay, on May third"),
        ("lb", "-31,5", "minus eenandrësseg Komma fënnef"),
        ("de-DE", "21.5 °C und 21,5 °C", "einundzwanzig Komma fünf Grad Celsius und einundzwanzig Komma fünf Grad Celsius"),
        ("de-DE", "Elisabeth II. und Karl V.", "Elisabeth die zweite und Karl der fünfte"),
        ("de-DE", "Max. Komm her!", "Max. Komm her!"),
        ("de-DE", "5,- €", "fünf Euro"),
        ("de-DE", "10 : 2 = 5, Kap. III", "zehn geteilt durch zwei gleich fünf, Kapitel drei"),
        ("de-DE", "5 € - 10 €, 3/4 Std., um 21.15", "fünf Euro bis zehn Euro, drei Viertel Stunde, um einundzwanzig Uhr fünfzehn"),
        ("de-DE", "21. 3. 2026", "einundzwanzigster März zweitausendsechsundzwanzig"),
        ("fr-FR", "Le 1er mai à 9h-17h", "Le premier mai à neuf heures à dix-sept heures"),
        ("fr-FR", "Le XXe siècle", "Le vingtième siècle"),
        ("fr-FR", "1,5 kg et 2 kg", "un virgule cinq kilogramme et deux kilogrammes"),
        ("es-ES", "Alfonso X y Alfonso XIII", "Alfonso décimo y Alfonso trece"),
        ("it-IT", "anni '80", "anni ottanta"),
        ("it-IT", "10 mila € e 2 milioni €", "dieci mila euro e due milioni di euro"),
        ("fr-FR", "à 14 h 05, 1.250,99 €, 10 k€", "à quatorze heures cinq, mille deux cent cinquante euros quatre-vingt-dix-neuf, dix mille euros"),
        ("es-ES", "Tel. 912 345 678", "Tel. nueve uno dos, tres cuatro cinco, seis siete ocho"),
        ("nl-NL", "2026", "tweeduizend zesentwintig"),
        ("pl", "-1,2", "minus 1 przecinek 2"),
        ("nb", "−5", "minus 5"),
        ("ko", "1.5", "1 점 5"),
        ("ru", "1.5", "1,5"),
        ("sv", "1.500", "1.500"),
        ("xx", "-5 and 3.5", "minus 5 and 3.5"),
        ("", "-5 °C", "-5 °C"),
    ],
)  # fmt: skip
def test_each_language_has_words_of_its_own(language: str, text: str, words: str) -> None:
    assert normalize(text, language) == words


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("pl", "-1,2 kWh", "minus 1 przecinek 2 kilowatogodziny"),
        ("pl", "1.234 km", "1234 kilometry"),
        ("ru", "45%", "45 процентов"),
        ("sv", "39,99 €", "39 euro 99"),
        ("tr", "%45", "%45"),
        ("cmn", "20 °C", "20 摄氏度"),
        ("ja", "$5", "5 米ドル"),
    ],
)
def test_babel_names_units_and_currencies_in_other_languages(language: str, text: str, words: str) -> None:
    pytest.importorskip("babel", reason="the languages extra is not installed")
    assert normalize(text, language) == words


@pytest.mark.parametrize("language", TABLES)
def test_every_table_is_complete(language: str) -> None:
    english, table = read_table("en", "US"), read_table(language, "")
    assert english.raw["words"].keys() == table.raw["words"].keys()
    assert {"%", "°", "°C", "km", "kg", "kWh", "W", "s"} <= table.forms("units").keys()
    assert len(table.month_names) == 12
    assert len(set(table.words("weekdays").values())) == 7
    genders = {forms.gender for section in ("units", "currencies", "minor") for forms in table.forms(section).values()}
    assert genders <= table.words("cardinals").keys()


@given(
    st.sampled_from([*TABLES, "pl", "ja"]),
    st.lists(st.text("abcdefghijklmnopqrstuvwxyzäöüßéñ", min_size=1), max_size=9),
)
def test_ordinary_words_stay_as_they_are(language: str, words: list[str]) -> None:
    text = " ".join(words)
    spelled = {*read_table("en", "").forms("units"), "vs"}
    if not spelled & set(words):
        assert normalize(text, language) == text


SCRAPS = st.sampled_from(
    [
        "Dr. ", "St. ", "km/h", "Nov. ", "Mon-", "Louis ", "am ", "z. B. ", "1.", "Uhr", "www.", "a@b.com", "1 000", "million",
        "$", "€", "-", "–", "−", "10", "3", "XIV", ":", ",", ".", "/", "°C", "½", "²", "^", "'", '"', "#", "@", "&", " ", "٣", "\u202f",
    ]
)  # fmt: skip


@given(
    st.sampled_from([*TABLES, "pl", "ja", "xx"]),
    st.one_of(st.text(max_size=80), st.lists(SCRAPS, max_size=40).map("".join)),
)
def test_any_text_can_be_normalized(language: str, text: str) -> None:
    words = normalize(text, language)
    assert words == " ".join(words.split())
    assert len(words) <= 80 * max(len(text), 1)


@given(st.sampled_from(TABLES), st.integers(0, 10**12))
def test_no_digit_of_a_number_is_lost(language: str, number: int) -> None:
    words = normalize(f"x {number} y", language)
    assert not any(map(str.isdecimal, words))
    assert words != normalize(f"x {number + 1} y", language)
