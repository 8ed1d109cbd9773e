"""Catalog of all kinds of models, searched by name."""

from wyoming_rosie.errors import UsageError
from wyoming_rosie.models import embeddings, piper, speakers, wake_words, whisper
from wyoming_rosie.models.model import ModelKind
from wyoming_rosie.text.suggestions import describe_unknown_name

KINDS: tuple[ModelKind, ...] = (whisper, piper, wake_words, embeddings, speakers)
BY_NAME = {kind.NAME: kind for kind in KINDS}
LIST_COMMAND = "wyoming-rosie models list --available"


def find_kind(name: str) -> ModelKind:
    """Return the kind of a model's name. Raises UsageError, which suggests the closest names."""
    for kind in KINDS:
        if name in kind.available():
            return kind
    for kind in KINDS:
        if kind.is_model_name(name) and not (kind is piper and _has_voice_language(name)):
            return kind
    raise UsageError(
        describe_unknown_name(
            "model", name, (known_name for kind in KINDS for known_name in kind.available()), LIST_COMMAND
        )
    )


def _has_voice_language(name: str) -> bool:
    """Return whether a name begins with a language that has voices."""
    return any(voice.startswith(name.partition("-")[0]) for voice in piper.available())
