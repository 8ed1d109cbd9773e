"""Settings of a satellite, named as in wyoming-satellite where that has them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.config import option
from wyoming_rosie.http.server import LOOPBACK
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie.wakeword.detection import MAX_REFRACTORY_SECONDS, MAX_THRESHOLD, MIN_THRESHOLD, TriggerRules
from wyoming_rosie_satellite.core import SatelliteOptions
from wyoming_rosie_satellite.integrations.buttons import driver_names
from wyoming_rosie_satellite.integrations.leds import MAX_BRIGHTNESS, board_names
from wyoming_rosie_satellite.wake.vad_gate import MAX_GATE_SECONDS, GateRules

MAX_OUTBOX_MINUTES = 7 * 24 * 60

PROFILES = Path(__file__).with_name("profiles")


def profile_names() -> list[str]:
    """Return the names of the bundled hardware profiles."""
    return sorted(file.stem for file in PROFILES.glob("*.toml"))


@dataclass(frozen=True)
class ArbitrationSettings:
    """Settings for the decision among satellites which of them answers."""

    key_file: Path | None = option(
        None,
        "file with a key, the same for all satellites: they then decide among themselves who answers a wake word; members of"
        " a house need none [default: only wyoming-rosie-hub decides]",
    )
    port: int = option(
        10_910,
        "UDP port for that, the same for all satellites; 0: only wyoming-rosie-hub decides",
        minimum=0,
        maximum=65_535,
    )


@dataclass(frozen=True)
class SatelliteConfig(ServiceConfig):
    """A voice satellite over the Wyoming protocol, for Home Assistant or wyoming-rosie-hub.

    --migrate COMMAND, or --migrate FILE with a systemd unit, prints the settings that replace a command of
    wyoming-satellite or linux-voice-assistant.
    """

    uri: str = option(
        "tcp://127.0.0.1:10700", "where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://"
    )
    esphome: bool = option(
        False,
        "let Home Assistant conduct over ESPHome's API instead of Wyoming, as a voice assistant device of its own",
    )
    esphome_uri: str = option("tcp://127.0.0.1:6053", "where to listen for --esphome: tcp://HOST:PORT")
    esphome_encryption: bool = option(
        False,
        "accept encrypted connections of --esphome only, with a key that is made at the first start"
        " [default: once Home Assistant has sent a key]",
    )
    area: str | None = option(None, "area of the satellite, such as Kitchen")
    zeroconf_name: str | None = option(None, "name on the network [default: --name]")
    zeroconf_host: str | None = option(
        None, "address to announce instead of its own, such as that of a container's host"
    )
    log_format: str | None = option(
        None,
        "format of log lines, such as '%(levelname)s:%(name)s:%(message)s', or `json` [default: JSON except on a terminal]",
    )
    data_dir: Path | None = option(None, "folder for timers, volume and mute [default: the user's data folder]")

    profile: str | None = option(
        None,
        f"hardware profile: {', '.join(profile_names())}, or a TOML file of yours",
    )
    mic: str = option("default", "microphone: default, a part of its name, wav:FILE, or stdin for raw samples")
    mic_uri: str | None = option(None, "Wyoming service that sends audio, such as tcp://HOST:10600; replaces --mic")
    mic_command: str | None = option(
        None, "command that writes raw samples, such as 'arecord -t raw ...'; replaces --mic"
    )
    mic_command_rate: int = option(16_000, "sample rate of --mic-command or stdin, Hz")
    mic_command_width: Literal[2, 3, 4] = option(2, "bytes per sample of --mic-command or stdin")
    mic_command_channels: int = option(1, "channels of the microphone, --mic-command or stdin")
    mic_command_samples_per_chunk: int = option(320, "samples read from the command at a time")
    mic_rate: int | None = option(None, "sample rate to open a microphone with, Hz [default: its own]")
    mic_true_rate: int | None = option(None, "sample rate that it really delivers, Hz, if that differs")
    mic_channel_index: tuple[int, ...] = option((), "channel to use, from 0; several are mixed [default: all, mixed]")
    mic_volume_multiplier: float = option(1.0, "factor for the microphone's amplitude")
    mic_noise_suppression: int = option(0, "noise suppression: 1 (low) to 4 (high), 0 off", minimum=0, maximum=4)
    mic_auto_gain: int = option(0, "automatic gain: target level in dB below full scale, 0 off", minimum=0, maximum=31)
    echo_cancellation: bool | None = option(
        None,
        "remove the speaker's echo from the microphone's audio"
        " [default: if pywebrtc-audio is installed, and neither microphone nor speaker is a WAV file]",
    )

    snd: str = option("default", "speaker: default, a part of its name, wav:FILE, or stdout for raw samples")
    snd_uri: str | None = option(None, "Wyoming service that plays audio, such as tcp://HOST:10601; replaces --snd")
    snd_command: str | None = option(None, "command that plays raw samples, such as 'aplay -t raw ...'; replaces --snd")
    snd_command_rate: int = option(22_050, "sample rate of the speaker, --snd-command, file or stdout, Hz")
    snd_command_width: Literal[2, 3, 4] = option(2, "bytes per sample of the same")
    snd_command_channels: int = option(1, "channels of the same")
    snd_command_samples_per_chunk: int | None = option(
        None, "samples written to the command at a time [default: as they arrive]"
    )
    snd_volume_multiplier: float = option(1.0, "factor for the amplitude of everything that is played")

    wake_uri: str | None = option(
        None, "wake daemon that detects the wake words, such as tcp://HOST:10400, instead of the satellite itself"
    )
    wake_command: str | None = option(
        None, "command that reads raw samples and writes a line for each wake word, instead of the satellite itself"
    )
    wake_command_rate: int = option(16_000, "sample rate of --wake-command, Hz")
    wake_command_width: Literal[2, 3, 4] = option(2, "bytes per sample of --wake-command")
    wake_command_channels: int = option(1, "channels of --wake-command")
    wake_word_name: tuple[str, ...] = option((), "wake word; may be given again [default: okay_nabu]")
    wake_refractory_seconds: float = option(
        TriggerRules.refractory_seconds,
        "time after a wake word in which the same one is ignored, seconds",
        minimum=0,
        maximum=MAX_REFRACTORY_SECONDS,
    )
    vad: bool = option(False, "detect wake words during speech only; saves work for a wake daemon and the network")
    vad_threshold: float = option(GateRules.threshold, "probability from which audio is speech", minimum=0, maximum=1)
    vad_trigger_level: int = option(GateRules.trigger_level, "consecutive frames of 32 ms that must be speech")
    vad_buffer_seconds: float = option(
        GateRules.buffer_seconds,
        "audio from before the speech that is included, seconds",
        minimum=0,
        maximum=MAX_GATE_SECONDS,
    )
    vad_wake_word_timeout: float = option(
        GateRules.wake_word_timeout,
        "time without speech after which detection pauses, seconds",
        minimum=0.001,
        maximum=MAX_GATE_SECONDS,
    )
    wake_threshold: float | None = option(
        None,
        "score above which a wake word counts [default: the model's own]",
        minimum=MIN_THRESHOLD,
        maximum=MAX_THRESHOLD,
    )
    wake_word_threshold: dict[str, float] = option(
        dict,
        "the same for one wake word: --wake-word-threshold.okay_nabu 0.9",
        minimum=MIN_THRESHOLD,
        maximum=MAX_THRESHOLD,
    )
    stop_word: tuple[str, ...] = option((), "wake word that stops a reply and a ringing timer; may be given again")
    spoken_stop: bool | None = option(
        None,
        "end a reply, and silence a ringing timer, when somebody says 'stop'"
        " [default: with --ends-commands, if pocketsphinx is installed]",
    )
    wake_word_port: dict[str, int] = option(
        dict, "port for the conductor of one wake word: --wake-word-port.hey_jarvis 10702"
    )
    wake_word_pipeline: dict[str, str] = option(
        dict, "pipeline of the conductor for one wake word: --wake-word-pipeline.okay_nabu Kitchen"
    )
    custom_model_dir: tuple[Path, ...] = option((), "folder with more microWakeWord models; may be given again")

    arbitration: ArbitrationSettings = option(ArbitrationSettings, "")

    ends_commands: bool = option(
        True, "detect the end of a command in the satellite as well, in case the conductor does not"
    )
    end_of_speech: EndpointingRules = option(EndpointingRules, "")
    outbox: bool = option(False, "store commands while no conductor is connected, and send them to the next one")
    outbox_minutes: float = option(
        10.0, "age after which a stored command is dropped", minimum=0.001, maximum=MAX_OUTBOX_MINUTES
    )
    mqtt: str | None = option(
        None,
        "MQTT broker of wyoming-rosie-bridge, mqtt://HOST:PORT, or mqtts:// with TLS: the bridge answers while no"
        " conductor is connected; the password is read from MQTT_PASSWORD",
    )
    mqtt_device_id: str | None = option(
        None, "ID of this satellite in MQTT topics: a-z, 0-9, _ and - [default: from --name, else the host's name]"
    )
    mqtt_ca_file: Path | None = option(None, "certificates of the CA that signed that of the MQTT broker")
    mqtt_plain: bool = option(False, "connect without TLS to an MQTT broker on another machine")
    answers_questions: bool = option(True, "listen without a wake word after a reply that is a question")
    timer_rings: int = option(
        SatelliteOptions.timer_rings, "number of rings of a finished timer, unless somebody stops it"
    )
    timer_ring_pause_seconds: float = option(SatelliteOptions.timer_ring_pause_seconds, "pause between two rings")

    awake_wav: Path | None = option(None, "WAV file to play when the satellite starts to listen, or `chime`")
    done_wav: Path | None = option(None, "WAV file to play when it has stopped listening, or `chime`")
    mic_seconds_to_mute_after_awake_wav: float = option(
        0.5, "time after the awake sound in which silence is sent, seconds"
    )
    mic_no_mute_during_awake_wav: bool = option(
        False, "send the microphone's audio during the awake sound and after it"
    )
    timer_finished_wav: Path | None = option(None, "WAV file to play when a timer finishes [default: a chime]")
    language: str | None = option(
        None,
        "language that people speak here, also of the fallback phrases: de, en, es, fr, it, nl"
        " [default: the hub's, and en for the phrases]",
    )
    failure_phrases: bool = option(True, "say what has failed, instead of a chime only")
    unreachable_wav: Path | None = option(
        None, "WAV file, or `chime`, instead of the phrase when no conductor is connected"
    )
    lost_wav: Path | None = option(None, "the same when the conductor disconnects during a run")
    kept_wav: Path | None = option(None, "the same when a command is stored (--outbox)")
    error_wav: Path | None = option(None, "the same when the conductor reports an error")
    deaf_wav: Path | None = option(None, "the same when the microphone fails")
    timer_finished_wav_repeat: tuple[int, float] | None = option(
        None, "number of rings and pause in seconds; replaces --timer-rings and --timer-ring-pause-seconds"
    )
    duck_command: str | None = option(None, "command that turns music down while the satellite listens and answers")
    unduck_command: str | None = option(None, "command that turns it up again")

    debug_recording_dir: Path | None = option(
        None, "folder for recordings of what people say, one WAV file per run; for debugging only"
    )

    event_uri: str | None = option(None, "Wyoming service that gets all events, such as one for LEDs")
    startup_command: str | None = option(None, "command to run at the start")
    detect_command: str | None = option(None, "command to run when the satellite waits for a wake word")
    detection_command: str | None = option(None, "command to run for a wake word, whose name is its standard input")
    transcript_command: str | None = option(None, "command that reads the transcript")
    stt_start_command: str | None = option(None, "command to run when speech starts")
    stt_stop_command: str | None = option(None, "command to run when speech stops")
    synthesize_command: str | None = option(None, "command that reads the reply's text")
    tts_start_command: str | None = option(None, "command to run when the reply's audio starts to arrive")
    tts_stop_command: str | None = option(None, "command to run when all of it has arrived")
    tts_played_command: str | None = option(None, "command to run when all of it has been played")
    streaming_start_command: str | None = option(None, "command to run when streaming to the conductor starts")
    streaming_stop_command: str | None = option(None, "command to run when streaming stops")
    error_command: str | None = option(None, "command that reads an error")
    connected_command: str | None = option(None, "command to run when a conductor connects")
    disconnected_command: str | None = option(None, "command to run when the last conductor has disconnected")
    timer_started_command: str | None = option(None, "command that reads a new timer as JSON")
    timer_updated_command: str | None = option(None, "command that reads a changed timer as JSON")
    timer_cancelled_command: str | None = option(None, "command that reads the id of a cancelled timer")
    timer_finished_command: str | None = option(None, "command that reads the id of a finished timer")

    api_port: int | None = option(None, "port of the local API, over HTTP and WebSocket [default: no API]")
    api_host: str = option(LOOPBACK, "address of the local API; one that is not of this machine alone needs a token")
    api_token_file: Path | None = option(None, "file with the API's token [default: WYOMING_ROSIE_API_TOKEN]")
    leds: str | None = option(None, f"LED board: {', '.join(board_names())}")
    led_brightness: int = option(8, "brightness of the LEDs", minimum=1, maximum=MAX_BRIGHTNESS)
    button: tuple[str, ...] = option(
        (), f"button, as DRIVER:ADDRESS, such as gpiozero:17; drivers: {', '.join(driver_names())}; may be given again"
    )
    push_to_talk: bool = option(False, "listen while the button is held, instead of after a short press")

    @property
    def mic_format(self) -> AudioFormat:
        return AudioFormat(self.mic_command_rate, self.mic_command_width, self.mic_command_channels)

    @property
    def wake_format(self) -> AudioFormat:
        return AudioFormat(self.wake_command_rate, self.wake_command_width, self.wake_command_channels)

    @property
    def snd_format(self) -> AudioFormat:
        return AudioFormat(self.snd_command_rate, self.snd_command_width, self.snd_command_channels)
