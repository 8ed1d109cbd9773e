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
    """Channels."""


@message("audio.wake_word")
class WakeWordData:
    """The wake word that was heard before an utterance."""

    name: str
    """The wake word, such as okay_nabu."""
    score: float | None = None
    """Certainty of the detector, from 0 to 1."""


@message("voice.audio_meta")
class AudioMeta:
    """An utterance that a device recorded: its audio by pointer or inline, without the wake word."""

    uri: str | None = None
    """redis:, http:, https: or file: URI of the samples; or `inline`."""
    inline: str | None = field(default=None, metadata={MAX_LENGTH: MAX_AUDIO_META_BYTES})
    """Base64 of at most 480 KiB."""
    sha256: str | None = None
    """Hash of the samples, in hexadecimal; audio with another one is refused."""
    fmt: AudioFormatData = field(default_factory=AudioFormatData)
    """Format of the samples; a WAV file says it by itself."""
    age: float | None = None
    """Seconds between the recording and this sending, by the device's own clock, which may be wrong."""
    clock_agrees: bool = False
    """Whether the device's clock agreed with the bridge's at the last receipt: then `ts` counts beside `age`."""
    duration_ms: float | None = None
    """Length of the audio, in milliseconds."""
    wake: WakeWordData | None = None
    """The wake word before it, if the device heard one."""
    area: str | None = None
    """Room of the device."""
    language: str | None = None
    """Language of the speaker, such as en."""


@message("voice.wake")
class WakeHeard:
    """A device heard a wake word."""

    model: str
    """The wake word, such as okay_nabu."""
    score: float | None = None
    """Certainty of the detector, from 0 to 1."""
    ts_audio: float | None = None
    """Time of the wake word, in seconds since the epoch."""


@message("voice.status")
class DeviceStatus:
    """State of a device; retained, and `offline` by its last will."""

    state: Literal["online", "offline"]
    """Whether the device is connected."""
    version: str | None = None
    """Version of its program."""
    mic: str | None = None
    """Its microphone, for people."""
    outbox: int | None = None
    """Utterances for which the device has no receipt yet."""
    rssi: int | None = None
    """Strength of its radio signal, in dBm."""


@message("voice.receipt")
class Receipt:
    """The bridge has stored an utterance, or never will: the device may delete it."""

    result: Literal["stored", "duplicate", "rejected"]
    """Stored now, stored before, or refused for good."""
    reason: str | None = None
    """Why it was refused."""


@message("voice.speech")
class SpeechData:
    """A piece of a sentence's audio. The pieces of one sentence have its key and come in order."""

    inline: str
    """Base64 of at most 64 KiB of whole samples."""
    fmt: AudioFormatData = field(default_factory=AudioFormatData)
    """Format of the samples."""
    number: int = 0
    """Number of the piece, from 0."""
    is_last: bool = True
    """Whether no other piece follows."""


@message("voice.say")
class Say:
    """A sentence for the people near a device, perhaps with its audio; longer audio comes in further messages."""

    text: str
    """The sentence; empty in all messages but the first of it."""
    priority: Literal["answer", "failure"] = "answer"
    """An answer, or the news that something has failed."""
    language: str | None = None
    """Language of the sentence."""
    audio: SpeechData | None = None
    """Audio of the sentence, or a piece of it."""


@message("audio.raw")
class RawAudio:
    """An utterance that was accepted."""

    uri: str
    """URI of the audio; empty in events, which anybody may read."""
    device_id: str
    """The device that recorded it."""
    fmt: AudioFormatData = field(default_factory=AudioFormatData)
    """Format of the samples."""
    sha256: str | None = None
    """Hash of the samples, in hexadecimal."""
    wake: WakeWordData | None = None
    """The wake word before it, if the device heard one."""
    area: str | None = None
    """Room of the device."""
    language: str | None = None
    """Language of the speaker."""


@message("audio.classified")
class ClassifiedAudio:
    """What an utterance is."""

    audio: RawAudio
    """The utterance."""
    category: Literal["speech", "noise", "silence"]
    """What it is."""
    speech_ms: float
    """Speech in it, in milliseconds."""
    wake: str | None = None
    """The wake word in the audio, if the wake daemon heard one."""
    text: str | None = None
    """The sentence, if the grammar engine is sure of it."""


@message("audio.incoming")
class AsrJob:
    """Audio to be transcribed."""

    audio: RawAudio
    """The utterance."""


@message("audio.transcribed")
class TranscribedAudio:
    """What was said."""

    text: str
    """The words; empty if there were none."""
    device_id: str
    """The device that recorded it."""
    area: str | None = None
    """Room of the device."""
    language: str | None = None
    """Language of the words."""
    asr_ms: float | None = None
    """Time that the transcription took, in milliseconds."""


@message("voice.intent")
class VoiceIntent:
    """A command: what to do, with which entities."""

    intent: str
    """Home Assistant's name of the intent, such as HassTurnOn; or a plugin and its intent, such as calendar.AddEvent."""
    entities: tuple[str, ...] = ()
    """IDs of the entities to act on; empty if the executor is to find them by `args`."""
    args: dict[str, Any] = field(default_factory=dict)
    """Slots of the intent, such as name, area and brightness."""
    text: str | None = None
    """The sentence."""
    language: str | None = None
    """Language of the sentence and of the answer."""
    device_id: str | None = None
    """The device that heard it."""
    area: str | None = None
    """Room of that device."""
    expires: float | None = None
    """Seconds since the epoch; after that it must not be executed."""
    reply: str | None = None
    """Subject on which the result is published."""
    others: tuple[dict[str, Any], ...] = ()
    """Further intents of the same sentence: `intent` and `args` of each."""


@message("automation.result")
class Result:
    """The one end of a message."""

    outcome: Outcome
    """How it ended."""
    ok: bool
    """Whether what was wanted is done."""
    message: str | None = None
    """A sentence to speak."""
    device_id: str | None = None
    """The device that waits for the sentence."""
    language: str | None = None
    """Language of the sentence."""
    detail: str | None = None
    """The reason, for operators."""


@message("cameras.motion")
class CameraMotion:
    """Motion that an edge camera saw; boxes are parts of the frame: left, top, right, bottom from 0 to 1."""

    boxes: tuple[tuple[float, ...], ...] = ()
    """Where it moves."""
    score: float = 0.0
    """Certainty, from 0 to 1."""
    label: str = "motion"
    """motion, person, large_moving_object, or what a detector calls it."""
    frame: str | None = None
    """URI of the frame."""


@message("vision.frame")
class Frame:
    """A frame of an edge camera that was looked at, or is to be looked at."""

    camera: str
    """ID of the camera."""
    frame: str
    """URI of the JPEG."""
    label: str | None = None
    """What is in it."""
    score: float = 0.0
    """Certainty, from 0 to 1."""
    boxes: tuple[tuple[float, ...], ...] = ()
    """Where it is: left, top, right, bottom from 0 to 1."""


@message("vision.zones")
class Zones:
    """Zones of an object: where it is, where it was, and where it has just arrived."""

    current: tuple[str, ...] = ()
    """Where it is now."""
    entered: tuple[str, ...] = ()
    """All zones in which it has been."""
    new: tuple[str, ...] = ()
    """Zones in which it has just arrived."""


@message("vision.event")
class VisionEvent:
    """Something that a camera saw: begin, change or end."""

    event_id: str
    """ID of the object, the same from its begin to its end."""
    instance: str
    """Name of the Frigate, or of the edge classifier."""
    camera: str
    """ID of the camera."""
    label: str
    """What it is, such as person or car."""
    phase: Literal["new", "update", "end"]
    """Begin, change or end."""
    sub_label: str | None = None
    """Who or what exactly, such as a known face."""
    plate: str | None = None
    """Number plate."""
    zones: Zones = field(default_factory=Zones)
    """Zones of the object."""
    score: float | None = None
    """Certainty now, from 0 to 1."""
    top_score: float | None = None
    """Highest certainty so far."""
    box: tuple[float, ...] = ()
    """Left, top, right, bottom, from 0 to 1 when the size of the frame is known, else in pixels."""
    stationary: bool = False
    """Whether it does not move."""
    start: float | None = None
    """Time at which it appeared, in seconds since the epoch."""
    end: float | None = None
    """Time at which it went."""
    severity: Literal["alert", "detection"] | None = None
    """Frigate's severity of its review."""
    description: str | None = None
    """Frigate's description, by a language model."""
    carrier: str | None = None
    """Company of a delivery vehicle."""
    state: str | None = None
    """State of a classified thing, such as a door that is open."""
    snapshot_url: str | None = None
    """URL of its picture at Frigate's API."""
    repeat: bool = False
    """The same kind of object was reported here shortly before."""
    late: bool = False
    """Learned from Frigate's HTTP API, after the message was lost."""


@message("llm.prompt")
class ModelPrompt:
    """A request to a language model."""

    text: str
    """The request."""
    session: str
    """Names the subject of the answer; hard to guess, as whoever knows it can listen."""
    origin: Literal["voice", "web", "ha", "script"] = "script"
    """Where it comes from."""
    area: str | None = None
    """Room of the speaker."""
    language: str | None = None
    """Language of the request and of the answer."""
    device_id: str | None = None
    """The device that waits for the answer."""
    allow_cloud: bool = False
    """Whether a model in a cloud may read it."""
    allow_tools: bool = True
    """Whether it may act."""


@message("llm.job")
class ModelJob:
    """A routed request."""

    prompt: ModelPrompt
    """The request."""
    route: str
    """One of automation, media, chat.small, chat.large and tools."""
    confidence: float
    """Certainty of the route, from 0 to 1."""
    reasons: tuple[str, ...] = ()
    """Why this route."""
    allow_tools: bool = True
    """Whether the model may act."""


@message("llm.delta")
class ResponseDelta:
    """A piece of an answer; one that is lost is in the final answer."""

    seq: int
    """Number of the piece, from 0."""
    text: str
    """The piece."""


@message("llm.final")
class ResponseFinal:
    """The whole answer."""

    text: str
    """The answer."""
    ok: bool
    """Whether it is one."""
    route: str
    """The route that it took."""
    reasons: tuple[str, ...] = ()
    """Why this route."""
    error: str | None = None
    """Code of the failure: blocked, expired, interrupted, unreachable, or that of the daemon."""
