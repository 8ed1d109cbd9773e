from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntityCategory(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTITY_CATEGORY_NONE: _ClassVar[EntityCategory]
    ENTITY_CATEGORY_CONFIG: _ClassVar[EntityCategory]

class ColorMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLOR_MODE_UNKNOWN: _ClassVar[ColorMode]
    COLOR_MODE_BRIGHTNESS: _ClassVar[ColorMode]

class MediaPlayerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_PLAYER_STATE_NONE: _ClassVar[MediaPlayerState]
    MEDIA_PLAYER_STATE_IDLE: _ClassVar[MediaPlayerState]
    MEDIA_PLAYER_STATE_PLAYING: _ClassVar[MediaPlayerState]
    MEDIA_PLAYER_STATE_PAUSED: _ClassVar[MediaPlayerState]

class MediaPlayerCommand(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_PLAYER_COMMAND_PLAY: _ClassVar[MediaPlayerCommand]
    MEDIA_PLAYER_COMMAND_PAUSE: _ClassVar[MediaPlayerCommand]
    MEDIA_PLAYER_COMMAND_STOP: _ClassVar[MediaPlayerCommand]
    MEDIA_PLAYER_COMMAND_MUTE: _ClassVar[MediaPlayerCommand]
    MEDIA_PLAYER_COMMAND_UNMUTE: _ClassVar[MediaPlayerCommand]
    MEDIA_PLAYER_COMMAND_TOGGLE: _ClassVar[MediaPlayerCommand]
    MEDIA_PLAYER_COMMAND_VOLUME_UP: _ClassVar[MediaPlayerCommand]
    MEDIA_PLAYER_COMMAND_VOLUME_DOWN: _ClassVar[MediaPlayerCommand]

class MediaPlayerFormatPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_PLAYER_FORMAT_PURPOSE_DEFAULT: _ClassVar[MediaPlayerFormatPurpose]
    MEDIA_PLAYER_FORMAT_PURPOSE_ANNOUNCEMENT: _ClassVar[MediaPlayerFormatPurpose]

class VoiceAssistantEvent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VOICE_ASSISTANT_ERROR: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_RUN_START: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_RUN_END: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_STT_START: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_STT_END: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_INTENT_START: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_INTENT_END: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_TTS_START: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_TTS_END: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_STT_VAD_START: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_STT_VAD_END: _ClassVar[VoiceAssistantEvent]
    VOICE_ASSISTANT_INTENT_PROGRESS: _ClassVar[VoiceAssistantEvent]

class VoiceAssistantTimerEvent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VOICE_ASSISTANT_TIMER_STARTED: _ClassVar[VoiceAssistantTimerEvent]
    VOICE_ASSISTANT_TIMER_UPDATED: _ClassVar[VoiceAssistantTimerEvent]
    VOICE_ASSISTANT_TIMER_CANCELLED: _ClassVar[VoiceAssistantTimerEvent]
    VOICE_ASSISTANT_TIMER_FINISHED: _ClassVar[VoiceAssistantTimerEvent]
ENTITY_CATEGORY_NONE: EntityCategory
ENTITY_CATEGORY_CONFIG: EntityCategory
COLOR_MODE_UNKNOWN: ColorMode
COLOR_MODE_BRIGHTNESS: ColorMode
MEDIA_PLAYER_STATE_NONE: MediaPlayerState
MEDIA_PLAYER_STATE_IDLE: MediaPlayerState
MEDIA_PLAYER_STATE_PLAYING: MediaPlayerState
MEDIA_PLAYER_STATE_PAUSED: MediaPlayerState
MEDIA_PLAYER_COMMAND_PLAY: MediaPlayerCommand
MEDIA_PLAYER_COMMAND_PAUSE: MediaPlayerCommand
MEDIA_PLAYER_COMMAND_STOP: MediaPlayerCommand
MEDIA_PLAYER_COMMAND_MUTE: MediaPlayerCommand
MEDIA_PLAYER_COMMAND_UNMUTE: MediaPlayerCommand
MEDIA_PLAYER_COMMAND_TOGGLE: MediaPlayerCommand
MEDIA_PLAYER_COMMAND_VOLUME_UP: MediaPlayerCommand
MEDIA_PLAYER_COMMAND_VOLUME_DOWN: MediaPlayerCommand
MEDIA_PLAYER_FORMAT_PURPOSE_DEFAULT: MediaPlayerFormatPurpose
MEDIA_PLAYER_FORMAT_PURPOSE_ANNOUNCEMENT: MediaPlayerFormatPurpose
VOICE_ASSISTANT_ERROR: VoiceAssistantEvent
VOICE_ASSISTANT_RUN_START: VoiceAssistantEvent
VOICE_ASSISTANT_RUN_END: VoiceAssistantEvent
VOICE_ASSISTANT_STT_START: VoiceAssistantEvent
VOICE_ASSISTANT_STT_END: VoiceAssistantEvent
VOICE_ASSISTANT_INTENT_START: VoiceAssistantEvent
VOICE_ASSISTANT_INTENT_END: VoiceAssistantEvent
VOICE_ASSISTANT_TTS_START: VoiceAssistantEvent
VOICE_ASSISTANT_TTS_END: VoiceAssistantEvent
VOICE_ASSISTANT_STT_VAD_START: VoiceAssistantEvent
VOICE_ASSISTANT_STT_VAD_END: VoiceAssistantEvent
VOICE_ASSISTANT_INTENT_PROGRESS: VoiceAssistantEvent
VOICE_ASSISTANT_TIMER_STARTED: VoiceAssistantTimerEvent
VOICE_ASSISTANT_TIMER_UPDATED: VoiceAssistantTimerEvent
VOICE_ASSISTANT_TIMER_CANCELLED: VoiceAssistantTimerEvent
VOICE_ASSISTANT_TIMER_FINISHED: VoiceAssistantTimerEvent

class HelloRequest(_message.Message):
    __slots__ = ("client_info", "api_version_major", "api_version_minor")
    CLIENT_INFO_FIELD_NUMBER: _ClassVar[int]
    API_VERSION_MAJOR_FIELD_NUMBER: _ClassVar[int]
    API_VERSION_MINOR_FIELD_NUMBER: _ClassVar[int]
    client_info: str
    api_version_major: int
    api_version_minor: int
    def __init__(self, client_info: _Optional[str] = ..., api_version_major: _Optional[int] = ..., api_version_minor: _Optional[int] = ...) -> None: ...

class HelloResponse(_message.Message):
    __slots__ = ("api_version_major", "api_version_minor", "server_info", "name")
    API_VERSION_MAJOR_FIELD_NUMBER: _ClassVar[int]
    API_VERSION_MINOR_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    api_version_major: int
    api_version_minor: int
    server_info: str
    name: str
    def __init__(self, api_version_major: _Optional[int] = ..., api_version_minor: _Optional[int] = ..., server_info: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class AuthenticationRequest(_message.Message):
    __slots__ = ("password",)
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    password: str
    def __init__(self, password: _Optional[str] = ...) -> None: ...

class AuthenticationResponse(_message.Message):
    __slots__ = ("invalid_password",)
    INVALID_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    invalid_password: bool
    def __init__(self, invalid_password: bool = ...) -> None: ...

class DisconnectRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DisconnectResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PingRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class NoiseEncryptionSetKeyRequest(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    def __init__(self, key: _Optional[bytes] = ...) -> None: ...

class NoiseEncryptionSetKeyResponse(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    def __init__(self, success: bool = ...) -> None: ...

class DeviceInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeviceInfoResponse(_message.Message):
    __slots__ = ("name", "mac_address", "esphome_version", "model", "project_name", "project_version", "manufacturer", "friendly_name", "suggested_area", "voice_assistant_feature_flags", "api_encryption_supported", "api_encryption_provisionable")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MAC_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ESPHOME_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROJECT_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_VERSION_FIELD_NUMBER: _ClassVar[int]
    MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    FRIENDLY_NAME_FIELD_NUMBER: _ClassVar[int]
    SUGGESTED_AREA_FIELD_NUMBER: _ClassVar[int]
    VOICE_ASSISTANT_FEATURE_FLAGS_FIELD_NUMBER: _ClassVar[int]
    API_ENCRYPTION_SUPPORTED_FIELD_NUMBER: _ClassVar[int]
    API_ENCRYPTION_PROVISIONABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    mac_address: str
    esphome_version: str
    model: str
    project_name: str
    project_version: str
    manufacturer: str
    friendly_name: str
    suggested_area: str
    voice_assistant_feature_flags: int
    api_encryption_supported: bool
    api_encryption_provisionable: bool
    def __init__(self, name: _Optional[str] = ..., mac_address: _Optional[str] = ..., esphome_version: _Optional[str] = ..., model: _Optional[str] = ..., project_name: _Optional[str] = ..., project_version: _Optional[str] = ..., manufacturer: _Optional[str] = ..., friendly_name: _Optional[str] = ..., suggested_area: _Optional[str] = ..., voice_assistant_feature_flags: _Optional[int] = ..., api_encryption_supported: bool = ..., api_encryption_provisionable: bool = ...) -> None: ...

class ListEntitiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListEntitiesDoneResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SubscribeStatesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListEntitiesSwitchResponse(_message.Message):
    __slots__ = ("object_id", "key", "name", "icon", "entity_category")
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ICON_FIELD_NUMBER: _ClassVar[int]
    ENTITY_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    object_id: str
    key: int
    name: str
    icon: str
    entity_category: EntityCategory
    def __init__(self, object_id: _Optional[str] = ..., key: _Optional[int] = ..., name: _Optional[str] = ..., icon: _Optional[str] = ..., entity_category: _Optional[_Union[EntityCategory, str]] = ...) -> None: ...

class SwitchStateResponse(_message.Message):
    __slots__ = ("key", "state")
    KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    key: int
    state: bool
    def __init__(self, key: _Optional[int] = ..., state: bool = ...) -> None: ...

class SwitchCommandRequest(_message.Message):
    __slots__ = ("key", "state")
    KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    key: int
    state: bool
    def __init__(self, key: _Optional[int] = ..., state: bool = ...) -> None: ...

class ListEntitiesLightResponse(_message.Message):
    __slots__ = ("object_id", "key", "name", "legacy_supports_brightness", "supported_color_modes", "icon", "entity_category")
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LEGACY_SUPPORTS_BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_COLOR_MODES_FIELD_NUMBER: _ClassVar[int]
    ICON_FIELD_NUMBER: _ClassVar[int]
    ENTITY_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    object_id: str
    key: int
    name: str
    legacy_supports_brightness: bool
    supported_color_modes: _containers.RepeatedScalarFieldContainer[ColorMode]
    icon: str
    entity_category: EntityCategory
    def __init__(self, object_id: _Optional[str] = ..., key: _Optional[int] = ..., name: _Optional[str] = ..., legacy_supports_brightness: bool = ..., supported_color_modes: _Optional[_Iterable[_Union[ColorMode, str]]] = ..., icon: _Optional[str] = ..., entity_category: _Optional[_Union[EntityCategory, str]] = ...) -> None: ...

class LightStateResponse(_message.Message):
    __slots__ = ("key", "state", "brightness", "color_mode")
    KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    COLOR_MODE_FIELD_NUMBER: _ClassVar[int]
    key: int
    state: bool
    brightness: float
    color_mode: ColorMode
    def __init__(self, key: _Optional[int] = ..., state: bool = ..., brightness: _Optional[float] = ..., color_mode: _Optional[_Union[ColorMode, str]] = ...) -> None: ...

class LightCommandRequest(_message.Message):
    __slots__ = ("key", "has_state", "state", "has_brightness", "brightness")
    KEY_FIELD_NUMBER: _ClassVar[int]
    HAS_STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HAS_BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    key: int
    has_state: bool
    state: bool
    has_brightness: bool
    brightness: float
    def __init__(self, key: _Optional[int] = ..., has_state: bool = ..., state: bool = ..., has_brightness: bool = ..., brightness: _Optional[float] = ...) -> None: ...

class MediaPlayerSupportedFormat(_message.Message):
    __slots__ = ("format", "sample_rate", "num_channels", "purpose", "sample_bytes")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    NUM_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    format: str
    sample_rate: int
    num_channels: int
    purpose: MediaPlayerFormatPurpose
    sample_bytes: int
    def __init__(self, format: _Optional[str] = ..., sample_rate: _Optional[int] = ..., num_channels: _Optional[int] = ..., purpose: _Optional[_Union[MediaPlayerFormatPurpose, str]] = ..., sample_bytes: _Optional[int] = ...) -> None: ...

class ListEntitiesMediaPlayerResponse(_message.Message):
    __slots__ = ("object_id", "key", "name", "icon", "supports_pause", "supported_formats", "feature_flags")
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ICON_FIELD_NUMBER: _ClassVar[int]
    SUPPORTS_PAUSE_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_FORMATS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FLAGS_FIELD_NUMBER: _ClassVar[int]
    object_id: str
    key: int
    name: str
    icon: str
    supports_pause: bool
    supported_formats: _containers.RepeatedCompositeFieldContainer[MediaPlayerSupportedFormat]
    feature_flags: int
    def __init__(self, object_id: _Optional[str] = ..., key: _Optional[int] = ..., name: _Optional[str] = ..., icon: _Optional[str] = ..., supports_pause: bool = ..., supported_formats: _Optional[_Iterable[_Union[MediaPlayerSupportedFormat, _Mapping]]] = ..., feature_flags: _Optional[int] = ...) -> None: ...

class MediaPlayerStateResponse(_message.Message):
    __slots__ = ("key", "state", "volume", "muted")
    KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    key: int
    state: MediaPlayerState
    volume: float
    muted: bool
    def __init__(self, key: _Optional[int] = ..., state: _Optional[_Union[MediaPlayerState, str]] = ..., volume: _Optional[float] = ..., muted: bool = ...) -> None: ...

class MediaPlayerCommandRequest(_message.Message):
    __slots__ = ("key", "has_command", "command", "has_volume", "volume", "has_media_url", "media_url", "has_announcement", "announcement")
    KEY_FIELD_NUMBER: _ClassVar[int]
    HAS_COMMAND_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    HAS_VOLUME_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    HAS_MEDIA_URL_FIELD_NUMBER: _ClassVar[int]
    MEDIA_URL_FIELD_NUMBER: _ClassVar[int]
    HAS_ANNOUNCEMENT_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCEMENT_FIELD_NUMBER: _ClassVar[int]
    key: int
    has_command: bool
    command: MediaPlayerCommand
    has_volume: bool
    volume: float
    has_media_url: bool
    media_url: str
    has_announcement: bool
    announcement: bool
    def __init__(self, key: _Optional[int] = ..., has_command: bool = ..., command: _Optional[_Union[MediaPlayerCommand, str]] = ..., has_volume: bool = ..., volume: _Optional[float] = ..., has_media_url: bool = ..., media_url: _Optional[str] = ..., has_announcement: bool = ..., announcement: bool = ...) -> None: ...

class SubscribeVoiceAssistantRequest(_message.Message):
    __slots__ = ("subscribe", "flags")
    SUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    subscribe: bool
    flags: int
    def __init__(self, subscribe: bool = ..., flags: _Optional[int] = ...) -> None: ...

class VoiceAssistantAudioSettings(_message.Message):
    __slots__ = ("noise_suppression_level", "auto_gain", "volume_multiplier")
    NOISE_SUPPRESSION_LEVEL_FIELD_NUMBER: _ClassVar[int]
    AUTO_GAIN_FIELD_NUMBER: _ClassVar[int]
    VOLUME_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    noise_suppression_level: int
    auto_gain: int
    volume_multiplier: float
    def __init__(self, noise_suppression_level: _Optional[int] = ..., auto_gain: _Optional[int] = ..., volume_multiplier: _Optional[float] = ...) -> None: ...

class VoiceAssistantRequest(_message.Message):
    __slots__ = ("start", "conversation_id", "flags", "audio_settings", "wake_word_phrase")
    START_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    WAKE_WORD_PHRASE_FIELD_NUMBER: _ClassVar[int]
    start: bool
    conversation_id: str
    flags: int
    audio_settings: VoiceAssistantAudioSettings
    wake_word_phrase: str
    def __init__(self, start: bool = ..., conversation_id: _Optional[str] = ..., flags: _Optional[int] = ..., audio_settings: _Optional[_Union[VoiceAssistantAudioSettings, _Mapping]] = ..., wake_word_phrase: _Optional[str] = ...) -> None: ...

class VoiceAssistantResponse(_message.Message):
    __slots__ = ("port", "error")
    PORT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    port: int
    error: bool
    def __init__(self, port: _Optional[int] = ..., error: bool = ...) -> None: ...

class VoiceAssistantEventData(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class VoiceAssistantEventResponse(_message.Message):
    __slots__ = ("event_type", "data")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    event_type: VoiceAssistantEvent
    data: _containers.RepeatedCompositeFieldContainer[VoiceAssistantEventData]
    def __init__(self, event_type: _Optional[_Union[VoiceAssistantEvent, str]] = ..., data: _Optional[_Iterable[_Union[VoiceAssistantEventData, _Mapping]]] = ...) -> None: ...

class VoiceAssistantAudio(_message.Message):
    __slots__ = ("data", "end")
    DATA_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    end: bool
    def __init__(self, data: _Optional[bytes] = ..., end: bool = ...) -> None: ...

class VoiceAssistantTimerEventResponse(_message.Message):
    __slots__ = ("event_type", "timer_id", "name", "total_seconds", "seconds_left", "is_active")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIMER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_LEFT_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    event_type: VoiceAssistantTimerEvent
    timer_id: str
    name: str
    total_seconds: int
    seconds_left: int
    is_active: bool
    def __init__(self, event_type: _Optional[_Union[VoiceAssistantTimerEvent, str]] = ..., timer_id: _Optional[str] = ..., name: _Optional[str] = ..., total_seconds: _Optional[int] = ..., seconds_left: _Optional[int] = ..., is_active: bool = ...) -> None: ...

class VoiceAssistantAnnounceRequest(_message.Message):
    __slots__ = ("media_id", "text", "preannounce_media_id", "start_conversation")
    MEDIA_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PREANNOUNCE_MEDIA_ID_FIELD_NUMBER: _ClassVar[int]
    START_CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    media_id: str
    text: str
    preannounce_media_id: str
    start_conversation: bool
    def __init__(self, media_id: _Optional[str] = ..., text: _Optional[str] = ..., preannounce_media_id: _Optional[str] = ..., start_conversation: bool = ...) -> None: ...

class VoiceAssistantAnnounceFinished(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    def __init__(self, success: bool = ...) -> None: ...

class VoiceAssistantWakeWord(_message.Message):
    __slots__ = ("id", "wake_word", "trained_languages")
    ID_FIELD_NUMBER: _ClassVar[int]
    WAKE_WORD_FIELD_NUMBER: _ClassVar[int]
    TRAINED_LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    id: str
    wake_word: str
    trained_languages: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., wake_word: _Optional[str] = ..., trained_languages: _Optional[_Iterable[str]] = ...) -> None: ...

class VoiceAssistantConfigurationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VoiceAssistantConfigurationResponse(_message.Message):
    __slots__ = ("available_wake_words", "active_wake_words", "max_active_wake_words")
    AVAILABLE_WAKE_WORDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_WAKE_WORDS_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIVE_WAKE_WORDS_FIELD_NUMBER: _ClassVar[int]
    available_wake_words: _containers.RepeatedCompositeFieldContainer[VoiceAssistantWakeWord]
    active_wake_words: _containers.RepeatedScalarFieldContainer[str]
    max_active_wake_words: int
    def __init__(self, available_wake_words: _Optional[_Iterable[_Union[VoiceAssistantWakeWord, _Mapping]]] = ..., active_wake_words: _Optional[_Iterable[str]] = ..., max_active_wake_words: _Optional[int] = ...) -> None: ...

class VoiceAssistantSetConfiguration(_message.Message):
    __slots__ = ("active_wake_words",)
    ACTIVE_WAKE_WORDS_FIELD_NUMBER: _ClassVar[int]
    active_wake_words: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, active_wake_words: _Optional[_Iterable[str]] = ...) -> None: ...
