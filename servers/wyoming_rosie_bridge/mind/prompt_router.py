"""The stage that routes: prompts of `llm:incoming` become jobs on `llm.route.ROUTE`, or end at once."""

import re
from collections.abc import Callable
from dataclasses import replace

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope, trusted_time
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.interface import PASSED
from wyoming_rosie.bus.messages import ModelJob, ModelPrompt
from wyoming_rosie_bridge.mind.responses import BLOCKED, EXPIRED, TOO_LONG, Responses, create_failure
from wyoming_rosie_bridge.mind.routing import CHAT, Routing, classify
from wyoming_rosie_bridge.role import BridgeContext

_LOG = structlog.get_logger()
MAX_PROMPT_CHARACTERS = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")


class PromptRouter:
    """Gives each prompt to a route, with the reasons. `count` is told the route."""

    def __init__(
        self,
        context: BridgeContext,
        responses: Responses,
        deadline_seconds: float,
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._context, self._responses = context, responses
        self._deadline_seconds = deadline_seconds
        self.count = count

    async def handle(self, envelope: Envelope) -> None:
        """Route a prompt, once. Raises BadMessageError, BusError."""
        given = schema.unwrap(ModelPrompt, envelope)
        prompt = replace(given, text=_CONTROL.sub(" ", given.text).strip())
        now = self._context.clock()
        deadline = find_deadline(envelope, now, self._deadline_seconds)
        routing = classify(prompt.text, prompt.language, allow_tools=prompt.allow_tools)
        decided = await self._decide(envelope, judge(prompt, routing, is_expired=now >= deadline))
        if decided == PASSED:
            job = ModelJob(prompt, routing.route, routing.confidence, routing.reasons, routing.allow_tools)
            await self._route(envelope, job, deadline)
            return
        self.count(decided)
        is_blocked = decided == BLOCKED and routing.blocked is not None
        reasons, sentence = (routing.reasons, str(routing.blocked)) if is_blocked else ((decided,), decided)
        await self._responses.end(envelope, prompt, create_failure(prompt, CHAT, reasons, decided, sentence))

    async def on_dead(self, envelope: Envelope, reason: str) -> None:
        """Tell who asked, if the message says who it was."""
        try:
            prompt = schema.unwrap(ModelPrompt, envelope)
        except BadMessageError:
            self._context.metrics.count_refused("bad-message")
            return
        if await self._decide(envelope, reason) != PASSED:
            await self._responses.end(envelope, prompt, create_failure(prompt, CHAT, (), reason), "dead")

    async def _decide(self, envelope: Envelope, wanted: str) -> str:
        """Return what becomes of a prompt: what was decided before, whoever handles it again and however late."""
        return await self._context.buses.jobs.decide(f"route:{envelope.key}", wanted)

    async def _route(self, envelope: Envelope, job: ModelJob, deadline: float) -> None:
        message = schema.follow(envelope, job, self._context.source, self._context.clock(), deadline=deadline)
        subject, message_id = names.route_subject(job.route), f"route:{envelope.key}"
        is_new = await self._context.buses.events.publish(subject, message, message_id)
        pass_failpoint("route.published")
        if is_new:
            self.count(job.route)
            _LOG.info(
                "prompt routed", key=envelope.key, route=job.route, confidence=job.confidence, reasons=job.reasons
            )


def judge(prompt: ModelPrompt, routing: Routing, *, is_expired: bool) -> str:
    """Return whether a prompt is passed on, else why not."""
    if is_expired:
        return EXPIRED
    if len(prompt.text) > MAX_PROMPT_CHARACTERS:
        return TOO_LONG
    return PASSED if routing.blocked is None else BLOCKED


def find_deadline(envelope: Envelope, now: float, default_seconds: float) -> float:
    """Return by when a prompt must be begun, by our clock; the sender's may be wrong."""
    sent = trusted_time(envelope.ts, now)
    return sent + (default_seconds if envelope.deadline is None else envelope.deadline - envelope.ts)
