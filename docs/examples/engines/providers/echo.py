"""A language model that repeats the last message."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from wyoming_rosie.config import option
from wyoming_rosie_intent.llm.endpoint import Endpoint
from wyoming_rosie_intent.llm.model import ModelEvent, Prompt, StreamEnd, TextDelta


@dataclass(frozen=True)
class Settings:
    prefix: str = option("You said:", "the words before what is repeated")


class EchoClient:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    async def stream(self, prompt: Prompt, max_tokens: int) -> AsyncGenerator[ModelEvent, None]:
        last = prompt.messages[-1].text.splitlines()[-1]
        yield TextDelta(f"{self._prefix} {last}")
        yield StreamEnd()

    async def close(self) -> None: ...


def load(settings: Settings, endpoint: Endpoint) -> EchoClient:
    return EchoClient(settings.prefix)
