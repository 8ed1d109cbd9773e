"""Executor: carries out each command of `voice.intent.>` once, and publishes its result."""

import json
from typing import Final

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.interface import Consumer
from wyoming_rosie.bus.messages import Outcome, Result, VoiceIntent
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.client import Client
from wyoming_rosie_bridge.effects import InterruptedEffectError, recall_answer, run_once
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.voice import daemons
from wyoming_rosie_bridge.voice.decisions import publish_result
from wyoming_rosie_bridge.voice.pipeline import create_daemon_context
from wyoming_rosie_bridge.voice.sentences import get_sentence
from wyoming_rosie_bridge.voice.settings import VoiceSettings
from wyoming_rosie_bridge.worker import Stage

REPEATABLE_INTENTS = frozenset(
    {
        "HassTurnOn", "HassTurnOff", "HassLightSet", "HassSetPosition", "HassClimateSetTemperature", "HassSetVolume",
        "HassMediaPause", "HassMediaUnpause", "HassFanSetSpeed", "HassVacuumStart", "HassVacuumReturnToBase",
        "HassGetState", "HassClimateGetTemperature", "HassGetWeather", "HassGetCurrentTime", "HassGetCurrentDate",
    }
)  # fmt: skip
"""Intents that do no more the second time than the first; others are never repeated when their end is unknown."""
KINDS = ("intent", "mqtt", "none")
HARMLESS_DOMAINS = frozenset(
    {"light", "switch", "fan", "cover", "climate", "media_player", "vacuum", "humidifier", "sensor"}
)
"""Domains in which turning on what is on does nothing. A script or a button does its work again."""
BEGUN: Final = "begun"
EXPIRED: Final = "expired"
_PLUGIN_SEPARATOR = "."


class CommandExecutor:
    """Executes commands through an intent daemon that acts, or by MQTT for automations that listen there."""

    def __init__(self, settings: VoiceSettings, context: BridgeContext) -> None:
        if settings.executor not in KINDS:
            raise ConfigError(f"--voice.executor: there is no '{settings.executor}'; there are: {', '.join(KINDS)}")
        self._settings, self._context = settings, context

    def stages(self) -> list[Stage]:
        """Return the stage, or none if others execute the commands."""
        if self._settings.executor == "none":
            return []
        consumer = Consumer(names.VOICE_STREAM, "execute", f"{names.VOICE_INTENT}.>", self._settings.idle_seconds)
        source = self._context.buses.events.source(consumer)
        idle = self._settings.idle_seconds
        return [Stage("execute", source, self.execute, self._on_dead, self._settings.workers, idle / 3)]

    async def execute(self, envelope: Envelope) -> None:
        """Execute a command and publish its result, unless it has expired; then say so."""
        command = schema.unwrap(VoiceIntent, envelope)
        try:
            recorded = await recall_answer(self._context.buses.jobs, _effect_name(envelope))
            recorded = recorded or await self._execute_in_time(envelope, command)
        except InterruptedEffectError as err:
            sentence = get_sentence("unknown", command.language)
            result = Result("failed", False, sentence, command.device_id, command.language, str(err))
        else:
            result = schema.from_data(Result, json.loads(recorded))
        pass_failpoint("execute.done")
        await publish_result(self._context, envelope, result)

    def _is_expired(self, envelope: Envelope, command: VoiceIntent) -> bool:
        now = self._context.clock()
        return envelope.is_expired(now) or (command.expires is not None and now >= command.expires)

    async def _execute_in_time(self, envelope: Envelope, command: VoiceIntent) -> str:
        """Return the result as JSON: expired for a command that was not begun in time. Raises InterruptedEffectError."""
        jobs, decision = self._context.buses.jobs, f"effect:{_effect_name(envelope)}"
        if self._is_expired(envelope, command):
            if await jobs.decide(decision, EXPIRED) != EXPIRED:
                raise InterruptedEffectError("it was begun and interrupted, and it is too late to repeat it")
            return _create_expired(command)
        if _is_repeatable(command) and await jobs.decide(decision, BEGUN) == EXPIRED:
            return _create_expired(command)
        return await self._run(envelope, command)

    async def _run(self, envelope: Envelope, command: VoiceIntent) -> str:
        jobs, repeatable = self._context.buses.jobs, _is_repeatable(command)
        if self._settings.executor == "mqtt":
            return await run_once(
                jobs, _effect_name(envelope), lambda: self._publish(envelope, command), repeatable=repeatable
            )
        if not command.text and not _is_for_plugin(command):
            raise BadMessageError("a command without its sentence cannot be given to an intent daemon")
        async with daemons.ask(self._settings.executor_uri or self._settings.intent_uri, "intent") as peer:
            return await run_once(
                jobs, _effect_name(envelope), lambda: self._ask(peer, envelope, command), repeatable=repeatable
            )

    async def _ask(self, peer: Client, envelope: Envelope, command: VoiceIntent) -> str:
        context = create_daemon_context(envelope.key, command.device_id, command.area)
        if _is_for_plugin(command):
            plugin, _, intent = command.intent.partition(_PLUGIN_SEPARATOR)
            language = {"language": command.language} if command.language else {}
            found = await daemons.call_plugin(peer, plugin, intent, command.args, {**context, **language})
        else:
            found = await daemons.understand(peer, command.text or "", command.language, context)
        if found.intents:
            reason = "the executor's intent daemon acts on nothing: run it with an --actor"
            sentence = get_sentence("failed", command.language)
            return _encode(Result("failed", False, sentence, command.device_id, command.language, reason))
        outcome: Outcome = "done" if found.is_understood else "failed"
        text = found.text or (None if found.is_understood else get_sentence("failed", command.language))
        return _encode(Result(outcome, found.is_understood, text, command.device_id, command.language))

    async def _publish(self, envelope: Envelope, command: VoiceIntent) -> str:
        device_id = command.device_id or "unknown"
        await self._context.buses.mqtt.publish(names.voice_topic(device_id, "intent"), envelope.encode())
        return _encode(Result("done", True, None, command.device_id, command.language))

    async def _on_dead(self, envelope: Envelope, reason: str) -> None:
        device_id = envelope.data.get("device_id")
        known = device_id if isinstance(device_id, str) else None
        await publish_result(
            self._context, envelope, Result("dead", False, get_sentence("failed", None), known, detail=reason)
        )


def _is_for_plugin(command: VoiceIntent) -> bool:
    """Return whether a command without a sentence is a plugin's: `calendar.AddEvent`."""
    return not command.text and _PLUGIN_SEPARATOR in command.intent


def _effect_name(envelope: Envelope) -> str:
    return f"voice/{envelope.key}"  # no device can name its keys so


def _is_repeatable(command: VoiceIntent) -> bool:
    """Return whether a command does no more the second time than the first."""
    intents = [(command.intent, command.args)]
    intents += [(str(other.get("intent")), other.get("args") or {}) for other in command.others]
    return all(intent in REPEATABLE_INTENTS and args.get("domain") in HARMLESS_DOMAINS for intent, args in intents)


def _create_expired(command: VoiceIntent) -> str:
    sentence = get_sentence("expired", command.language)
    return _encode(Result(EXPIRED, False, sentence, command.device_id, command.language))


def _encode(result: Result) -> str:
    return json.dumps(schema.to_data(result), ensure_ascii=False)
