"""Parser of the `transcribe` event."""

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie_asr.engine import TranscribeRequest

MAX_NAMES = 1000
MAX_CHARACTERS = 200


def parse_request(event: Event) -> TranscribeRequest:
    """Return the request of a `transcribe` event. Raises BadEventError."""
    fields = _fields(event)
    return TranscribeRequest(
        fields.optional_text("name") or None,
        fields.optional_text("language") or None,
        _unique_texts(fields, "transcript_names"),
        _unique_texts(fields, "transcript_terms"),
    )


def parse_sensitivity(event: Event) -> str | None:
    """Return `vad_sensitivity`; values that are not Wyoming's are allowed. Raises BadEventError."""
    return _fields(event).optional_text("vad_sensitivity") or None


def _fields(event: Event) -> Fields:
    return Fields(event.data, lambda reason: BadEventError(f"transcribe: {reason}"))


def _unique_texts(fields: Fields, key: str) -> tuple[str, ...]:
    texts = fields.texts(key, MAX_NAMES, MAX_CHARACTERS)
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))
