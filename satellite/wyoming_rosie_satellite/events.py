"""The rules' inputs and effects as Wyoming events, in the way that Home Assistant expects them."""

from typing import assert_never

from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.snd import Played
from wyoming.wake import Detection

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol.turn import event_context
from wyoming_rosie_satellite.messages import (
    ConductorEffect,
    ConductorInput,
    FillerAnnounced,
    FollowUpRequested,
    ReplyTextReceived,
    ReportPlayed,
    ReportWakeWord,
    RequestRun,
    RunFailed,
    SendAudio,
    SendAudioStop,
    SpeechEnded,
    TranscriptReceived,
)

LISTEN_AGAIN_EVENT = "listen-again"
FILLER_EVENT = "filler"


def parse_input(event: Event) -> ConductorInput | None:
    """Return what a conductor's event means for the rules; audio is not among them."""
    match event.type:
        case "voice-stopped":
            return SpeechEnded()
        case "transcript":
            return TranscriptReceived(reports_end="turn_id" in event_context(event))  # Home Assistant names none
        case "error":
            return RunFailed(str(event.data.get("code") or ""))
        case "user-event" if event.data.get("name") == LISTEN_AGAIN_EVENT:
            return FollowUpRequested()
        case "user-event" if event.data.get("name") == FILLER_EVENT:
            return FillerAnnounced()
        case "synthesize":
            text = event.data.get("text")
            return ReplyTextReceived(text) if isinstance(text, str) else None
    return None


def create_event(effect: ConductorEffect) -> Event:
    """Return the event that tells the conductor."""
    match effect:
        case ReportWakeWord(name, milliseconds, turn_id, score):
            context = {"turn_id": turn_id} | ({} if score is None else {"score": score})
            return Detection(name=name, timestamp=milliseconds, context=context).event()
        case RequestRun(wake_word, pipeline):
            asked = RunPipeline(PipelineStage.ASR, PipelineStage.TTS, wake_word_name=wake_word).event()
            return asked if pipeline is None else Event(asked.type, {**asked.data, "name": pipeline})
        case SendAudio(pcm, milliseconds):
            return AudioChunk(SPEECH.rate, SPEECH.width, SPEECH.channels, pcm, timestamp=milliseconds).event()
        case SendAudioStop():
            return AudioStop().event()
        case ReportPlayed():
            return Played().event()
        case _:
            assert_never(effect)


def add_language(asked: Event, language: str | None) -> Event:
    """Return what asks for a run with the language that is spoken, for conductors that want to know."""
    return asked if language is None else Event(asked.type, {**asked.data, "context": {"language": language}})
