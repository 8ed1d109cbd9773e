"""Candidates: what a language model takes for facts in numbered sentences, as its JSON says. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.fields import Fields

MAX_CANDIDATES = 40
MAX_CHARACTERS = 400
"""Of a candidate."""
MAX_ANSWER_CHARACTERS = 40_000
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "facts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "sentence": {"type": "integer"},
                    "text": {"type": "string"},
                },
                "required": ["sentence", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["facts"],
    "additionalProperties": False,
}
"""JSON schema of the model's answer. Limits are checked here: in a schema, they make servers slow."""


class ExtractionError(RosieError):
    """What the model wrote is not what it was asked for; the sentence quotes nothing of it."""

    code = "extraction"


@dataclass(frozen=True)
class FactCandidate:
    """The words of a sentence that a model takes for a fact; the number is that of the sentence, from 1 on."""

    sentence: int
    text: str = field(repr=False)


def parse_candidates(answer: str) -> Sequence[FactCandidate]:
    """Return the candidates of an answer. Raises ExtractionError for anything that the schema does not allow."""
    if len(answer) > MAX_ANSWER_CHARACTERS:
        raise ExtractionError("the language model has written too much about facts")
    try:
        fields = Fields(json.loads(answer), _create_error)
    except (ValueError, RecursionError) as err:
        raise ExtractionError("the language model has not written JSON about facts") from err
    return [
        FactCandidate(one.integer("sentence", 1), one.text("text", 1, MAX_CHARACTERS))
        for one in fields.objects("facts", MAX_CANDIDATES)
    ]


def _create_error(reason: str) -> ExtractionError:
    return ExtractionError(f"the language model has written other JSON about facts than it was asked for: {reason}")
