"""Conductor over MQTT: passes what is said while no other conductor is connected to the bridge, and speaks its answers."""

import asyncio
import binascii
import time
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.satellite import RunSatellite

from wyoming_rosie import __version__
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.interface import Mqtt
from wyoming_rosie.bus.messages import AudioFormatData, DeviceStatus, Receipt, Say, SpeechData, WakeHeard
from wyoming_rosie.bus.voice_node import VoiceNode, encode_status
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.turn import event_context, new_id
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.runtime.tasks import loop_time, run_until_first_exit
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.handler import SatelliteHandler
from wyoming_rosie_satellite.integrations.mqtt_rules import (
    BridgePresence,
    RecordedUtterance,
    SayQueue,
    UtteranceRecorder,
)
from wyoming_rosie_satellite.satellite import Satellite

_LOG = structlog.get_logger()
CHECK_SECONDS = 0.5
SPEAK_SECONDS = 30.0
"""Time that an answer waits for its turn to be spoken."""
STALLED_SECONDS = 5.0
"""Time that the next piece of an answer may take."""
MAX_QUEUED = 8
NO_RECEIPT = "it sends no receipt; is it running, and does the broker let this device publish under its ID?"
AUDIO_FORMAT = AudioFormatData(SPEECH.rate, SPEECH.width, SPEECH.channels)


class MqttConnection(Mqtt, Protocol):
    """A connection to a broker."""

    async def run(self) -> None:
        """Stay connected until cancelled."""


@dataclass(frozen=True)
class VoiceDevice:
    """The satellite as a device of the bridge."""

    id: str
    area: str | None = None
    language: str | None = None


class MqttConductor:
    """Takes the slot of the bridge while the bridge can be reached. Create it before the connection is opened."""

    def __init__(self, mqtt: MqttConnection, device: VoiceDevice, folder: Path, satellite: Satellite) -> None:
        self._mqtt, self._device, self._satellite = mqtt, device, satellite
        self._node = VoiceNode(mqtt, device.id, folder, self._on_say, self._on_receipt)
        self._handler = SatelliteHandler(satellite, _EventReceiver(self), m.BRIDGE_SLOT)
        self._recorder = UtteranceRecorder()
        self._presence = BridgePresence()
        self._utterances = Outbox[RecordedUtterance](MAX_QUEUED)
        self._wake_words = Outbox[WakeHeard](MAX_QUEUED)
        self._says = SayQueue()
        self._changed = asyncio.Event()  # there may be something to speak
        self._latest_key = ""
        self._has_joined = False
        self._reported: DeviceStatus | None = None
        mqtt.on_connect(self._on_connect)

    async def run(self) -> None:
        """Conduct until cancelled."""
        try:
            await run_until_first_exit(
                self._mqtt.run(),
                self._node.run(),
                self._watch_connection(),
                self._utterances.run(self._send_utterance),
                self._wake_words.run(self._publish_wake_word),
                self._speak_answers(),
            )
        finally:
            await self._leave()

    def on_event(self, event: Event) -> None:
        """Observe the satellite: report its wake words, whoever conducts."""
        self._changed.set()
        if event.type == "detection":
            score = event_context(event).get("score")
            self._wake_words.put(WakeHeard(str(event.data.get("name")), score if isinstance(score, float) else None))

    def on_conductor_event(self, event: Event) -> None:
        """Process what the satellite sends to its conductor; never waits."""
        utterance = self._recorder.on_event(event)
        if utterance is not None:
            self._utterances.put(utterance)
            if event.type != "audio-stop":  # it is as long as it may be
                asyncio.get_running_loop().call_soon(self._handle, m.SpeechEnded())

    async def _send_utterance(self, utterance: RecordedUtterance) -> None:
        device, wake_word = self._device, utterance.wake_word
        try:
            key = await self._node.send_audio(
                utterance.pcm, AUDIO_FORMAT, area=device.area, wake=wake_word, language=device.language
            )
        except (BadMessageError, OSError) as err:
            _LOG.error("utterance cannot be kept", reason=str(err))
            await self._report_failure("the command cannot be sent", "not-kept")
            return
        self._latest_key = key
        self._presence.on_utterance(key, loop_time())
        _LOG.info("utterance is sent to the bridge", key=key, seconds=round(SPEECH.seconds(len(utterance.pcm)), 1))

    def _on_receipt(self, key: str, receipt: Receipt) -> None:
        self._presence.on_receipt()
        if key != self._latest_key:
            return
        if receipt.result == "rejected":
            self._handle(m.RunFailed("rejected"))
        elif self._satellite.phase is m.SatellitePhase.THINKING:
            # Some commands have no answer, of whose end nothing is heard: the wait is as after a transcript.
            self._handle(m.TranscriptReceived(reports_end=False))

    def _on_say(self, key: str, say: Say) -> None:
        self._says.put(key, say)
        self._changed.set()

    def _on_connect(self) -> None:
        self._presence.on_connect()
        self._reported = None

    def _handle(self, message: m.ConductorInput) -> None:
        if self._has_joined:
            self._satellite.handle(m.ConductorMessage(m.BRIDGE_SLOT, message))

    # Presence

    async def _watch_connection(self) -> None:
        while True:
            is_connected = self._mqtt.problem is None
            is_present = self._presence.is_present(loop_time(), is_connected=is_connected)
            if self._has_joined and not is_present:
                _LOG.info("bridge cannot be reached", reason=self._mqtt.problem or NO_RECEIPT)
                await self._leave()
            elif is_present and not self._has_joined:
                self._has_joined = True
                await self._handler.on_event(RunSatellite().event())
                _LOG.info("bridge is the conductor of last resort", device=self._device.id)
            if is_connected:
                await self._report_status()
            await asyncio.sleep(CHECK_SECONDS)

    async def _leave(self) -> None:
        self._has_joined = False
        await self._handler.close()

    async def _report_status(self) -> None:
        muted = "muted" if self._satellite.status.muted else "on"
        status = DeviceStatus("online", __version__, muted, await self._node.count_waiting())
        if status == self._reported:
            return
        with suppress(BusError):
            topic = names.voice_topic(self._device.id, "status")
            await self._mqtt.publish(topic, encode_status(self._device.id, status), retain=True)
            self._reported = status

    async def _publish_wake_word(self, heard: WakeHeard) -> None:
        envelope = schema.wrap(heard, key=new_id(), source=self._device.id, now=time.time())
        with suppress(BusError):
            await self._mqtt.publish(names.voice_topic(self._device.id, "wake"), envelope.encode(), 0)

    # Answers

    async def _speak_answers(self) -> None:
        while True:
            self._changed.clear()
            say = self._says.take()
            if say is not None:
                await self._speak(say)
                continue
            try:
                async with asyncio.timeout(STALLED_SECONDS if self._says.is_interrupted else None):
                    await self._changed.wait()
            except TimeoutError:
                _LOG.warning("rest of an answer has not come")
                self._says.abandon()
                await self._send(AudioStop().event())

    async def _speak(self, say: Say) -> None:
        if (say.audio is None or say.audio.number == 0) and not await self._wait_for_turn():
            _LOG.info("answer is not spoken: the satellite was busy")
            return
        if say.audio is None:
            await self._tell_without_audio(say)
            return
        if say.text:
            await self._send(Event("synthesize", {"text": say.text}))
        await self._play(say.audio)

    async def _play(self, speech: SpeechData) -> None:
        about = {"rate": speech.fmt.rate, "width": speech.fmt.width, "channels": speech.fmt.channels}
        try:
            pcm = b64decode(speech.inline, validate=True)
        except (binascii.Error, ValueError):
            _LOG.warning("answer has no valid audio")
            pcm = b""
        if speech.number == 0:
            await self._send(AudioStart(**about).event())
        await self._send(AudioChunk(**about, audio=pcm).event())
        if speech.is_last:
            await self._send(AudioStop().event())

    async def _tell_without_audio(self, say: Say) -> None:
        if say.priority == "failure":
            await self._report_failure(say.text, "failed")
            return
        _LOG.info("answer is not spoken: it has no audio; run the bridge with --voice.tts-uri")
        self._handle(m.RunFailed("nothing-to-say"))

    async def _report_failure(self, text: str, code: str) -> None:
        await self._send(Error(text, code).event())

    async def _wait_for_turn(self) -> bool:
        """Wait until nobody is speaking a command and no other conductor has a run; return whether that came."""
        try:
            async with asyncio.timeout(SPEAK_SECONDS):
                while not self._is_free:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    @property
    def _is_free(self) -> bool:
        phase = self._satellite.phase
        is_own = self._satellite.conductor is self._handler
        return (is_own and phase is not m.SatellitePhase.STREAMING) or phase in (
            m.SatellitePhase.WAITING,
            m.SatellitePhase.PAUSED,
        )

    async def _send(self, event: Event) -> None:
        """Pass an event to the satellite, as a conductor does."""
        try:
            await self._handler.on_event(event)
        except RosieError as err:
            _LOG.warning("answer is not spoken", reason=str(err))


class _EventReceiver:
    """Passes the satellite's events on without a wait."""

    def __init__(self, conductor: MqttConductor) -> None:
        self._conductor = conductor

    async def __call__(self, event: Event) -> None:
        self._conductor.on_conductor_event(event)

    def nowait(self, event: Event) -> bool:
        self._conductor.on_conductor_event(event)
        return True
