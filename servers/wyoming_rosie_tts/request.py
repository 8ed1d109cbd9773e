"""Strict parsing of synthesis requests."""

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie_tts.text import markdown, ssml
from wyoming_rosie_tts.text.segment_builder import SegmentParser
from wyoming_rosie_tts.text.segments import VoiceRequest


def parse_text(event: Event) -> str:
    """Return the text to speak. Raises BadEventError."""
    return _fields(event).text("text")


def create_parser(event: Event) -> SegmentParser:
    """Return the parser for the text of a synthesize or synthesize-start. Raises BadEventError."""
    request = parse_voice_request(event)
    return ssml.SsmlParser(request) if is_ssml(event) else markdown.MarkdownParser(request)


def is_ssml(event: Event) -> bool:
    """Return whether the text is SSML."""
    return event.data.get("text_format") == "ssml"


def parse_voice_request(event: Event) -> VoiceRequest:
    """Return the requested voice. Raises BadEventError, also for a text_format other than text and ssml."""
    text_format = event.data.get("text_format")
    if text_format not in (None, "text", "ssml"):
        raise BadEventError(
            f"{event.type}: text_format {_format_value(text_format)} is not supported; there are: text, ssml",
            "unsupported-format",
        )
    voice = _fields(event).optional_object("voice")
    if voice is None:
        return VoiceRequest()
    return VoiceRequest(**{key: voice.optional_text(key) or None for key in ("name", "language", "speaker")})


def _fields(event: Event) -> Fields:
    return Fields(event.data, lambda reason: BadEventError(f"{event.type}: {reason}", "bad-request"))


def _format_value(value: object) -> str:
    return repr(value if isinstance(value, str) else type(value).__name__)[:60]
