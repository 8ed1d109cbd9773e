"""What a satellite can be told; the names are those of wyoming-satellite where it has the setting."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.config import option
from wyoming_rosie.http.server import LOOPBACK
from wyoming_rosie.protocol.server import ServiceConfig
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie.wakeword.detection import TriggerRules
from wyoming_rosie_satellite.core import SatelliteOptions
from wyoming_rosie_satellite.wake.vad_gate import GateRules


@dataclass(frozen=True)
class SatelliteConfig(ServiceConfig):
    """A voice satellite over the Wyoming protocol, for Home Assistant or wyoming-rosie-hub.

    --migrate COMMAND, or --migrate FILE with a systemd unit, prints the settings that do what a wyoming-satellite did.
    """

    uri: str = option("tcp://127.0.0.1:10700", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    area: str | None = option(None, "the room it is in, such as Kitchen")
    zeroconf_name: str | None = option(None, "name on the network, if it is not --name")
    zeroconf_host: str | None = option(
        None, "address to announce instead of its own, such as that of the machine outside of a container"
    )
    log_format: str | None = option(
        None, "log lines such as '%(levelname)s:%(name)s:%(message)s', or `json` [default: JSON except on a terminal]"
    )
    data_dir: Path | None = option(
        None, "where timers, the volume and whether it is muted are kept [default: the user's data folder]"
    )

    profile: str | None = option(
        None,
        "usual settings for: usb, jabra, respeaker-2mic, respeaker-4mic, echo-show, echo-show-5 or a TOML file of yours",
    )
    mic: str = option("default", "microphone: default, a part of its name, wav:FILE, or stdin for raw samples")
    mic_uri: str | None = option(None, "Wyoming service that sends sound, such as tcp://HOST:10600; replaces --mic")
    mic_command: str | None = option(
        None, "program that writes raw samples, such as 'arecord -t raw ...'; replaces --mic"
    )
    mic_command_rate: int = option(16_000, "Hz of the microphone, its command or stdin")
    mic_command_width: Literal[2, 3, 4] = option(2, "bytes per sample of it")
    mic_command_channels: int = option(1, "channels of it")
    mic_command_samples_per_chunk: int = option(320, "samples read from the command at a time")
    mic_rate: int | None = option(None, "Hz to open a microphone with [default: its own]")
    mic_true_rate: int | None = option(None, "Hz that it really gives, if that is not what it says")
    mic_channel_index: tuple[int, ...] = option((), "channel to hear, from 0; several are mixed [default: all, mixed]")
    mic_volume_multiplier: float = option(1.0, "how much louder the microphone shall be")
    mic_noise_suppression: int = option(0, "less noise: 1 a little to 4 a lot, 0 off")
    mic_auto_gain: int = option(0, "bring the voice to so many dB below the loudest: 1 to 31, 0 off")
    echo_cancellation: bool = option(False, "take out of the microphone's sound what the speaker plays")

    snd: str = option("default", "speaker: default, a part of its name, wav:FILE, or stdout for raw samples")
    snd_uri: str | None = option(None, "Wyoming service that plays sound, such as tcp://HOST:10601; replaces --snd")
    snd_command: str | None = option(None, "program that plays raw samples, such as 'aplay -t raw ...'; replaces --snd")
    snd_command_rate: int = option(22_050, "Hz of the speaker, its command, file or stdout")
    snd_command_width: Literal[2, 3, 4] = option(2, "bytes per sample of it")
    snd_command_channels: int = option(1, "channels of it")
    snd_command_samples_per_chunk: int | None = option(
        None, "samples written to the command at a time [default: as they come]"
    )
    snd_volume_multiplier: float = option(1.0, "how much louder everything is played")

    wake_uri: str | None = option(None, "wake daemon to use, such as tcp://HOST:10400, instead of finding words here")
    wake_command: str | None = option(
        None, "program that reads raw samples and writes a line for each wake word, instead of finding words here"
    )
    wake_command_rate: int = option(16_000, "Hz of the samples for it")
    wake_command_width: Literal[2, 3, 4] = option(2, "bytes per sample for it")
    wake_command_channels: int = option(1, "channels for it")
    wake_word_name: tuple[str, ...] = option((), "word to wake up for; may be given again [default: okay_nabu]")
    wake_refractory_seconds: float = option(
        TriggerRules.refractory_seconds, "pause before the same word wakes it again"
    )
    vad: bool = option(False, "look for wake words only while somebody speaks; spares a wake daemon and the network")
    vad_threshold: float = option(GateRules.threshold, "probability from which it is speech, 0 to 1")
    vad_trigger_level: int = option(GateRules.trigger_level, "pieces of 32 ms that must be speech")
    vad_buffer_seconds: float = option(GateRules.buffer_seconds, "sound from before the speech that is listened to")
    vad_wake_word_timeout: float = option(GateRules.wake_word_timeout, "seconds to go on after the last speech")
    wake_threshold: float | None = option(None, "score over which a word is heard, 0 to 1 [default: the model's own]")
    wake_word_threshold: dict[str, float] = option(dict, "the same for one word: --wake-word-threshold.okay_nabu 0.9")
    stop_word: tuple[str, ...] = option((), "word that ends an answer and a ringing timer; may be given again")
    wake_word_port: dict[str, int] = option(
        dict, "port at which another conductor gets what follows a word: --wake-word-port.hey_jarvis 10702"
    )
    wake_word_pipeline: dict[str, str] = option(
        dict, "pipeline of the conductor's that a word asks for: --wake-word-pipeline.okay_nabu Kitchen"
    )
    custom_model_dir: tuple[Path, ...] = option((), "folder with more microWakeWord models; may be given again")

    ends_commands: bool = option(True, "notice by itself when a command is over, if the conductor does not")
    end_of_speech: EndpointingRules = option(EndpointingRules, "")
    outbox: bool = option(False, "keep what is said while nobody conducts, and send it to who comes")
    outbox_minutes: float = option(10.0, "what was said longer ago is not sent any more")
    answers_questions: bool = option(True, "listen without a wake word after an answer that is a question")
    timer_rings: int = option(
        SatelliteOptions.timer_rings, "how often a finished timer sounds, unless somebody stops it"
    )
    timer_ring_pause_seconds: float = option(
        SatelliteOptions.timer_ring_pause_seconds, "pause between two of these sounds"
    )

    awake_wav: Path | None = option(None, "WAV file to play when it begins to listen, or `chime`")
    done_wav: Path | None = option(None, "WAV file to play when it has listened, or `chime`")
    mic_seconds_to_mute_after_awake_wav: float = option(0.5, "send silence for so long after the awake sound")
    mic_no_mute_during_awake_wav: bool = option(False, "do not send silence during the awake sound, nor after it")
    timer_finished_wav: Path | None = option(None, "WAV file to play when a timer ends [default: a chime]")
    language: str | None = option(
        None,
        "language people speak here, if not the hub's; what it says by itself is in it: de, en, es, fr, it, nl"
        " [default: the hub's, and en]",
    )
    failure_phrases: bool = option(True, "say what has failed; otherwise there are chimes only")
    unreachable_wav: Path | None = option(
        None, "WAV file, or `chime`, instead of its own words when nobody conducts it"
    )
    lost_wav: Path | None = option(None, "the same when the conductor is gone in the middle")
    kept_wav: Path | None = option(None, "the same when what was said to nobody is kept (--outbox)")
    error_wav: Path | None = option(None, "the same when the conductor has failed")
    deaf_wav: Path | None = option(None, "the same when the microphone does not work")
    timer_finished_wav_repeat: tuple[int, float] | None = option(
        None, "how often to play it, and every how many seconds; replaces --timer-rings and --timer-ring-pause-seconds"
    )
    duck_command: str | None = option(None, "program that makes music softer while it listens and answers")
    unduck_command: str | None = option(None, "program that makes it as loud as before")

    debug_recording_dir: Path | None = option(
        None, "keep what people say in this folder, as a WAV file for each run; only to look for a fault"
    )

    event_uri: str | None = option(None, "Wyoming service that is told what happens, such as one for lights")
    startup_command: str | None = option(None, "program to run at the start")
    detect_command: str | None = option(None, "program to run when it waits for a wake word")
    detection_command: str | None = option(None, "program to run for a wake word, which it reads on standard input")
    transcript_command: str | None = option(None, "program that reads what was said")
    stt_start_command: str | None = option(None, "program to run when somebody begins to speak")
    stt_stop_command: str | None = option(None, "program to run when nobody speaks any more")
    synthesize_command: str | None = option(None, "program that reads the answer's text")
    tts_start_command: str | None = option(None, "program to run when an answer's sound begins to come")
    tts_stop_command: str | None = option(None, "program to run when all of it has come")
    tts_played_command: str | None = option(None, "program to run when all of it was heard")
    streaming_start_command: str | None = option(None, "program to run when the conductor begins to hear the room")
    streaming_stop_command: str | None = option(None, "program to run when it hears the room no more")
    error_command: str | None = option(None, "program that reads what went wrong")
    connected_command: str | None = option(None, "program to run when somebody begins to conduct")
    disconnected_command: str | None = option(None, "program to run when nobody conducts any more")
    timer_started_command: str | None = option(None, "program that reads a new timer as JSON")
    timer_updated_command: str | None = option(None, "program that reads a changed timer as JSON")
    timer_cancelled_command: str | None = option(None, "program that reads the id of a cancelled timer")
    timer_finished_command: str | None = option(None, "program that reads the id of a finished timer")

    api_port: int | None = option(None, "let programs use it over HTTP and WebSocket on this port")
    api_host: str = option(LOOPBACK, "address for --api-port; others than this machine's need a token")
    api_token_file: Path | None = option(None, "file with the API's token [default: WYOMING_ROSIE_API_TOKEN]")
    leds: str | None = option(None, "lights: respeaker-2mic or respeaker-4mic")
    led_brightness: int = option(8, "brightness of the lights, 1 to 31")
    button: tuple[str, ...] = option((), "gpiozero:PIN, gpiod:CHIP:LINE or usb:NAME; may be given again")
    push_to_talk: bool = option(False, "listen as long as the button is held, instead of from a short press on")

    @property
    def mic_format(self) -> AudioFormat:
        return AudioFormat(self.mic_command_rate, self.mic_command_width, self.mic_command_channels)

    @property
    def wake_format(self) -> AudioFormat:
        return AudioFormat(self.wake_command_rate, self.wake_command_width, self.wake_command_channels)

    @property
    def snd_format(self) -> AudioFormat:
        return AudioFormat(self.snd_command_rate, self.snd_command_width, self.snd_command_channels)
