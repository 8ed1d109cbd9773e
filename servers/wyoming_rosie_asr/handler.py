"""Connection handler of the speech-to-text daemon."""

from wyoming.event import Event

from wyoming_rosie.audio.receiver import AudioReceiver
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie_asr.engine import TranscribeRequest
from wyoming_rosie_asr.request import parse_request, parse_sensitivity
from wyoming_rosie_asr.utterance import AsrContext, Utterance


class AsrHandler:
    """Answers `transcribe` and the audio after it with a `transcript`; `transcribe` may be left out.

    After an error all audio is ignored until the next `transcribe` or `audio-start`, so that a request fails once.
    """

    def __init__(self, context: AsrContext, send: Send) -> None:
        self._context = context
        self._send = send
        self._audio = self._create_receiver()
        self._transcribe_event = Event("transcribe")
        self._request = TranscribeRequest()
        self._is_refused = False
        self._utterance: Utterance | None = None

    @property
    def is_busy(self) -> bool:
        return self._utterance is not None

    def on_audio_nowait(self, event: Event) -> bool:
        pcm = self._audio.read_nowait(event)
        return pcm is not None and self._utterance is not None and self._utterance.try_push(pcm)

    def coalesce(self, source: EventStream) -> None:
        if self._utterance is not None:
            self._utterance.coalesce(source)

    async def on_event(self, event: Event) -> None:
        try:
            match event.type:
                case "transcribe":
                    await self._on_transcribe(event)
                case "audio-start" if not self._is_refused:
                    await self._start_utterance(event)
                case "audio-chunk" if not self._is_refused:
                    async for pcm in self._audio.read(event):
                        await self._push(pcm)
                case "audio-stop" if not self._is_refused:
                    await self._finish_utterance(event)
                case "voice-started" | "voice-stopped" if self._utterance is not None:
                    self._utterance.on_voice_event(event)
        except RosieError:
            await self._drop_utterance()
            raise

    async def close(self) -> None:
        await self._drop_utterance()

    async def _on_transcribe(self, event: Event) -> None:
        await self._drop_utterance()
        self._transcribe_event, self._is_refused = event, True
        self._audio = self._create_receiver()
        self._request = parse_request(event)
        self._context.engine.check_request(self._request)
        self._is_refused = False

    async def _start_utterance(self, event: Event) -> None:
        await self._drop_utterance()
        await self._audio.start(event)
        self._context.engine.check_request(self._request)
        rules = self._context.endpointing.for_sensitivity(parse_sensitivity(self._transcribe_event))
        event_context = turn.context(self._transcribe_event)
        self._utterance = Utterance(self._context, self._request, rules, event_context, self._send)
        self._utterance.start()

    async def _push(self, pcm: bytes) -> None:
        if self._utterance is not None:
            await self._utterance.push(pcm)

    async def _finish_utterance(self, event: Event) -> None:
        pcm = self._audio.stop(event)
        if self._utterance is None:
            return
        await self._utterance.push(pcm)
        await self._utterance.finish()
        await self._drop_utterance()

    async def _drop_utterance(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            await utterance.close()

    def _create_receiver(self) -> AudioReceiver:
        return AudioReceiver(self._context.vad_scheduler.call)
