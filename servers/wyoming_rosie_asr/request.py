"""What a peer asks for, read strictly from its `transcribe`."""

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_asr.engine import TranscribeRequest

MAX_NAMES = 1000
MAX_CHARACTERS = 200


def parse_request(event: Event) -> TranscribeRequest:
    """Return what is wanted. Raises BadEventError."""
    return TranscribeRequest(
        _text(event, "name"),
        _text(event, "language"),
        _text_list(event, "transcript_names"),
        _text_list(event, "transcript_terms"),
    )


def parse_sensitivity(event: Event) -> str | None:
    """Return how soon an utterance is to be taken as over; anybody may name ways of their own."""
    return _text(event, "vad_sensitivity")


def _text(event: Event, key: str) -> str | None:
    value = event.data.get(key)
    if value is not None and not isinstance(value, str):
        raise BadEventError(f"transcribe: {key} must be a text")
    return value or None


def _text_list(event: Event, key: str) -> tuple[str, ...]:
    values = event.data.get(key)
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > MAX_NAMES or not all(map(_is_short, values)):
        raise BadEventError(
            f"transcribe: {key} must be a list of at most {MAX_NAMES} texts of {MAX_CHARACTERS} characters"
        )
    return tuple(dict.fromkeys(text.strip() for text in values if text.strip()))


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_CHARACTERS
