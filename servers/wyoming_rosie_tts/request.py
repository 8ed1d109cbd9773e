"""Strict parsing of synthesis requests."""

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.text import markdown, ssml
from wyoming_rosie_tts.text.segment_builder import SegmentParser
from wyoming_rosie_tts.text.segments import VoiceRequest


def parse_text(event: Event) -> str:
    """Return the text to speak. Raises BadEventError."""
    text = event.data.get("text")
    if not isinstance(text, str):
        raise BadEventError(f"{event.type}: text must be a text", "bad-request")
    return text


def create_parser(event: Event) -> SegmentParser:
    """Return the parser for the text of a synthesize or synthesize-start. Raises BadEventError."""
    request = parse_voice_request(event)
    return ssml.SsmlParser(request) if is_ssml(event) else markdown.MarkdownParser(request)


def is_ssml(event: Event) -> bool:
    """Tell whether the text is SSML."""
    return event.data.get("text_format") == "ssml"


def parse_voice_request(event: Event) -> VoiceRequest:
    """Return the requested voice. Raises BadEventError, also for a text_format other than text and ssml."""
    text_format = event.data.get("text_format")
    if text_format not in (None, "text", "ssml"):
        raise BadEventError(
            f"{event.type}: text_format {_format_value(text_format)} is not supported; there are: text, ssml",
            "unsupported-format",
        )
    voice = event.data.get("voice")
    if voice is None:
        return VoiceRequest()
    if not isinstance(voice, dict):
        raise BadEventError(f"{event.type}: voice must be an object with a name or a language", "bad-request")
    return VoiceRequest(**{key: _parse_field(event, voice, key) for key in ("name", "language", "speaker")})


def _parse_field(event: Event, voice: dict[str, object], key: str) -> str | None:
    value = voice.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise BadEventError(f"{event.type}: the voice's {key} must be a text", "bad-request")


def _format_value(value: object) -> str:
    return repr(value if isinstance(value, str) else type(value).__name__)[:60]
