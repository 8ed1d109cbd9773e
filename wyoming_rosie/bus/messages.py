"""Messages of the bus: the `data` of each schema, version 1. `docs/bus.md` lists them; `scripts/bus-docs` writes it."""

from dataclasses import field
from typing import Any, Literal, TypeAlias

from wyoming_rosie.bus.schema import MAX_LENGTH, message

Outcome: TypeAlias = Literal["done", "failed", "dropped", "expired", "dead"]
MAX_INLINE_BYTES = 491_520
"""Audio in an utterance: 15.36 s of 16 kHz, 16-bit, mono."""
MAX_AUDIO_META_BYTES = 4 * MAX_INLINE_BYTES // 3 + 65_536
"""Payload of an utterance: base64 makes four bytes of three. A broker's limit must be more than this: NATS has 1 MiB."""
MAX_SPEECH_BYTES = 65_536
"""Audio in one message of an answer."""


@message("audio.format")
class AudioFormatData:
    """Format of PCM."""

    rate: int = 16_000
    """Hz."""
    width: int = 2
    """Bytes per sample."""
    channels: int = 1


@message("audio.wake_word")
class WakeWordData:
    """The wake word that was heard before an utterance."""

    name: str
    score: float | None = None


@message("voice.audio_meta")
class AudioMeta:
    """An utterance that a device recorded: its audio by pointer or inline, without the wake word."""

    uri: str | None = None
    """redis:, http:, https: or file: URI of the samples; or `inline`."""
    inline: str | None = field(default=None, metadata={MAX_LENGTH: MAX_AUDIO_META_BYTES})
    """Base64 of at most 480 KiB."""
    sha256: str | None = None
    fmt: AudioFormatData = field(default_factory=AudioFormatData)
    age: float | None = None
    """Seconds between the recording and this sending, by the device's own clock, which may be wrong."""
    duration_ms: float | None = None
    wake: WakeWordData | None = None
    area: str | None = None
    language: str | None = None


@message("voice.wake")
class WakeHeard:
    """A device heard a wake word."""

    model: str
    score: float | None = None
    ts_audio: float | None = None


@message("voice.status")
class DeviceStatus:
    """State of a device; retained, and `offline` by its last will."""

    state: Literal["online", "offline"]
    version: str | None = None
    mic: str | None = None
    outbox: int | None = None
    """Utterances for which the device has no receipt yet."""
    rssi: int | None = None


@message("voice.receipt")
class Receipt:
    """The bridge has stored an utterance, or never will: the device may delete it."""

    result: Literal["stored", "duplicate", "rejected"]
    reason: str | None = None


@message("voice.speech")
class SpeechData:
    """A piece of a sentence's audio. The pieces of one sentence have its key and come in order."""

    inline: str
    """Base64 of at most 64 KiB of whole samples."""
    fmt: AudioFormatData = field(default_factory=AudioFormatData)
    number: int = 0
    is_last: bool = True


@message("voice.say")
class Say:
    """A sentence for the people near a device, perhaps with its audio; longer audio comes in further messages."""

    text: str
    """Empty in all messages but the first of a sentence."""
    priority: Literal["answer", "failure"] = "answer"
    language: str | None = None
    audio: SpeechData | None = None


@message("audio.raw")
class RawAudio:
    """An utterance that was accepted."""

    uri: str
    device_id: str
    fmt: AudioFormatData = field(default_factory=AudioFormatData)
    sha256: str | None = None
    wake: WakeWordData | None = None
    area: str | None = None
    language: str | None = None


@message("audio.classified")
class ClassifiedAudio:
    """What an utterance is."""

    audio: RawAudio
    category: Literal["speech", "noise", "silence"]
    speech_ms: float
    wake: str | None = None
    """The wake word in the audio, if the wake daemon heard one."""
    text: str | None = None
    """The sentence, if the grammar engine is sure of it."""


@message("audio.incoming")
class AsrJob:
    """Audio to be transcribed."""

    audio: RawAudio


@message("audio.transcribed")
class TranscribedAudio:
    """What was said."""

    text: str
    device_id: str
    area: str | None = None
    language: str | None = None
    asr_ms: float | None = None


@message("voice.intent")
class VoiceIntent:
    """A command: what to do, with which entities."""

    intent: str
    entities: tuple[str, ...] = ()
    args: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    language: str | None = None
    device_id: str | None = None
    area: str | None = None
    expires: float | None = None
    """Seconds since the epoch; after that it must not be executed."""
    reply: str | None = None
    """Subject for the result, from a publisher that waits for it."""
    others: tuple[dict[str, Any], ...] = ()
    """Further intents of the same sentence: `intent` and `args` of each."""


@message("automation.result")
class Result:
    """The one end of a message."""

    outcome: Outcome
    ok: bool
    message: str | None = None
    """A sentence to speak."""
    device_id: str | None = None
    language: str | None = None
    detail: str | None = None


@message("cameras.motion")
class CameraMotion:
    """Motion that an edge camera saw; boxes are parts of the frame: left, top, right, bottom from 0 to 1."""

    boxes: tuple[tuple[float, ...], ...] = ()
    score: float = 0.0
    label: str = "motion"
    """motion, person, large_moving_object, or what a detector calls it."""
    frame: str | None = None
    """URI of the frame."""


@message("vision.frame")
class Frame:
    """A frame of an edge camera that was looked at, or is to be looked at."""

    camera: str
    frame: str
    """URI of the JPEG."""
    label: str | None = None
    score: float = 0.0
    boxes: tuple[tuple[float, ...], ...] = ()


@message("vision.zones")
class Zones:
    """Zones of an object: where it is, where it was, and where it has just arrived."""

    current: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


@message("vision.event")
class VisionEvent:
    """Something that a camera saw: begin, change or end."""

    event_id: str
    instance: str
    camera: str
    label: str
    phase: Literal["new", "update", "end"]
    sub_label: str | None = None
    plate: str | None = None
    zones: Zones = field(default_factory=Zones)
    score: float | None = None
    top_score: float | None = None
    box: tuple[float, ...] = ()
    """Left, top, right, bottom, from 0 to 1 when the size of the frame is known, else in pixels."""
    stationary: bool = False
    start: float | None = None
    end: float | None = None
    severity: Literal["alert", "detection"] | None = None
    description: str | None = None
    carrier: str | None = None
    """Company of a delivery vehicle."""
    state: str | None = None
    """State of a classified thing, such as a door that is open."""
    snapshot_url: str | None = None
    repeat: bool = False
    """The same kind of object was reported here shortly before."""
    late: bool = False
    """Learned from Frigate's HTTP API, after the message was lost."""


@message("llm.prompt")
class Prompt:
    """A request to a language model."""

    text: str
    session: str
    origin: Literal["voice", "web", "ha", "script"] = "script"
    area: str | None = None
    language: str | None = None
    device_id: str | None = None
    allow_cloud: bool = False
    allow_tools: bool = True


@message("llm.job")
class ModelJob:
    """A routed request."""

    prompt: Prompt
    route: str
    confidence: float
    reasons: tuple[str, ...] = ()
    allow_tools: bool = True


@message("llm.delta")
class ResponseDelta:
    """A piece of an answer; one that is lost is in the final answer."""

    seq: int
    text: str


@message("llm.final")
class ResponseFinal:
    """The whole answer."""

    text: str
    ok: bool
    route: str
    reasons: tuple[str, ...] = ()
    error: str | None = None
    """Code of the failure: blocked, expired, interrupted, unreachable, or that of the daemon."""
