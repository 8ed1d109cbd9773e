import pytest
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.request import create_parser, parse_text, parse_voice_request
from wyoming_rosie_tts.text.segments import Segment, TextSegment, VoiceRequest


def read(text: str, **data: object) -> list[Segment]:
    reader = create_parser(Event("synthesize", {"text": text, **data}))
    return reader.feed(text) + reader.finish()


def refusal(**data: object) -> BadEventError:
    with pytest.raises(BadEventError) as refused:
        create_parser(Event("synthesize", dict(data)))
    return refused.value


@pytest.mark.parametrize("text_format", [None, "text"])
def test_tags_are_text_unless_the_text_is_ssml(text_format: str | None) -> None:
    assert read("1 < 2 <b>x</b>", text_format=text_format) == [TextSegment("1 < 2 <b>x</b>")]
    assert read("1 &lt; 2 <b>x</b>", text_format="ssml") == [TextSegment("1 < 2 x")]


def test_another_format_is_refused_with_the_supported_ones() -> None:
    refused = refusal(text_format="markdown")
    assert (str(refused), refused.code) == (
        "synthesize: text_format 'markdown' is not supported; there are: text, ssml", "unsupported-format"
    )  # fmt: skip
    assert "list" in str(refusal(text_format=["ssml"]))


def test_the_requested_voice_decides_on_the_language_of_numbers() -> None:
    number = '<say-as interpret-as="cardinal">21</say-as>'
    assert read(number, text_format="ssml", voice={"language": "de"}) == [TextSegment("21")]
    assert read(number, text_format="ssml", voice={"name": "en_US-amy-low"}) == [TextSegment("twenty-one")]


def test_a_voice_is_parsed_strictly() -> None:
    voice = {"name": "amy", "speaker": "2", "language": ""}
    assert parse_voice_request(Event("synthesize", {"voice": voice})) == VoiceRequest(name="amy", speaker="2")
    assert refusal(voice="amy").code == refusal(voice={"name": 5}).code == "bad-request"


def test_a_text_must_be_a_string() -> None:
    assert parse_text(Event("synthesize", {"text": "x"})) == "x"
    with pytest.raises(BadEventError, match="synthesize: text must be a text"):
        parse_text(Event("synthesize", {"text": 5}))
