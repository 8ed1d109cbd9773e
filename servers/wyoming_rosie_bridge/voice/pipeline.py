"""The stages of an utterance: classify, route, transcribe, understand, execute, reply.

Each stage records one decision per key in the step in which it passes the utterance on, or before it ends it: whoever handles
the same utterance again, after a crash or a hang, finds the decision and does nothing else. So an utterance has one end.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.interface import Consumer
from wyoming_rosie.bus.messages import (
    MAX_SPEECH_BYTES,
    AsrJob,
    AudioFormatData,
    ClassifiedAudio,
    ModelPrompt,
    Outcome,
    RawAudio,
    Result,
    Say,
    SpeechData,
    TranscribedAudio,
    VoiceIntent,
)
from wyoming_rosie.errors import RosieError
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.voice import daemons
from wyoming_rosie_bridge.voice.audio import AudioStore, to_speech
from wyoming_rosie_bridge.voice.daemons import SpeechPiece, Understanding
from wyoming_rosie_bridge.voice.decisions import DecisionLog
from wyoming_rosie_bridge.voice.ingest import without_audio
from wyoming_rosie_bridge.voice.sentences import get_sentence
from wyoming_rosie_bridge.voice.settings import VoiceSettings
from wyoming_rosie_bridge.worker import Stage

_LOG = structlog.get_logger()
SPEECH_BYTES = MAX_SPEECH_BYTES // 2
"""Audio in one message of an answer: 0.7 s of 22 kHz. The first piece is heard as soon as it is synthesised."""
LATE_REPLY_SECONDS = 30.0
"""Age of a result that nobody waits for any more."""


class VoicePipeline:
    """The stages after an utterance was accepted."""

    def __init__(self, settings: VoiceSettings, context: BridgeContext, audio: AudioStore) -> None:
        self._settings, self._context, self._audio = settings, context, audio
        self._jobs, self._events = context.buses.jobs, context.buses.events
        self._decisions = DecisionLog(context)

    def stages(self) -> list[Stage]:
        """Return the stages before the executor."""
        handlers = (
            ("classify", names.AUDIO_RAW, self.classify),
            ("router", names.AUDIO_CLASSIFIED, self.route),
            ("asr", names.AUDIO_INCOMING, self.transcribe),
            ("understand", names.AUDIO_TRANSCRIBED, self.understand),
        )
        idle = self._settings.idle_seconds
        return [
            Stage(name, self._jobs.source(stream, idle), handle, self._on_dead(name), self._settings.workers, idle / 3)
            for name, stream, handle in handlers
        ]

    async def classify(self, envelope: Envelope) -> None:
        """Tell speech from noise, hear the wake word where it is needed, and try the grammar."""
        raw = schema.unwrap(RawAudio, envelope)
        if await self._is_over(envelope, "classify"):
            return
        content = await self._audio.read(raw.uri, raw.sha256)
        pcm = await asyncio.to_thread(to_speech, content, raw.fmt)
        stored = replace(RawAudio("", raw.device_id), wake=raw.wake, area=raw.area, language=raw.language)
        uri = raw.uri if pcm is content else await self._audio.store(f"{envelope.key}:speech", pcm)
        classified = await self._classify(replace(stored, uri=uri), pcm)
        public = replace(classified, audio=without_audio(classified.audio), text=None)
        await self._events.publish(
            names.AUDIO_EVENT_CLASSIFIED, self._follow(envelope, public), f"classified:{envelope.key}"
        )
        await self._decisions.pass_on("classify", envelope, names.AUDIO_CLASSIFIED, classified)

    async def route(self, envelope: Envelope) -> None:
        """Drop junk, send a simple command straight to its executor, and give the rest to speech recognition."""
        classified = schema.unwrap(ClassifiedAudio, envelope)
        if await self._is_over(envelope, "router"):
            return
        raw = classified.audio
        if (reason := self._reason_to_drop(classified)) is not None:
            result = Result("dropped", ok=True, device_id=raw.device_id, detail=reason)
            await self._decisions.publish("router", envelope, result)
        elif classified.text and (found := await self._find_simple_command(envelope, classified)) is not None:
            await self._publish_intent(envelope, "router", found, classified.text, raw)
        else:
            await self._decisions.pass_on("router", envelope, names.AUDIO_INCOMING, AsrJob(raw))

    async def transcribe(self, envelope: Envelope) -> None:
        """Have the asr daemon transcribe."""
        raw = schema.unwrap(AsrJob, envelope).audio
        if await self._is_over(envelope, "asr"):
            return
        content = await self._audio.read(raw.uri, None)
        pcm = await asyncio.to_thread(to_speech, content, raw.fmt)
        began = self._context.clock()
        text = await daemons.transcribe(self._settings.asr_uri, pcm, raw.language, self._get_context(envelope, raw))
        milliseconds = round(1000 * (self._context.clock() - began), 1)
        heard = TranscribedAudio(text, raw.device_id, raw.area, raw.language, milliseconds)
        await self._decisions.pass_on("asr", envelope, names.AUDIO_TRANSCRIBED, heard)

    async def understand(self, envelope: Envelope) -> None:
        """Have the intent daemon understand the text; publish a command, or answer."""
        heard = schema.unwrap(TranscribedAudio, envelope)
        if await self._is_over(envelope, "understand"):
            return
        raw = RawAudio("", heard.device_id, area=heard.area, language=heard.language)
        if not heard.text:
            await self._fail(envelope, "understand", raw, "not-understood", "no words were recognised")
            return
        async with daemons.ask(self._settings.intent_uri, "intent") as peer:
            context = self._get_context(envelope, raw)
            found = await daemons.understand(peer, heard.text, heard.language, context)
        if found.intents:
            await self._publish_intent(envelope, "understand", found, heard.text, raw)
        elif not found.is_understood and self._settings.ask_mind:
            await self._decisions.pass_on("understand", envelope, names.LLM_INCOMING, _create_prompt(heard))
        else:
            await self._answer(envelope, raw, found)

    async def _classify(self, raw: RawAudio, pcm: bytes) -> ClassifiedAudio:
        settings = self._settings
        speech = (
            await daemons.classify_speech(settings.vad_uri, pcm)
            if settings.vad_uri
            else daemons.SpeechClass("speech", len(pcm) / 32)
        )
        wake, text = None, None
        if speech.category == "speech":
            if settings.wake_uri and raw.wake is None:
                wake = await daemons.detect_wake_word(settings.wake_uri, pcm)
            if settings.grammar_uri:
                text = await daemons.transcribe(settings.grammar_uri, pcm, raw.language, {}) or None
        return ClassifiedAudio(raw, speech.category, round(speech.speech_ms), wake, text)

    def _reason_to_drop(self, classified: ClassifiedAudio) -> str | None:
        if classified.category != "speech":
            return classified.category
        if self._settings.wake_uri and classified.audio.wake is None and classified.wake is None:
            return "no wake word"
        return None

    async def _find_simple_command(self, envelope: Envelope, classified: ClassifiedAudio) -> Understanding | None:
        """Return the intents of a text that the grammar knows; None if it is no command after all."""
        raw = classified.audio
        async with daemons.ask(self._settings.intent_uri, "intent") as peer:
            context = self._get_context(envelope, raw)
            found = await daemons.understand(peer, classified.text or "", raw.language, context)
        return found if found.intents else None

    async def _publish_intent(
        self, envelope: Envelope, stage: str, found: Understanding, text: str, raw: RawAudio
    ) -> None:
        first, *others = found.intents
        command = VoiceIntent(
            first.name,
            args=dict(first.slots),
            text=text,
            language=raw.language,
            device_id=raw.device_id,
            area=raw.area,
            expires=envelope.deadline,
            reply=names.result_subject(envelope.key),
            others=tuple({"intent": other.name, "args": dict(other.slots)} for other in others),
        )
        await self._decisions.publish(stage, envelope, command)

    async def _answer(self, envelope: Envelope, raw: RawAudio, found: Understanding) -> None:
        text = found.text or get_sentence("not-understood", raw.language)
        outcome: Outcome = "done" if found.is_understood else "failed"
        result = Result(outcome, found.is_understood, text, raw.device_id, raw.language)
        await self._decisions.publish("understand", envelope, result)

    async def _is_over(self, envelope: Envelope, stage: str) -> bool:
        """Do what was decided before, or end an utterance whose deadline has passed; return whether either was so."""
        if await self._decisions.follow_earlier(stage, envelope):
            return True
        if not envelope.is_expired(self._context.clock()):
            return False
        device_id, language = _find_device(envelope.data)
        sentence = get_sentence("expired", language)
        await self._decisions.publish(stage, envelope, Result("expired", False, sentence, device_id, language))
        return True

    async def _fail(self, envelope: Envelope, stage: str, raw: RawAudio, sentence: str, detail: str) -> None:
        text = get_sentence(sentence, raw.language)
        result = Result("failed", False, text, raw.device_id, raw.language, detail)
        await self._decisions.publish(stage, envelope, result)

    def _on_dead(self, stage: str) -> Any:
        async def tell(envelope: Envelope, reason: str) -> None:
            device_id, language = _find_device(envelope.data)
            sentence = get_sentence("failed", language)
            result = Result("dead", False, sentence, device_id, language, reason)
            await self._decisions.publish(stage, envelope, result)

        return tell

    def _follow(self, envelope: Envelope, message: Any) -> Envelope:
        return schema.follow(envelope, message, self._context.source, self._context.clock())

    def _get_context(self, envelope: Envelope, raw: RawAudio) -> dict[str, Any]:
        """Return the context of an utterance for daemons that only understand: they leave commands to the executor."""
        return {**create_daemon_context(envelope.key, raw.device_id, raw.area), "delegate": True}


def create_daemon_context(key: str, device_id: str | None, area: str | None) -> dict[str, Any]:
    """Return the context of an utterance for Wyoming daemons."""
    given = {"turn_id": key[-128:], "conversation_id": device_id, "satellite_id": device_id, "area": area}
    return {name: value for name, value in given.items() if value}


def _create_prompt(heard: TranscribedAudio) -> ModelPrompt:
    return ModelPrompt(heard.text, heard.device_id, "voice", heard.area, heard.language, heard.device_id)


def _find_device(data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the device and the language of a message of any stage, valid or not."""
    inner = data.get("audio")
    about = inner if isinstance(inner, Mapping) else data
    device_id, language = about.get("device_id"), about.get("language")
    return device_id if isinstance(device_id, str) else None, language if isinstance(language, str) else None


def _create_speech(piece: SpeechPiece, number: int) -> SpeechData:
    audio = AudioFormatData(piece.audio.rate, piece.audio.width, piece.audio.channels)
    return SpeechData(b64encode(piece.pcm).decode(), audio, number, piece.is_last)


class ReplySpeaker:
    """Sends the sentence of a result to the device that waits for it, with its audio if there is a tts daemon."""

    def __init__(self, context: BridgeContext, tts_uri: str | None = None) -> None:
        self._context, self._tts_uri = context, tts_uri

    def stage(self) -> Stage:
        """Return the stage."""
        consumer = Consumer(names.RESULTS_STREAM, "say", f"{names.AUTOMATION_RESULT}.>")
        return Stage("reply", self._context.buses.events.source(consumer), self.say, self._on_dead, concurrency=16)

    async def say(self, envelope: Envelope) -> None:
        """Publish the sentence over MQTT, unless it comes too late."""
        result = schema.unwrap(Result, envelope)
        if result.message is None or result.device_id is None:
            return
        if self._context.clock() - envelope.ts > LATE_REPLY_SECONDS:
            _LOG.info("reply dropped", device=result.device_id, reason="it is too late")
            return
        topic = names.voice_topic(result.device_id, "say")
        async with aclosing(self._create_says(result, result.message)) as says:
            async for say in says:
                message = schema.follow(envelope, say, self._context.source, self._context.clock())
                await self._context.buses.mqtt.publish(topic, message.encode())

    async def _create_says(self, result: Result, text: str) -> AsyncGenerator[Say, None]:
        """Yield a sentence's messages: one with the text, or one for each piece of its audio, the first with the text."""
        say = Say(text, "answer" if result.ok else "failure", result.language)
        number = 0
        try:
            async with aclosing(self._synthesize(text, result.language)) as pieces:
                async for piece in pieces:
                    yield replace(say, text="" if number else text, audio=_create_speech(piece, number))
                    number += 1
        except RosieError as err:
            _LOG.warning("answer is not synthesised", reason=str(err), pieces=number)
            if number:  # what was spoken so far ends here
                yield replace(say, text="", audio=SpeechData("", number=number))
        if not number:
            yield say

    async def _synthesize(self, text: str, language: str | None) -> AsyncGenerator[SpeechPiece, None]:
        if self._tts_uri is None:
            return
        async with aclosing(daemons.synthesize(self._tts_uri, text, language, SPEECH_BYTES)) as pieces:
            async for piece in pieces:
                yield piece

    async def _on_dead(self, envelope: Envelope, reason: str) -> None:
        """Do nothing: the result itself is published already."""
