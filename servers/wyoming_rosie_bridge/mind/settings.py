"""Settings of the mind role."""

from dataclasses import dataclass

from wyoming_rosie.config import option


@dataclass(frozen=True)
class MindSettings:
    intent_uri: tuple[str, ...] = option(
        ("tcp://127.0.0.1:10550",),
        "intent daemons, in the order to ask: this machine's, then others; may be given again",
    )
    cloud_uri: str | None = option(
        None, "intent daemon whose models are in a cloud; asked last, and only for prompts that allow it"
    )
    first_answer_seconds: float = option(20.0, "timeout for the beginning of an answer")
    answer_seconds: float = option(120.0, "timeout for a whole answer")
    deadline_seconds: float = option(60.0, "time in which a prompt without a deadline must be begun")
    redelivery_seconds: float = option(30.0, "time after which the prompt of a process that died is given to another")
    concurrency: int = option(4, "prompts that this process answers at the same time, for each route")
