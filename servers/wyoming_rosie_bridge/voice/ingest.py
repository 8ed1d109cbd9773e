"""Ingest: utterances that devices publish over MQTT become jobs; the device gets a receipt once its utterance is stored."""

import asyncio
from dataclasses import replace

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope, check_key, decode, load_json, trusted_time
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.messages import MAX_AUDIO_META_BYTES, AudioMeta, DeviceStatus, RawAudio, Receipt, WakeHeard
from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.voice import daemons
from wyoming_rosie_bridge.voice.audio import AudioStore, check_device_uri, decode_inline
from wyoming_rosie_bridge.voice.settings import VoiceSettings
from wyoming_rosie_bridge.worker import PoisonError

_LOG = structlog.get_logger()
MAX_DEVICES = 1000
WAKE_SECONDS = 2.0
AT_A_TIME = 20
"""Utterances that are stored at a time: as many as mosquitto delivers without an acknowledgement."""


class VoiceIngest:
    """Handles the MQTT messages of voice devices."""

    def __init__(self, settings: VoiceSettings, context: BridgeContext, audio: AudioStore) -> None:
        self.online: set[str] = set()
        """Devices that are online."""
        self._settings, self._context, self._audio = settings, context, audio

    def subscribe(self) -> None:
        """Subscribe to the topics of voice devices."""
        mqtt = self._context.buses.mqtt
        mqtt.subscribe("voice/+/audio_meta", self.on_audio_meta, at_a_time=AT_A_TIME)
        mqtt.subscribe("voice/+/wake", self.on_wake)
        mqtt.subscribe("voice/+/status", self.on_status)

    async def on_audio_meta(self, message: MqttMessage) -> None:
        """Store an utterance, then send its receipt. Raises BusError if neither is possible now."""
        try:
            device_id = _get_device_id(message)
            job, key = await self._parse(message, device_id)
        except (BadMessageError, PoisonError) as err:
            self._context.metrics.count_refused(err.code)
            await self._refuse(message, str(err))
            return
        is_new = await self._context.buses.jobs.add(names.AUDIO_RAW, job)
        pass_failpoint("ingest.stored")
        await self._send_receipt(device_id, key, Receipt("stored" if is_new else "duplicate"))

    async def on_wake(self, message: MqttMessage) -> None:
        """Have the intent daemon prepare its model, since somebody is about to speak."""
        device_id = _get_device_id(message)
        heard = schema.unwrap(WakeHeard, decode(message.payload))
        try:
            async with asyncio.timeout(WAKE_SECONDS):
                context = {"satellite_id": device_id, "conversation_id": device_id}
                await daemons.announce_wake_word(self._settings.intent_uri, heard.model, context)
        except (RosieError, TimeoutError) as err:
            _LOG.debug("model not prepared", device=device_id, reason=str(err))

    async def on_status(self, message: MqttMessage) -> None:
        """Keep which devices are online."""
        device_id = _get_device_id(message)
        status = schema.unwrap(DeviceStatus, decode(message.payload))
        if status.state == "online" and len(self.online) < MAX_DEVICES:
            self.online.add(device_id)
        else:
            self.online.discard(device_id)

    async def _parse(self, message: MqttMessage, device_id: str) -> tuple[Envelope, str]:
        """Return the job of an utterance, and the device's own key. Raises BadMessageError, PoisonError, BusError."""
        if message.retained:
            raise BadMessageError("an utterance must not be retained: it would be obeyed again and again")
        envelope = decode(message.payload, MAX_AUDIO_META_BYTES)
        meta = schema.unwrap(AudioMeta, envelope)
        key = envelope.key if envelope.key.startswith(f"{device_id}:") else check_key(f"{device_id}:{envelope.key}")
        now = self._context.clock()
        recorded = trusted_time(envelope.ts, now, meta.age)
        if meta.clock_agrees:  # a broker may have kept it since its age was written
            recorded = min(recorded, envelope.ts)
        deadline = recorded + self._settings.deadline_seconds
        if envelope.deadline is not None and now - 60 < envelope.deadline < deadline:
            deadline = envelope.deadline
        raw = RawAudio(
            await self._get_uri(key, device_id, meta),
            device_id,
            meta.fmt,
            meta.sha256,
            meta.wake,
            self._settings.room.get(device_id) if self._settings.room else meta.area,
            meta.language,
        )
        job = schema.follow(envelope, raw, self._context.source, now, key=key, trace=key, deadline=deadline)
        return job, envelope.key

    async def _get_uri(self, key: str, device_id: str, meta: AudioMeta) -> str:
        if meta.inline is not None:
            return await self._audio.store(key, decode_inline(meta.inline))
        if meta.uri is None:
            raise BadMessageError("an utterance needs uri or inline")
        return check_device_uri(meta.uri, device_id)

    async def _refuse(self, message: MqttMessage, reason: str) -> None:
        """Tell the device, if it can be known, that its utterance will never be accepted."""
        _LOG.info("utterance refused", topic=message.topic[:100], reason=reason)
        try:
            device_id = _get_device_id(message)
            document = load_json(message.payload, MAX_AUDIO_META_BYTES)
            key = check_key(Fields(document, BadMessageError).text("key"))
        except BadMessageError:
            return
        await self._send_receipt(device_id, key, Receipt("rejected", reason[:200]))

    async def _send_receipt(self, device_id: str, key: str, receipt: Receipt) -> None:
        envelope = schema.wrap(receipt, key=key, source=self._context.source, now=self._context.clock())
        await self._context.buses.mqtt.publish(names.voice_topic(device_id, "receipt"), envelope.encode())


def _get_device_id(message: MqttMessage) -> str:
    return names.check_device_id(message.topic.split("/")[1])


def without_audio(raw: RawAudio) -> RawAudio:
    """Return an utterance's data without the place of its audio, for events that anybody may read."""
    return replace(raw, uri="", sha256=None)
