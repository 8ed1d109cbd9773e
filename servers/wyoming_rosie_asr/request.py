"""What a peer asks for, read strictly from its `transcribe`."""

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_asr.engine import Request

MOST_NAMES = 1000
MOST_CHARACTERS = 200


def request_of(event: Event) -> Request:
    """Return what is wanted. Raises BadEventError."""
    return Request(
        _text(event, "name"),
        _text(event, "language"),
        _texts(event, "transcript_names"),
        _texts(event, "transcript_terms"),
    )


def sensitivity_of(event: Event) -> str | None:
    """Return how soon an utterance is to be taken as over; anybody may name ways of their own."""
    return _text(event, "vad_sensitivity")


def _text(event: Event, key: str) -> str | None:
    value = event.data.get(key)
    if value is not None and not isinstance(value, str):
        raise BadEventError(f"transcribe: {key} must be a text")
    return value or None


def _texts(event: Event, key: str) -> tuple[str, ...]:
    values = event.data.get(key)
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > MOST_NAMES or not all(map(_is_short, values)):
        raise BadEventError(
            f"transcribe: {key} must be a list of at most {MOST_NAMES} texts of {MOST_CHARACTERS} characters"
        )
    return tuple(dict.fromkeys(text.strip() for text in values if text.strip()))


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS
