"""The voice role."""

from collections.abc import Coroutine, Sequence
from typing import Any

from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.voice.audio import AudioStore
from wyoming_rosie_bridge.voice.executor import CommandExecutor
from wyoming_rosie_bridge.voice.ingest import VoiceIngest
from wyoming_rosie_bridge.voice.pipeline import ReplySpeaker, VoicePipeline
from wyoming_rosie_bridge.voice.settings import VoiceSettings
from wyoming_rosie_bridge.worker import Stage


class VoiceRole:
    """Turns utterances of MQTT devices into commands and answers. Raises ConfigError."""

    def __init__(self, settings: VoiceSettings, context: BridgeContext, *, ingests: bool = True) -> None:
        audio = AudioStore(context.buses.jobs, settings)
        self._ingest = VoiceIngest(settings, context, audio)
        self._pipeline = VoicePipeline(settings, context, audio)
        self._executor = CommandExecutor(settings, context)
        self._replies = ReplySpeaker(context, settings.tts_uri)
        if ingests:
            self._ingest.subscribe()

    def stages(self) -> Sequence[Stage]:
        return [*self._pipeline.stages(), *self._executor.stages(), self._replies.stage()]

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        return []

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        metrics.gauge("voice_devices", "Voice devices that are online", lambda: len(self._ingest.online))
