"""What the hub says about answers of an intent daemon."""

from wyoming.intent import Intent

from wyoming_rosie_hub.messages import Answer
from wyoming_rosie_hub.understanding import CANNOT, Understanding


async def test_an_intent_that_nobody_carries_out_is_not_said_to_be_done() -> None:
    intent = Intent("HassTurnOn", text="Turned on the lamp.").event()
    assert await Understanding((), "kitchen").hear(intent) == Answer(CANNOT)
