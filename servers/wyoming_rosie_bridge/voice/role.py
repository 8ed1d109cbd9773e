"""The voice role."""

from collections.abc import Coroutine, Sequence
from typing import Any

from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.context import BridgeContext
from wyoming_rosie_bridge.voice.settings import VoiceSettings
from wyoming_rosie_bridge.worker import Stage


class VoiceRole:
    """Turns utterances of MQTT devices into commands and answers."""

    def __init__(self, settings: VoiceSettings, context: BridgeContext) -> None:
        self._settings, self._context = settings, context

    def stages(self) -> Sequence[Stage]:
        return []

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        return []

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        pass
