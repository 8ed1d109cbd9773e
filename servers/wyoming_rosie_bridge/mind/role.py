"""The mind role: one stage that routes prompts, and one for each route that answers them."""

from collections.abc import Coroutine, Sequence
from typing import Any

from wyoming_rosie.bus import names
from wyoming_rosie.bus.interface import Consumer
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.mind.intent_client import IntentTiers
from wyoming_rosie_bridge.mind.model_worker import ModelWorker
from wyoming_rosie_bridge.mind.prompt_router import PromptRouter
from wyoming_rosie_bridge.mind.responses import Responses
from wyoming_rosie_bridge.mind.settings import MindSettings
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.worker import Stage


class MindRole:
    """Routes requests to language models, and answers them."""

    def __init__(self, settings: MindSettings, context: BridgeContext) -> None:
        self._settings, self._context = settings, context
        responses = Responses(context)
        self._tiers = IntentTiers(settings)
        self._router = PromptRouter(context, responses, settings.deadline_seconds)
        self._worker = ModelWorker(settings, context, responses, self._tiers)

    def stages(self) -> Sequence[Stage]:
        return [self._create_route_stage(), *(self._create_model_stage(route) for route in names.ROUTES)]

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        return []

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        health.add_check("intent", lambda: self._tiers.problem)
        self._router.count = metrics.counter(
            "bridge_routed_prompts", "Prompts by the route that they took", "route"
        ).add

    def _create_route_stage(self) -> Stage:
        seconds = self._settings.redelivery_seconds
        source = self._context.buses.jobs.source(names.LLM_INCOMING, seconds)
        return Stage("route", source, self._router.handle, self._router.on_dead, 16, seconds / 3)

    def _create_model_stage(self, route: str) -> Stage:
        """Return the stage of one route; a consumer of its own, since those of a work queue must not overlap."""
        seconds, name = self._settings.redelivery_seconds, f"models-{route.replace('.', '-')}"
        consumer = Consumer(names.JOBS_STREAM, name, names.route_subject(route), seconds)
        source = self._context.buses.events.source(consumer)
        workers = self._settings.concurrency
        return Stage(f"model.{route}", source, self._worker.handle, self._worker.on_dead, workers, seconds / 3)
