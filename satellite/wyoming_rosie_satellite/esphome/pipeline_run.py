"""Rules of a run: what Home Assistant reports of its pipeline in, events and inputs as from any conductor out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerUpdated

from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.messages import USE_VAD
from wyoming_rosie_satellite.events import LISTEN_AGAIN_EVENT
from wyoming_rosie_satellite.integrations.observers import USER_EVENT
from wyoming_rosie_satellite.messages import RunFailed
from wyoming_rosie_satellite.storage.timers import STARTED

NOTHING_TO_SAY = "nothing-to-say"
TRUE = "1"


@dataclass(frozen=True)
class FetchReply:
    """Play the audio at a URL as the run's reply."""

    url: str


Step: TypeAlias = Event | RunFailed | FetchReply


class PipelineRun:
    """The latest run that was requested. Reports of an earlier one, which may still come, are ignored."""

    def __init__(self) -> None:
        self._conversation_id = ""
        self._turn_id = ""
        self._url = ""  # of the reply, if it is known before the reply is complete
        self._is_active = False  # Home Assistant has started it, and not ended it
        self._is_requested = False
        self._has_reply = False

    def request(self, phrase: str | None, turn_id: str) -> api.VoiceAssistantRequest:
        """Request a run: after a wake word, with its phrase, in a new conversation; else in the present one."""
        if phrase is not None:
            self._conversation_id = ""
        self._turn_id = turn_id
        self._is_active, self._is_requested = False, True
        return api.VoiceAssistantRequest(
            start=True,
            conversation_id=self._conversation_id,
            flags=USE_VAD,
            audio_settings=api.VoiceAssistantAudioSettings(volume_multiplier=1.0),
            wake_word_phrase=phrase or "",
        )

    def refuse(self) -> list[Step]:
        """Home Assistant cannot start the run."""
        was_requested, self._is_requested = self._is_requested, False
        return [_error("Home Assistant cannot start the run", "not-started")] if was_requested else []

    def handle(self, kind: int, data: Mapping[str, str]) -> list[Step]:
        """Return what follows from a report of the pipeline."""
        if kind == api.VOICE_ASSISTANT_RUN_START and self._is_requested:
            self._is_active, self._is_requested, self._has_reply = True, False, False
            self._url = data.get("url", "")
            return []
        if kind == api.VOICE_ASSISTANT_ERROR and (self._is_requested or self._is_active):
            self._is_active = self._is_requested = False
            return [_error(data.get("message", ""), data.get("code", ""))]
        return self._on_progress(kind, data) if self._is_active else []

    def _on_progress(self, kind: int, data: Mapping[str, str]) -> list[Step]:
        match kind:
            case api.VOICE_ASSISTANT_STT_VAD_START:
                return [Event("voice-started")]
            case api.VOICE_ASSISTANT_STT_VAD_END:
                return [Event("voice-stopped")]
            case api.VOICE_ASSISTANT_STT_END:
                # The turn's id tells that the end of the run is reported, too.
                return [Event("transcript", {"text": data.get("text", ""), "context": {"turn_id": self._turn_id}})]
            case api.VOICE_ASSISTANT_INTENT_PROGRESS if data.get("tts_start_streaming") == TRUE:
                return self._fetch(self._url)
            case api.VOICE_ASSISTANT_INTENT_END:
                self._conversation_id = data.get("conversation_id", "")
                listens = data.get("continue_conversation") == TRUE
                return [Event(USER_EVENT, {"name": LISTEN_AGAIN_EVENT})] if listens else []
            case api.VOICE_ASSISTANT_TTS_START:
                return [Event("synthesize", {"text": data.get("text", "")})]
            case api.VOICE_ASSISTANT_TTS_END:
                return self._fetch(data.get("url", ""))
            case api.VOICE_ASSISTANT_RUN_END:
                self._is_active = False
                return [] if self._has_reply else [RunFailed(NOTHING_TO_SAY)]
        return []

    def _fetch(self, url: str) -> list[Step]:
        if self._has_reply or not url:
            return []
        self._has_reply = True
        return [FetchReply(url)]


def timer_event(message: api.VoiceAssistantTimerEventResponse) -> Event | None:
    """Return a timer's report as the event of a conductor, None for a kind that is not known."""
    match message.event_type:
        case api.VOICE_ASSISTANT_TIMER_STARTED:
            named = {"name": message.name} if message.name else {}
            return Event(STARTED, {"id": message.timer_id, "total_seconds": message.seconds_left, **named})
        case api.VOICE_ASSISTANT_TIMER_UPDATED:
            return TimerUpdated(message.timer_id, message.is_active, message.seconds_left).event()
        case api.VOICE_ASSISTANT_TIMER_CANCELLED:
            return TimerCancelled(message.timer_id).event()
        case api.VOICE_ASSISTANT_TIMER_FINISHED:
            return TimerFinished(message.timer_id).event()
    return None


def _error(text: str, code: str) -> Event:
    return Event("error", {"text": text, "code": code})
