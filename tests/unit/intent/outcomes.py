"""The outcome of one sentence of a dialogue."""

from datetime import UTC, datetime

from wyoming_rosie_intent.answer import AnswerChunk, ConversationInput, Filler, Outcome
from wyoming_rosie_intent.dialogue import Dialogue

MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)


async def get_outcome(
    dialogue: Dialogue, user_input: ConversationInput, now: float = 0.0, moment: datetime = MOMENT
) -> Outcome:
    """Return the outcome of a first sentence that rules answer."""
    [outcome] = [event async for event in dialogue.answer(user_input, moment, now)]
    assert not isinstance(outcome, AnswerChunk | Filler)
    return outcome
