"""The stages that answer: jobs of `llm.route.ROUTE` are given to an intent daemon, which may act at most once."""

from wyoming_rosie.bus import schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.messages import ModelJob, ResponseFinal
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError
from wyoming_rosie_bridge.effects import InterruptedEffectError, recall_answer, run_once, settle
from wyoming_rosie_bridge.mind.intent_client import (
    NO_ACTOR,
    NOBODY,
    AskTimeouts,
    DaemonAnswer,
    IntentTier,
    IntentTiers,
    PieceCallback,
    create_question,
)
from wyoming_rosie_bridge.mind.responses import EXPIRED, INTERRUPTED, Responses, create_failure, encode, name_of
from wyoming_rosie_bridge.mind.settings import MindSettings
from wyoming_rosie_bridge.role import BridgeContext


class ModelWorker:
    """Answers jobs. Whatever may have acted is asked once; where nothing can act, the next daemon may be asked, too."""

    def __init__(
        self, settings: MindSettings, context: BridgeContext, responses: Responses, tiers: IntentTiers
    ) -> None:
        self._context, self._responses, self._tiers = context, responses, tiers
        self._jobs = context.buses.jobs
        self._timeouts = AskTimeouts(settings.first_answer_seconds, settings.answer_seconds)

    async def handle(self, envelope: Envelope) -> None:
        """Answer a job, or publish its recorded answer again. Raises BadMessageError, BusError, UnreachableError."""
        job = schema.unwrap(ModelJob, envelope)
        recorded = await recall_answer(self._jobs, name_of(envelope))
        if recorded is None:
            try:
                recorded = await self._answer(envelope, job)
            except InterruptedEffectError:
                recorded = await settle(self._jobs, name_of(envelope), _fail(job, INTERRUPTED, INTERRUPTED))
        await self._responses.publish(envelope, job.prompt, recorded)

    async def on_dead(self, envelope: Envelope, reason: str) -> None:
        """Tell who asked, if the message says who it was."""
        try:
            job = schema.unwrap(ModelJob, envelope)
        except BadMessageError:
            self._context.metrics.count_refused("bad-message")
            return
        name = INTERRUPTED if job.allow_tools else "failed"
        final = create_failure(job.prompt, job.route, job.reasons, reason, name)
        await self._responses.end(envelope, job.prompt, final, "dead")

    async def _answer(self, envelope: Envelope, job: ModelJob) -> str:
        """Return the recorded answer. Raises InterruptedEffectError, BusError, UnreachableError."""
        name, repeatable = name_of(envelope), not job.allow_tools

        async def expire() -> str:
            return _fail(job, EXPIRED, EXPIRED)

        async def ask_each() -> str:
            return await self._ask_each(envelope, job)

        if self._is_expired(envelope):
            return await run_once(self._jobs, name, expire, repeatable=repeatable)
        if repeatable:
            return await run_once(self._jobs, name, ask_each, repeatable=True)
        # the connection is opened first: a daemon that cannot be reached has begun nothing
        async with self._tiers.connect(allow_cloud=job.prompt.allow_cloud) as (tier, client):

            async def ask_once() -> str:
                return await self._ask_once(envelope, job, tier, client)

            return await run_once(self._jobs, name, ask_once, repeatable=False)

    async def _ask_once(self, envelope: Envelope, job: ModelJob, tier: IntentTier, client: Client) -> str:
        """Return the answer of a daemon that may act: nobody else is asked, whatever happens."""
        if self._is_expired(envelope):
            return _fail(job, EXPIRED, EXPIRED)
        pass_failpoint("model.started")
        try:
            return _encode(job, await self._ask(envelope, job, tier, client))
        except UnreachableError:
            return _fail(job, INTERRUPTED, INTERRUPTED)
        except PeerError as err:
            return _fail(job, err.code)

    async def _ask_each(self, envelope: Envelope, job: ModelJob) -> str:
        """Return the first answer of the daemons in turn. Raises UnreachableError if none of them answers."""
        answer: str | None = None
        for tier in self._tiers.select(allow_cloud=job.prompt.allow_cloud):
            try:
                async with tier.connect() as client:
                    found = await self._ask(envelope, job, tier, client)
            except UnreachableError:
                continue
            except PeerError as err:
                answer = answer or _fail(job, err.code)
                continue
            answer = _encode(job, found)
            if found.error is None:
                break
        if answer is None:
            raise UnreachableError(NOBODY)
        return answer

    async def _ask(self, envelope: Envelope, job: ModelJob, tier: IntentTier, client: Client) -> DaemonAnswer:
        question = create_question(job, envelope.trace)
        return await tier.ask(client, question, self._timeouts, self._create_sender(envelope, job))

    def _create_sender(self, envelope: Envelope, job: ModelJob) -> PieceCallback:
        number = 0

        async def send(text: str) -> None:
            nonlocal number
            await self._responses.send_piece(envelope, job.prompt, number, text)
            number += 1

        return send

    def _is_expired(self, envelope: Envelope) -> bool:
        return envelope.is_expired(self._context.clock())


def _encode(job: ModelJob, answer: DaemonAnswer) -> str:
    if answer.error is not None and not answer.text:
        return _fail(job, answer.error, "delegated" if answer.error == NO_ACTOR else "failed")
    return encode(ResponseFinal(answer.text, answer.error is None, job.route, job.reasons, answer.error))


def _fail(job: ModelJob, error: str, name: str = "failed") -> str:
    return encode(create_failure(job.prompt, job.route, job.reasons, error, name))
