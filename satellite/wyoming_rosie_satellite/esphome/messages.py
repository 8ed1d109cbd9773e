"""Messages of ESPHome's API: their types on the wire, and the voice assistant's features."""

from enum import IntFlag

from google.protobuf.message import DecodeError, Message

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.framing import ApiFrame

API_VERSION = (1, 10)
"""The first one whose media player and voice assistant have all features used here; a newer one promises more messages."""
TYPES: dict[int, type[Message]] = {
    1: api.HelloRequest,
    2: api.HelloResponse,
    3: api.AuthenticationRequest,
    4: api.AuthenticationResponse,
    5: api.DisconnectRequest,
    6: api.DisconnectResponse,
    7: api.PingRequest,
    8: api.PingResponse,
    9: api.DeviceInfoRequest,
    10: api.DeviceInfoResponse,
    11: api.ListEntitiesRequest,
    15: api.ListEntitiesLightResponse,
    17: api.ListEntitiesSwitchResponse,
    19: api.ListEntitiesDoneResponse,
    20: api.SubscribeStatesRequest,
    24: api.LightStateResponse,
    26: api.SwitchStateResponse,
    32: api.LightCommandRequest,
    33: api.SwitchCommandRequest,
    63: api.ListEntitiesMediaPlayerResponse,
    64: api.MediaPlayerStateResponse,
    65: api.MediaPlayerCommandRequest,
    89: api.SubscribeVoiceAssistantRequest,
    90: api.VoiceAssistantRequest,
    91: api.VoiceAssistantResponse,
    92: api.VoiceAssistantEventResponse,
    106: api.VoiceAssistantAudio,
    115: api.VoiceAssistantTimerEventResponse,
    119: api.VoiceAssistantAnnounceRequest,
    120: api.VoiceAssistantAnnounceFinished,
    121: api.VoiceAssistantConfigurationRequest,
    122: api.VoiceAssistantConfigurationResponse,
    123: api.VoiceAssistantSetConfiguration,
    124: api.NoiseEncryptionSetKeyRequest,
    125: api.NoiseEncryptionSetKeyResponse,
}
_NUMBERS = {kind: number for number, kind in TYPES.items()}


class VoiceFeature(IntFlag):
    """What the voice assistant of a device can do. Without SPEAKER, Home Assistant gives the URL of an answer."""

    VOICE_ASSISTANT = 1
    API_AUDIO = 4
    TIMERS = 8
    ANNOUNCE = 16
    START_CONVERSATION = 32


FEATURES = (
    VoiceFeature.VOICE_ASSISTANT
    | VoiceFeature.API_AUDIO
    | VoiceFeature.TIMERS
    | VoiceFeature.ANNOUNCE
    | VoiceFeature.START_CONVERSATION
)
USE_VAD = 1
"""Flag of a run whose end Home Assistant finds."""


def parse_frame(frame: ApiFrame) -> Message | None:
    """Return a frame's message, None for a type that is not known here. Raises BadEventError."""
    kind = TYPES.get(frame.type)
    if kind is None:
        return None
    message = kind()
    try:
        message.ParseFromString(frame.payload)
    except DecodeError as err:
        raise BadEventError(f"a message of the type {frame.type} cannot be read", "bad-message") from err
    return message


def create_frame(message: Message) -> ApiFrame:
    """Return a message as a frame."""
    return ApiFrame(_NUMBERS[type(message)], message.SerializeToString())
