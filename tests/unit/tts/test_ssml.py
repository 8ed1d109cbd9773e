# ruff: noqa: RUF001 - the signs of IPA are meant as they look
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.text import ssml
from wyoming_rosie_tts.text.prosody import combine, parse_break, parse_prosody
from wyoming_rosie_tts.text.segment_builder import MAX_PAUSE_MILLISECONDS
from wyoming_rosie_tts.text.segments import MarkSegment, PauseSegment, Prosody, Segment, TextSegment, VoiceRequest
from wyoming_rosie_tts.text.ssml_tokenizer import MAX_TAG_CHARACTERS

BOMB = '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><speak>&b;</speak>'
OUTSIDE = '<!DOCTYPE speak [<!ENTITY x SYSTEM "file:///etc/passwd">]><speak>&x;</speak>'

TAGS = [
    "<speak>",
    "</speak>",
    "<p>",
    "</p>",
    "<s>",
    "</s>",
    "<break/>",
    "<break time='1s'/>",
    "<prosody rate='fast' pitch=\"+1st\">",
    "</prosody>",
    "<emphasis>",
    "</emphasis>",
    "<say-as interpret-as='characters'>",
    "</say-as>",
    "<sub alias='other'>",
    "</sub>",
    "<phoneme ph='x'>",
    "</phoneme>",
    "<lang xml:lang='de'>",
    "</lang>",
    "<mark name='m'/>",
    "<metadata>",
    "</metadata>",
    "<mstts:express-as style='sad'>",
    "<!-- a > note -->",
    "<![CDATA[a <b> c]]>",
    "<?xml version='1.0'?>",
]
SLIPS = [
    "<",
    ">",
    "&",
    "&amp;",
    "&nbsp;",
    "&#65;",
    "&nosuch;",
    "<!",
    "<!-",
    "<![",
    "</",
    "<3",
    "<b and",
    '"',
    "'",
    "\n",
    "]]>",
]
SCRAPS = st.one_of(
    st.sampled_from(TAGS), st.sampled_from(SLIPS), st.sampled_from(["Hello. ", "World", " ", "a", "1, "])
)
DOCUMENTS = st.one_of(
    st.lists(SCRAPS, max_size=40).map("".join),
    st.text(alphabet="ab<>/&;!-?['\" =x.\n", max_size=200),
    st.text(st.characters(exclude_categories=()), max_size=200),
)


def spoken(document: str) -> str:
    return " ".join(piece.text for piece in ssml.parse(document) if isinstance(piece, TextSegment))


def words(text: str, **style: object) -> TextSegment:
    return TextSegment(text, **style)  # type: ignore[arg-type]


def read_in_pieces(document: str, sizes: list[int]) -> list[Segment]:
    reader = ssml.SsmlParser()
    pieces: list[Segment] = []
    at, turn = 0, 0
    while at < len(document):
        size = sizes[turn % len(sizes)]
        pieces += reader.feed(document[at : at + size])
        at, turn = at + size, turn + 1
    return pieces + reader.finish()


def outcome(read: object) -> object:
    """Return the pieces, or the code of the refusal."""
    try:
        return read()  # type: ignore[operator]
    except BadEventError as err:
        return err.code


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<speak>Hello.</speak>", "Hello."),
        ("Hello <b>you</b>.", "Hello you."),
        ('<?xml version="1.0"?><!-- a note --><speak version="1.1" xmlns="http://x">Hello.</speak>', "Hello."),
        ("<speak>I live in\n    Berlin.</speak>", "I live in Berlin."),
        ("<speak>a &amp; b &lt; c &#65;&#x42; d&nbsp;e caf&eacute;</speak>", "a & b < c AB d e café"),
        ("<speak><![CDATA[a <b> & c]]></speak>", "a <b> & c"),
        ('<speak><sub alias="World Wide Web Consortium">W3C</sub> says</speak>', "World Wide Web Consortium says"),
        ('<speak><audio src="x.mp3"><desc>a bell</desc>no sound</audio></speak>', "no sound"),
        ("<speak><metadata><a>secret</a></metadata><lexicon uri='x'/>Hello</speak>", "Hello"),
        ("<speak><w role='amazon:VB'>read</w> <token>me</token></speak>", "read me"),
        ('<speak>The <say-as interpret-as="ordinal">3</say-as> one</speak>', "The third one"),
        ('<speak><say-as interpret-as="characters">A<b>B</b></say-as></speak>', "A, B"),
    ],
    ids=lambda value: value[:40],
)
def test_the_words_of_a_document_are_spoken(document: str, text: str) -> None:
    assert spoken(document) == text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ('<speak><mstts:express-as style="sad" styledegree="2">Oh.</mstts:express-as></speak>', "Oh."),
        ('<speak><mstts:silence type="Sentenceboundary" value="200ms"/>Oh.</speak>', "Oh."),
        ('<speak><amazon:effect name="whispered">Oh.</amazon:effect></speak>', "Oh."),
        ('<speak><amazon:domain name="news">Oh.</amazon:domain></speak>', "Oh."),
        ('<speak><google:style name="lively">Oh.</google:style></speak>', "Oh."),
        ('<speak><par><media xml:id="a"><speak>Oh.</speak></media></par></speak>', "Oh."),
    ],
    ids=["azure style", "azure silence", "polly effect", "polly domain", "google style", "google media"],
)
def test_dialects_are_read(document: str, text: str) -> None:
    assert spoken(document) == text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<speak>Tom & Jerry", "Tom & Jerry"),
        ("<speak>1 < 2 and 3 > 2</speak>", "1 < 2 and 3 > 2"),
        ("<speak><p>one <b>two</p> three</i></speak>", "one two three"),
        ('<speak><prosody rate="fast>Hello</prosody> there</speak>', "Hello there"),
        ("<speak><break time=1s/>Hello</speak>", "Hello"),
        ("<speak>I <3 you", "I <3 you"),
        ("<speak>the end <brea", "the end <brea"),
        ("<speak>&nosuch; &;", "&nosuch; &;"),
        ("<speak><!-- never closed", "<!-- never closed"),
        ("</p></speak>Hello", "Hello"),
    ],
    ids=lambda value: value[:40],
)
def test_malformed_markup_loses_no_words(document: str, text: str) -> None:
    assert spoken(document) == text


def test_a_break_takes_the_place_of_the_silence_between_sentences() -> None:
    assert ssml.parse('One.<break time="750ms"/>Two.') == [
        words("One.", joins_next=True),
        PauseSegment(750),
        words("Two."),
    ]


def test_a_tag_inside_a_sentence_adds_no_silence() -> None:
    assert ssml.parse(
        "I <prosody rate='fast'>really</prosody> mean it. Yes. <prosody rate='fast'>Now</prosody>. Go."
    ) == [
        words("I", joins_next=True),
        words("really", prosody=Prosody(rate=1.35), joins_next=True),
        words("mean it."),
        words("Yes."),
        words("Now", prosody=Prosody(rate=1.35)),
        words("Go."),
    ]


def test_sentences_end_with_their_tag_and_paragraphs_are_further_apart() -> None:
    assert ssml.parse("<p><s>one</s> <s>two</s></p>\n<p>three</p>") == [
        words("one"),
        words("two"),
        PauseSegment(ssml.PARAGRAPH_MILLISECONDS),
        words("three"),
    ]


def test_a_tag_at_the_end_of_a_sentence_removes_no_silence() -> None:
    assert ssml.parse("<s>It <prosody rate='fast'>works</prosody> </s>Good") == [
        words("It", joins_next=True),
        words("works", prosody=Prosody(rate=1.35)),
        words("Good"),
    ]


def test_marks_stand_between_the_words() -> None:
    assert ssml.parse('Go <mark name="here"/>on. <bookmark mark="azure"/>') == [
        words("Go", joins_next=True),
        MarkSegment("here"),
        words("on."),
        MarkSegment("azure"),
    ]


@pytest.mark.parametrize(
    ("document", "pieces"),
    [
        (
            '<phoneme alphabet="ipa" ph="təˈmɑːtəʊ">tomato</phoneme>',
            [TextSegment("tomato", phonemes="təˈmɑːtəʊ")],
        ),
        ('<phoneme ph="x">tomato</phoneme>', [TextSegment("tomato", phonemes="x")]),
        ('<phoneme alphabet="x-sampa" ph="x">tomato</phoneme>', [TextSegment("tomato")]),
        ("<phoneme>tomato</phoneme>", [TextSegment("tomato")]),
    ],
    ids=["ipa", "no alphabet", "another alphabet", "no phonemes"],
)
def test_phonemes_go_with_the_text_they_are_for(document: str, pieces: list[Segment]) -> None:
    assert ssml.parse(document) == pieces


@pytest.mark.parametrize(
    ("document", "voice_request"),
    [
        ('<voice name="amy">x</voice>', VoiceRequest(name="amy")),
        ('<voice name="amy bob">x</voice>', VoiceRequest(name="amy")),
        ('<voice name="en-US-JennyNeural">x</voice>', VoiceRequest(name="en-US-JennyNeural", language="en-US")),
        ('<voice xml:lang="de-DE" gender="female">x</voice>', VoiceRequest(language="de-DE")),
        ('<voice language="fr">x</voice>', VoiceRequest(language="fr")),
        ('<voice gender="female">x</voice>', None),
        ('<lang xml:lang="fr-FR">x</lang>', VoiceRequest(language="fr-FR")),
        ('<p xml:lang="fr-FR">x</p>', VoiceRequest(language="fr-FR")),
        ('<speak xml:lang="de">x</speak>', VoiceRequest(language="de")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_voices_and_languages_are_requested(document: str, voice_request: VoiceRequest | None) -> None:
    assert ssml.parse(document) == [TextSegment("x", voice_request=voice_request)]


@pytest.mark.parametrize(
    ("asked", "voice_request"),
    [
        (VoiceRequest(name="amy"), None),
        (VoiceRequest(name="en_US-amy-low"), None),
        (VoiceRequest(language="de-DE"), None),
        (VoiceRequest(language="en"), VoiceRequest(language="de-DE")),
    ],
    ids=["named", "named with a language", "the same language", "another language"],
)
def test_a_named_voice_overrides_the_language_of_a_document(
    asked: VoiceRequest, voice_request: VoiceRequest | None
) -> None:
    reader = ssml.SsmlParser(asked)
    assert reader.feed('<speak xml:lang="de-DE">x') + reader.finish() == [TextSegment("x", voice_request=voice_request)]


def test_numbers_become_words_in_english_only() -> None:
    number = '<say-as interpret-as="cardinal">21</say-as>'
    assert spoken(f'{number} <lang xml:lang="de">{number}</lang>') == "twenty-one 21"


@pytest.mark.parametrize(
    ("attributes", "prosody"),
    [
        ({"rate": "slow"}, Prosody(rate=0.75)),
        ({"rate": "50%"}, Prosody(rate=0.5)),
        ({"rate": "+10%"}, Prosody(rate=1.1)),
        ({"rate": "-20%"}, Prosody(rate=0.8)),
        ({"rate": "1.5"}, Prosody(rate=1.5)),
        ({"rate": "90"}, Prosody(rate=0.9)),
        ({"rate": "nonsense"}, Prosody()),
        ({"volume": "silent"}, Prosody(volume=0.0)),
        ({"volume": "+6dB"}, Prosody(volume=1.9953)),
        ({"volume": "-6 dB"}, Prosody(volume=0.5012)),
        ({"volume": "50"}, Prosody(volume=0.5)),
        ({"volume": "+50%"}, Prosody(volume=1.5)),
        ({"pitch": "+1.5st"}, Prosody(pitch=1.5)),
        ({"pitch": "+100%"}, Prosody(pitch=12.0)),
        ({"pitch": "low"}, Prosody(pitch=-3.0)),
        ({"pitch": "200Hz"}, Prosody()),
        ({"range": "x-high", "contour": "(0%,+20Hz)", "duration": "2s"}, Prosody()),
    ],
    ids=str,
)
def test_prosody_values_are_parsed(attributes: dict[str, str], prosody: Prosody) -> None:
    found = parse_prosody(attributes)
    assert found.rate == pytest.approx(prosody.rate)
    assert found.volume == pytest.approx(prosody.volume, rel=1e-3)
    assert found.pitch == pytest.approx(prosody.pitch)


def test_nested_prosody_multiplies_within_limits() -> None:
    slow = Prosody(rate=0.5, volume=2.0, pitch=8.0)
    assert combine(slow, Prosody(rate=1.5, volume=0.5, pitch=-2.0)) == Prosody(0.75, 1.0, 6.0)
    assert combine(combine(slow, slow), slow) == Prosody(0.25, 4.0, 12.0)


@given(
    st.sampled_from(["rate", "volume", "pitch"]),
    st.one_of(st.text(), st.from_regex(r"[+-]?\d+(%|st|dB|)", fullmatch=True)),
)
def test_any_prosody_is_within_limits(name: str, value: str) -> None:
    prosody = combine(Prosody(), parse_prosody({name: value}))
    assert 0.25 <= prosody.rate <= 4
    assert 0 <= prosody.volume <= 4
    assert -12 <= prosody.pitch <= 12


@pytest.mark.parametrize(
    ("attributes", "milliseconds"),
    [
        ({}, 500),
        ({"time": "750ms"}, 750),
        ({"time": "1.5s"}, 1500),
        ({"time": ".5 s"}, 500),
        ({"time": "1h"}, 500),
        ({"time": "9" * 400 + "s"}, 10_000),
        ({"strength": "none"}, 0),
        ({"strength": "x-strong"}, 1500),
        ({"strength": "x-strong", "time": "20ms"}, 20),
    ],
    ids=lambda value: str(value)[:30],
)
def test_breaks_have_their_length_within_a_limit(attributes: dict[str, str], milliseconds: int) -> None:
    assert parse_break(attributes) == milliseconds


def test_all_breaks_together_are_limited() -> None:
    pauses = [
        piece.milliseconds for piece in ssml.parse("<break time='10s'/>" * 1000) if isinstance(piece, PauseSegment)
    ]
    assert sum(pauses) == MAX_PAUSE_MILLISECONDS


def test_a_sentence_is_returned_before_the_document_ends() -> None:
    reader = ssml.SsmlParser()
    assert reader.feed("<speak><s>One</s><s>Two") == [words("One")]
    assert reader.feed("</s></sp") == [words("Two")]
    assert reader.feed("eak>") == []
    assert reader.finish() == []


def refusal(document: str) -> str:
    with pytest.raises(BadEventError) as refused:
        ssml.parse(document)
    return refused.value.code


@pytest.mark.parametrize("document", [BOMB, OUTSIDE, "<!doctype speak>", "<speak><!ENTITY x 'y'></speak>"])
def test_declarations_are_refused(document: str) -> None:
    assert refusal(document) == "forbidden-ssml"


@pytest.mark.parametrize(
    "document",
    [
        "<a>" * 50_000,
        "<a>" * (ssml.MAX_DEPTH + 1),
        "<a/>" * 50_000,
        "</a>" * 50_000,
        "<speak " + "a='b' " * 50_000 + ">",
        "<!--" + "x" * 200_000,
        "<a" + "x" * 200_000,
    ],
    ids=["deep", "a little too deep", "many", "ends", "attributes", "comment", "name"],
)
def test_documents_over_a_limit_are_refused(document: str) -> None:
    assert refusal(document) == "ssml-too-large"


@pytest.mark.parametrize(
    "part",
    [
        BOMB,
        "<a>",
        "<a/>",
        "<",
        "&",
        "&amp;",
        "&#65",
        "<a ",
        '<a b="',
        "<a " + "b" * (MAX_TAG_CHARACTERS - 50) + ">",
        "<a " + "b=" * (MAX_TAG_CHARACTERS // 2 - 50) + ">",
        "<a b=" + " " * (MAX_TAG_CHARACTERS - 50) + ">",
        "<!--x-->",
        "<!--",
        "word ",
        "x",
        " ",
        "\n",
        ". ",
        "😀",
        "<break/>",
    ],
    ids=lambda part: part[:12],
)
@pytest.mark.timeout(60)
def test_hostile_documents_take_linear_time(part: str) -> None:
    """Where each character is looked at again for each other one, a million of them never come to an end."""
    document = (part * (1_000_000 // len(part) + 1))[:1_000_000]
    outcome(lambda: ssml.parse(document))


@example("<a " + "y" * MAX_TAG_CHARACTERS + "<b>", [1000])
@example("Tom &amp; Jerry &#65; &nosuch;", [1])
@example("<speak>" + "x" * MAX_TAG_CHARACTERS + "<a b='" + "y" * MAX_TAG_CHARACTERS, [7])
@example("<a b='x>" + "y" * MAX_TAG_CHARACTERS + "'>", [1000])
@example("<!--" + "y" * (MAX_TAG_CHARACTERS - 7) + "-->z", [999])
@example("<!--" + "y" * (MAX_TAG_CHARACTERS - 6) + "-->z", [999])
@given(DOCUMENTS, st.lists(st.integers(1, 30), min_size=1))
def test_chunk_boundaries_change_nothing(document: str, sizes: list[int]) -> None:
    assert outcome(lambda: read_in_pieces(document, sizes)) == outcome(lambda: ssml.parse(document))


@given(
    st.lists(st.sampled_from(["<", ">", "&", "one ", "two. ", "<b>", "</b>", "<p>", "</i>", "&amp ", "<u x='", '"']))
)
def test_words_that_are_outside_of_tags_are_never_lost(parts: list[str]) -> None:
    said = spoken("".join(parts))
    outside = re.sub("<[a-z/][^<>]*>", "", "".join(parts))
    assert said.count("one") >= outside.count("one")
    assert said.count("two") >= outside.count("two")
