"""What a peer asks to be spoken, read strictly from its events."""

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.text import markdown, ssml
from wyoming_rosie_tts.text.script import Reader
from wyoming_rosie_tts.text.segments import Wish


def text_of(event: Event) -> str:
    """Return the text to speak. Raises BadEventError."""
    text = event.data.get("text")
    if not isinstance(text, str):
        raise BadEventError(f"{event.type}: text must be a text", "bad-request")
    return text


def reader_of(event: Event) -> Reader:
    """Return what reads the text of a synthesize or synthesize-start. Raises BadEventError."""
    wish = wish_of(event)
    return ssml.Reader(wish) if event.data.get("text_format") == "ssml" else markdown.Reader(wish)


def wish_of(event: Event) -> Wish:
    """Return which voice is wanted, and refuse what is neither text nor SSML. Raises BadEventError."""
    text_format = event.data.get("text_format")
    if text_format not in (None, "text", "ssml"):
        raise BadEventError(
            f"{event.type}: text_format {_quoted(text_format)} is not supported; there are: text, ssml",
            "unsupported-format",
        )
    voice = event.data.get("voice")
    if voice is None:
        return Wish()
    if not isinstance(voice, dict):
        raise BadEventError(f"{event.type}: voice must be an object with a name or a language", "bad-request")
    return Wish(**{key: _name(event, voice, key) for key in ("name", "language", "speaker")})


def _name(event: Event, voice: dict[str, object], key: str) -> str | None:
    value = voice.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise BadEventError(f"{event.type}: the voice's {key} must be a text", "bad-request")


def _quoted(value: object) -> str:
    return repr(value if isinstance(value, str) else type(value).__name__)[:60]
