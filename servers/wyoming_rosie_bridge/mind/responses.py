"""Responses: each prompt ends in one final answer, which is recorded before it is published."""

import json
from typing import Final

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.messages import ModelPrompt, Outcome, ResponseDelta, ResponseFinal, Result
from wyoming_rosie_bridge.effects import settle
from wyoming_rosie_bridge.mind.routing import sentence
from wyoming_rosie_bridge.role import BridgeContext

_LOG = structlog.get_logger()
EXPIRED: Final = "expired"
INTERRUPTED, BLOCKED, TOO_LONG = "interrupted", "blocked", "too-long"


def name_of(envelope: Envelope) -> str:
    """Return the name under which the answer to a prompt is recorded."""
    return names.model_answer(envelope.key)


def encode(final: ResponseFinal) -> str:
    """Return an answer as it is recorded."""
    return json.dumps(schema.to_data(final))


class Responses:
    """Publishes answers: the pieces for those who listen, the whole durably, and for a spoken prompt the end of it."""

    def __init__(self, context: BridgeContext) -> None:
        self._context = context
        self._jobs, self._events = context.buses.jobs, context.buses.events

    async def end(
        self, envelope: Envelope, prompt: ModelPrompt, final: ResponseFinal, outcome: Outcome = "failed"
    ) -> None:
        """Record an answer, unless there is one, and publish the one that counts."""
        await self.publish(envelope, prompt, await settle(self._jobs, name_of(envelope), encode(final)), outcome)

    async def publish(
        self, envelope: Envelope, prompt: ModelPrompt, recorded: str, failure: Outcome = "failed"
    ) -> None:
        """Publish a recorded answer; a second time it is a duplicate. `failure` is the outcome of one that is none."""
        final = schema.from_data(ResponseFinal, json.loads(recorded))
        message = schema.follow(envelope, final, self._context.source, self._context.clock())
        subject = names.response_subject(prompt.session)
        is_new = await self._events.publish(subject, message, f"final:{envelope.key}")
        pass_failpoint("model.final")
        outcome: Outcome = "done" if final.ok else EXPIRED if final.error == EXPIRED else failure
        if prompt.origin == "voice":
            is_new = await self._publish_end(envelope, prompt, final, outcome)
        if is_new:
            self._context.metrics.count_end(outcome)
            _LOG.info("prompt ended", key=envelope.key, route=final.route, outcome=outcome, error=final.error)

    async def send_piece(self, envelope: Envelope, prompt: ModelPrompt, number: int, text: str) -> None:
        """Send a piece of an answer to those who listen; it may be lost."""
        message = schema.follow(envelope, ResponseDelta(number, text), self._context.source, self._context.clock())
        try:
            await self._events.send(names.delta_subject(prompt.session), message)
        except BusError as err:
            _LOG.debug("piece lost", key=envelope.key, reason=str(err))

    async def _publish_end(
        self, envelope: Envelope, prompt: ModelPrompt, final: ResponseFinal, outcome: Outcome
    ) -> bool:
        result = Result(outcome, final.ok, final.text, prompt.device_id, prompt.language, final.error)
        message = schema.follow(envelope, result, self._context.source, self._context.clock())
        return await self._events.publish(names.result_subject(envelope.key), message, f"end:{envelope.key}")


def create_failure(
    prompt: ModelPrompt, route: str, reasons: tuple[str, ...], error: str, name: str = "failed"
) -> ResponseFinal:
    """Return an answer that says in the prompt's language what went wrong; `name` is that of the sentence."""
    return ResponseFinal(sentence(name, prompt.language), False, route, reasons, error)
