"""The parts that the settings ask for. Each raises ConfigError for what cannot be had."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from wyoming.info import WakeProgram

from wyoming_rosie import address, endpoint
from wyoming_rosie.audio import CHANNELS, RATES, AudioFormat
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.micro_wake_words import bundled, from_folder, program
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.wake_words import Rules, check, choose
from wyoming_rosie_satellite import cues, sounddevices
from wyoming_rosie_satellite.core import Habits
from wyoming_rosie_satellite.ears import Ears, LocalEars, RemoteEars
from wyoming_rosie_satellite.messages import Cue
from wyoming_rosie_satellite.microphones import CommandMicrophone, Microphone, StdinMicrophone, WavMicrophone
from wyoming_rosie_satellite.settings import SatelliteConfig
from wyoming_rosie_satellite.sounddevices import DeviceMicrophone, DeviceSpeaker
from wyoming_rosie_satellite.speakers import CommandSpeaker, Speaker, StdoutSpeaker, WavSpeaker
from wyoming_rosie_satellite.voices import Voices

DEFAULT_WORD = "okay_nabu"
MOST_RINGS = 1000
LONGEST_PAUSE_SECONDS = 600.0


def microphone(settings: SatelliteConfig, begin: asyncio.Event) -> Microphone:
    """Return the microphone; what it plays from a file starts with `begin`."""
    audio = _checked("--mic-command", settings.mic_format)
    if settings.mic_command is not None:
        return CommandMicrophone(settings.mic_command, audio, max(1, settings.mic_command_samples_per_chunk))
    match settings.mic.partition(":"):
        case "wav", ":", path:
            return WavMicrophone(Path(path), begin)
        case "stdin", "", "":
            _refuse_stdio(settings, "--mic stdin")
            return StdinMicrophone(audio, begin)
    return DeviceMicrophone(sounddevices.library(), settings.mic, audio)


def speaker(settings: SatelliteConfig) -> Speaker:
    """Return the speaker."""
    audio = _checked("--snd-command", settings.snd_format)
    if settings.snd_command is not None:
        return CommandSpeaker(settings.snd_command, audio)
    match settings.snd.partition(":"):
        case "wav", ":", path:
            return WavSpeaker(Path(path), audio)
        case "stdout", "", "":
            _refuse_stdio(settings, "--snd stdout")
            return StdoutSpeaker(audio)
    return DeviceSpeaker(sounddevices.library(), settings.snd, audio)


def ears(settings: SatelliteConfig, learned: Callable[[list[WakeProgram]], None]) -> Ears:
    """Return what finds wake words; `learned` is told which ones, now or when a daemon has said so."""
    if settings.wake_uri is not None:
        address.parse(settings.wake_uri)
        names = [*settings.wake_word_name, *settings.stop_word] if settings.wake_word_name else []
        return RemoteEars(settings.wake_uri, names, learned)
    known = bundled() | {
        name: word for folder in settings.custom_model_dir for name, word in from_folder(folder).items()
    }
    learned([program(known.values())])
    words = choose(known, [*(settings.wake_word_name or [DEFAULT_WORD]), *settings.stop_word])
    rules = Rules(
        threshold=settings.wake_threshold,
        word_threshold=settings.wake_word_threshold,
        refractory_seconds=settings.wake_refractory_seconds,
    )
    check(rules, [word.name for word in words])
    return LocalEars(words, rules)


def habits(settings: SatelliteConfig) -> Habits:
    """Return what the satellite does by itself."""
    endpoint.check(settings.end_of_speech)
    if (
        not 1 <= settings.timer_rings <= MOST_RINGS
        or not 0 <= settings.timer_ring_pause_seconds <= LONGEST_PAUSE_SECONDS
    ):
        raise ConfigError(
            f"--timer-rings must be 1 to {MOST_RINGS}, --timer-ring-pause-seconds 0 to {LONGEST_PAUSE_SECONDS:g}"
        )
    return Habits(
        ends=settings.end_of_speech if settings.ends_commands else None,
        answers_questions=settings.answers_questions,
        rings=settings.timer_rings,
        ring_pause_seconds=settings.timer_ring_pause_seconds,
    )


def voices(settings: SatelliteConfig) -> Voices | None:
    """Return what follows voices in a command, if it is wanted."""
    return Voices(silero.load(silero.Settings())) if settings.ends_commands else None


def words(settings: SatelliteConfig, wake: list[WakeProgram]) -> list[str]:
    """Return the names of the words that are listened for."""
    every = [model.name for one in wake for model in one.models]
    return list(settings.wake_word_name) or (every if settings.wake_uri else [DEFAULT_WORD])


def sounds(settings: SatelliteConfig) -> dict[Cue, bytes]:
    """Return the satellite's own sounds."""
    named = {
        Cue.AWAKE: settings.awake_wav,
        Cue.DONE: settings.done_wav,
        Cue.TIMER: settings.timer_finished_wav,
    }
    wanted = settings.snd_format
    recorded = {cue: cues.recording(path, wanted) for cue, path in named.items() if path is not None}
    return {Cue.TIMER: cues.chime(wanted)} | recorded


def _checked(flags: str, audio: AudioFormat) -> AudioFormat:
    if audio.rate not in RATES or audio.channels not in CHANNELS:
        raise ConfigError(f"{flags}-rate must be {RATES[0]} to {RATES[-1]} Hz, {flags}-channels 1 to {CHANNELS[-1]}")
    return audio


def _refuse_stdio(settings: SatelliteConfig, flag: str) -> None:
    if isinstance(address.parse(settings.uri), address.Stdio):
        raise ConfigError(f"{flag} and --uri stdio:// both want the same stream; use --uri tcp://HOST:PORT")
