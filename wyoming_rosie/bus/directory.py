"""Directory of all topics, streams and subjects: who sends what where. `scripts/bus-docs` writes docs/bus.md from it."""

from dataclasses import dataclass
from typing import Any

from wyoming_rosie.bus import messages, names


@dataclass(frozen=True)
class Topic:
    """A topic of MQTT."""

    name: str
    """With a placeholder in angle brackets for each level that varies."""
    sender: str
    message: type[Any] | None
    """None for another program's message."""
    meaning: str
    retained: bool = False
    qos: int = 1


@dataclass(frozen=True)
class JobStream:
    """A stream of Redis; its group and its limit are in `names`."""

    name: str
    sender: str
    message: type[Any] | None
    meaning: str


@dataclass(frozen=True)
class Subject:
    """A subject of NATS."""

    name: str
    """With a placeholder in angle brackets for each token that varies."""
    sender: str
    message: type[Any] | None
    meaning: str
    is_stored: bool = True

    @property
    def pattern(self) -> str:
        """The pattern that matches it."""
        return ".".join("*" if token.startswith("<") else token for token in self.name.split("."))


TOPICS = (
    Topic("voice/<device_id>/audio_meta", "device", messages.AudioMeta, "an utterance"),
    Topic("voice/<device_id>/wake", "device", messages.WakeHeard, "a wake word was heard", qos=0),
    Topic("voice/<device_id>/status", "device", messages.DeviceStatus, "online, or offline by its last will", True),
    Topic("voice/<device_id>/receipt", "bridge", messages.Receipt, "an utterance is stored, or never will be"),
    Topic("voice/<device_id>/say", "bridge", messages.Say, "a sentence to speak"),
    Topic("voice/<device_id>/intent", "bridge", messages.VoiceIntent, "a command, with --voice.executor mqtt"),
    Topic("cameras/<cam_id>/motion_raw", "camera or bridge", messages.CameraMotion, "something moves", qos=0),
    Topic("cameras/<cam_id>/motion_filtered", "camera or bridge", messages.CameraMotion, "what moves", qos=0),
    Topic("frigate/#", "Frigate", None, "read only: the bridge never writes there"),
)
JOB_STREAMS = (
    JobStream(names.AUDIO_RAW, "ingest", messages.RawAudio, "utterances that were accepted"),
    JobStream(names.AUDIO_CLASSIFIED, "classify", messages.ClassifiedAudio, "utterances, and what they are"),
    JobStream(names.AUDIO_INCOMING, "router", messages.AsrJob, "speech to be transcribed"),
    JobStream(names.AUDIO_TRANSCRIBED, "asr", messages.TranscribedAudio, "what was said"),
    JobStream(names.VISION_RAW, "cameras", messages.Frame, "frames in which something moves"),
    JobStream(names.VISION_FILTERED, "edge", messages.Frame, "frames in which something was recognized"),
    JobStream(names.VISION_JOBS, "edge", messages.Frame, "interesting frames, for a detector such as Frigate's"),
    JobStream(names.LLM_INCOMING, "anybody", messages.ModelPrompt, "requests to language models"),
    JobStream(f"{names.DEAD_STREAMS}:<stream>", "any stage", None, "dead letters of a stream"),
)
SUBJECTS = (
    Subject(
        names.AUDIO_EVENT_CLASSIFIED, "classify", messages.ClassifiedAudio, "what an utterance is, without its text"
    ),
    Subject(f"{names.VOICE_INTENT}.<domain>.<action>", "understand, or --actor bus", messages.VoiceIntent, "a command"),
    *(
        Subject(f"{names.VISION_EVENT}.{name}", "vision", messages.VisionEvent, meaning)
        for name, meaning in (
            ("motion.simple", "motion begins or ends"),
            ("person", "a person"),
            ("person_detected", "the same as person"),
            ("vehicle", "a vehicle"),
            ("package", "a package"),
            ("door", "a door, by Frigate's classification"),
            ("object.<label>", "another object"),
            ("zone.<zone>.entered", "an object has come into a zone"),
            ("zone.<zone>.left", "an object has left a zone"),
        )
    ),
    *(
        Subject(f"{names.LLM_ROUTE}.{route}", "mind", messages.ModelJob, "a request by its route")
        for route in names.ROUTES
    ),
    Subject(f"{names.LLM_RESPONSE}.<session>", "mind", messages.ResponseFinal, "a whole answer"),
    Subject(
        f"{names.LLM_RESPONSE}.<session>.{names.DELTA}", "mind", messages.ResponseDelta, "a piece of an answer", False
    ),
    Subject(f"{names.AUTOMATION_RESULT}.<key>", "executor", messages.Result, "the one end of a message"),
    Subject(f"{names.DEAD_SUBJECTS}.<subject>", "any stage", None, "dead letters of a subject"),
)
