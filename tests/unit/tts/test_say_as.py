import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.text.numbers import LIMIT, format_cardinal, format_ordinal, format_year
from wyoming_rosie_tts.text.say_as import expand


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("characters", "Ab1", "A, B, 1"),
        ("spell-out", "a-b@c", "A, dash, B, at, C"),
        ("verbatim", "x y", "X, Y"),
        ("digits", "1 984", "1 9 8 4"),
        ("digits", "$995", "$, 9, 9, 5"),
        ("telephone", "+1 (555) 123-4567", "plus 1, 5 5 5, 1 2 3, 4 5 6 7"),
        ("telephone", "1-800-FLOWERS", "1, 8 0 0, FLOWERS"),
        ("cardinal", "0", "zero"),
        ("number", "-1,234.50", "minus one thousand two hundred thirty-four point five zero"),
        ("cardinal", "1 000 000", "one million"),
        ("cardinal", "999000000000001", "nine hundred ninety-nine trillion one"),
        ("cardinal", "1000000000000000", "1000000000000000"),
        ("cardinal", "many", "many"),
        ("ordinal", "21", "twenty-first"),
        ("ordinal", "112th", "one hundred twelfth"),
        ("ordinal", "80", "eightieth"),
        ("fraction", "1/2", "one half"),
        ("fraction", "3/4", "three quarters"),
        ("fraction", "2 1/3", "two and one third"),
        ("fraction", "3+2/5", "three and two fifths"),
        ("fraction", "1/0", "1/0"),
        ("currency", "$42.01", "forty-two dollars and one cent"),
        ("currency", "1 EUR", "one euro"),
        ("currency", "£2.50", "two pounds and fifty pence"),
        ("currency", "5 zł", "5 zł"),
        ("expletive", "damn", "beep"),
        ("unit", "5 ft", "5 ft"),
        ("duration", "1:18:30", "one hour eighteen minutes thirty seconds"),
        ("nonsense", "As it is", "As it is"),
    ],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_expansion_in_english(kind: str, text: str, said: str) -> None:
    assert expand(text, kind) == expand(text, kind.upper(), language="en-GB") == said


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        ("5/3/2024", "mdy", "May third, twenty twenty-four"),
        ("5/3/2024", "dmy", "the fifth of March, twenty twenty-four"),
        ("03.05.84", "dd.mm.yy", "the third of May, nineteen eighty-four"),
        ("2005-01-31", "ymd", "January thirty-first, two thousand five"),
        ("20240131", "yyyymmdd", "January thirty-first, twenty twenty-four"),
        ("310124", "dmy", "the thirty-first of January, twenty twenty-four"),
        ("2024-01-31", "", "January thirty-first, twenty twenty-four"),
        ("31/1/2024", "", "the thirty-first of January, twenty twenty-four"),
        ("1/31", "", "January thirty-first"),
        ("31 1", "dm", "the thirty-first of January"),
        ("9/2024", "my", "September twenty twenty-four"),
        ("2024-09", "ym", "September twenty twenty-four"),
        ("1984", "y", "nineteen eighty-four"),
        ("3", "d", "third"),
        ("12", "m", "December"),
        ("13/13/2024", "mdy", "13/13/2024"),
        ("2024-01", "mdy", "2024-01"),
        ("3 May 2024", "dmy", "3 May 2024"),
        ("someday", "", "someday"),
    ],
)  # fmt: skip
def test_dates(text: str, form: str, said: str) -> None:
    assert expand(text, "date", form) == said


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        ("2:30pm", "hms12", "two thirty PM"),
        ("14:30", "hms12", "two thirty PM"),
        ("0:05", "hms12", "twelve oh five AM"),
        ("2 a.m.", "", "two AM"),
        ("14:30", "hms24", "fourteen thirty"),
        ("9:00", "hms24", "nine hundred hours"),
        ("9:00", "", "nine o'clock"),
        ("9:05:01", "", "nine oh five and one second"),
        ("17.45", "", "seventeen forty-five"),
        ("1'21\"", "", "one minute twenty-one seconds"),
        ("25:00", "", "25:00"),
        ("12:60", "", "12:60"),
        ("5", "", "5"),
        ("noon", "", "noon"),
    ],
)
def test_times(text: str, form: str, said: str) -> None:
    assert expand(text, "time", form) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1984, "nineteen eighty-four"),
        (2005, "two thousand five"),
        (2024, "twenty twenty-four"),
        (2010, "twenty ten"),
        (2000, "two thousand"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (1066, "ten sixty-six"),
        (476, "four hundred seventy-six"),
        (10000, "ten thousand"),
    ],
)
def test_years(number: int, said: str) -> None:
    assert format_year(number) == said


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("cardinal", "21", "21"),
        ("date", "2024-01-31", "2024-01-31"),
        ("ordinal", "3.", "3."),
        ("characters", "ß-ä", "ß, -, Ä"),
        ("telephone", "030 12", "0 3 0, 1 2"),
    ],
)
def test_other_languages_leave_numbers_to_the_engine(kind: str, text: str, said: str) -> None:
    assert expand(text, kind, language="de-DE") == said


@given(st.integers(0, LIMIT - 1))
def test_numbers_are_words_and_no_two_are_the_same(number: int) -> None:
    assert format_cardinal(number) != format_cardinal((number + 1) % LIMIT)
    assert not any(
        character.isdigit() for character in format_cardinal(number) + format_ordinal(number) + format_year(number)
    )


KINDS = ["characters", "digits", "telephone", "cardinal", "ordinal", "fraction", "currency", "date", "time", "duration"]


@given(
    st.sampled_from(KINDS),
    st.one_of(st.text(), st.text("0123456789:/.-+, '\"$apm"), st.text("٣४0", max_size=4)),
    st.text("mdyYMD-?", max_size=5),
)
def test_any_text_can_be_said(kind: str, text: str, form: str) -> None:
    assert isinstance(expand(text, kind, form), str)
