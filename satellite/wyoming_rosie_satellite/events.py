"""Wyoming events of a conductor to inputs of the rules, and effects to events, as Home Assistant expects them."""

from typing import assert_never

from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.snd import Played
from wyoming.wake import Detection

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.protocol.turn import event_context
from wyoming_rosie_satellite.integrations.controls import MAX_VOLUME
from wyoming_rosie_satellite.integrations.observers import USER_EVENT, VOLUME
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
    """Return a conductor's event as an input, None for audio and for what the rules ignore."""
    match event.type:
        case "voice-stopped":
            return SpeechEnded()
        case "transcript":
            return TranscriptReceived(reports_end="turn_id" in event_context(event))  # Home Assistant sends none
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


def is_volume_event(event: Event) -> bool:
    """Return whether a conductor's event sets the volume."""
    return event.type == USER_EVENT and event.data.get("name") == VOLUME


def parse_volume(event: Event, percent: int) -> int:
    """Return the volume that an event sets, 0 to MAX_VOLUME, where it is `percent` now. Raises BadEventError.

    Its data is {"name": "volume", "percent": 40} or {"name": "volume", "change": -10}.
    """
    match event.data:
        case {"percent": _, "change": _}:
            raise _bad_volume("percent or change, not both")
        case {"percent": int(to)} if type(to) is int and 0 <= to <= MAX_VOLUME:
            return to
        case {"change": int(by)} if type(by) is int and -MAX_VOLUME <= by <= MAX_VOLUME:
            return min(max(percent + by, 0), MAX_VOLUME)
    raise _bad_volume(
        f"a whole number as percent, from 0 to {MAX_VOLUME}, or as change, from -{MAX_VOLUME} to {MAX_VOLUME}"
    )


def parse_mute(event: Event) -> bool | None:
    """Return whether a conductor's event mutes the microphone or unmutes it; None for other events."""
    match event.data:
        case {"name": "mute", "muted": bool(is_muted)} if event.type == USER_EVENT:
            return is_muted
    return None


def create_event(effect: ConductorEffect) -> Event:
    """Return an effect as the event for the conductor."""
    match effect:
        case ReportWakeWord(name, milliseconds, turn_id, score):
            context = {"turn_id": turn_id} | ({} if score is None else {"score": score})
            return Detection(name=name, timestamp=milliseconds, context=context).event()
        case RequestRun(wake_word, pipeline):
            request = RunPipeline(PipelineStage.ASR, PipelineStage.TTS, wake_word_name=wake_word).event()
            return request if pipeline is None else Event(request.type, {**request.data, "name": pipeline})
        case SendAudio(pcm, milliseconds):
            return AudioChunk(SPEECH.rate, SPEECH.width, SPEECH.channels, pcm, timestamp=milliseconds).event()
        case SendAudioStop():
            return AudioStop().event()
        case ReportPlayed():
            return Played().event()
        case _:
            assert_never(effect)


def add_language(request: Event, language: str | None) -> Event:
    """Return the request for a run with the language that is spoken, if known, in its context."""
    return request if language is None else Event(request.type, {**request.data, "context": {"language": language}})


def _bad_volume(needs: str) -> BadEventError:
    return BadEventError(f"a user-event named {VOLUME} needs {needs}", "bad-volume")
