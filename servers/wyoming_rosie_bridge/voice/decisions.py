"""Decisions: what each stage does with an utterance, recorded once per key before it is done.

Whoever handles the same utterance again, after a crash or a hang, finds the record and does what it says: he publishes what
was to be published, which is a duplicate if it was published before, and decides nothing anew, however late it is.
"""

import json
from typing import Any

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.interface import PASSED
from wyoming_rosie.bus.messages import Result, VoiceIntent
from wyoming_rosie_bridge.role import BridgeContext

NO_DOMAIN = "home"


class DecisionLog:
    """The decisions about utterances."""

    def __init__(self, context: BridgeContext) -> None:
        self._context = context
        self._jobs = context.buses.jobs

    async def follow_earlier(self, stage: str, envelope: Envelope) -> bool:
        """Do what was decided before; return whether anything was."""
        recorded = await self._jobs.recall(_name(stage, envelope))
        if recorded is None:
            return False
        await self._carry_out(envelope, recorded)
        return True

    async def pass_on(self, stage: str, envelope: Envelope, stream: str, message: Any) -> None:
        """Add the job of the next stage, unless something else was decided before."""
        following = schema.follow(envelope, message, self._context.source, self._context.clock())
        if not await self._jobs.add(stream, following, _name(stage, envelope)):
            await self.follow_earlier(stage, envelope)

    async def publish(self, stage: str, envelope: Envelope, message: Result | VoiceIntent) -> None:
        """Publish a command, or the end of the utterance, unless something else was decided before."""
        value = json.dumps({"schema": schema.schema_of(type(message)), "data": schema.to_data(message)})
        recorded = await self._jobs.decide(_name(stage, envelope), value)
        pass_failpoint(f"{stage}.decided")
        await self._carry_out(envelope, recorded)

    async def _carry_out(self, envelope: Envelope, recorded: str) -> None:
        if recorded == PASSED:
            return
        document = json.loads(recorded)
        if document["schema"] == schema.schema_of(Result):
            await publish_result(self._context, envelope, schema.from_data(Result, document["data"]))
        else:
            await self._publish_intent(envelope, schema.from_data(VoiceIntent, document["data"]))

    async def _publish_intent(self, envelope: Envelope, command: VoiceIntent) -> None:
        subject = names.intent_subject(str(command.args.get("domain") or NO_DOMAIN), names.action_of(command.intent))
        message = schema.follow(envelope, command, self._context.source, self._context.clock())
        await self._context.buses.events.publish(subject, message, f"intent:{envelope.key}")


async def publish_result(context: BridgeContext, envelope: Envelope, result: Result) -> None:
    """Publish the one end of a message, unless it has one already."""
    jobs, ended = context.buses.jobs, f"ended:{envelope.key}"
    if await jobs.recall(ended) is not None:  # JetStream itself knows a duplicate for ten minutes only
        return
    message = schema.follow(envelope, result, context.source, context.clock())
    if await context.buses.events.publish(names.result_subject(envelope.key), message, f"end:{envelope.key}"):
        context.metrics.count_end(result.outcome)
    pass_failpoint("result.published")
    await jobs.record(ended, result.outcome, names.DECISION_SECONDS)


def _name(stage: str, envelope: Envelope) -> str:
    return f"{stage}:{envelope.key}"
