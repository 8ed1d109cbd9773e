"""Settings of the voice role."""

from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.config import option
from wyoming_rosie.programs import BY_ROLE


def _local(role: str) -> str:
    return f"tcp://127.0.0.1:{BY_ROLE[role].port}"


@dataclass(frozen=True)
class VoiceSettings:
    asr_uri: str = option(_local("asr"), "the asr daemon")
    intent_uri: str = option(
        _local("intent"), "the intent daemon that understands; ours leaves commands to the executor"
    )
    executor_uri: str | None = option(
        None,
        "the intent daemon that acts, such as one with --actor home-assistant [default: that of --voice.intent-uri]",
    )
    vad_uri: str | None = option(_local("vad"), "the vad daemon; what is no speech is dropped")
    wake_uri: str | None = option(
        None, "a wake daemon; utterances of devices without a wake word of their own need one"
    )
    grammar_uri: str | None = option(
        None, "an asr daemon with a grammar, asked first: what it knows surely needs no other"
    )
    tts_uri: str | None = option(
        None, "a tts daemon; its audio goes with each answer, for devices that cannot speak a text by themselves"
    )
    room: dict[str, str] = option(
        dict,
        "the room of a device, by its id, such as --voice.room.kitchen=Kitchen; once there is one, what devices say of their "
        "rooms does not count",
    )
    executor: str = option("intent", "what executes commands: intent (a daemon), mqtt (voice/DEVICE/intent), or none")
    ask_mind: bool = option(False, "give what is no command to the language models, as a job of the mind role")
    deadline_seconds: float = option(10.0, "an utterance that is older is not obeyed; the person is told")
    workers: int = option(4, "utterances that each stage handles at a time")
    idle_seconds: float = option(
        15.0, "a job that its worker has not confirmed or extended for so long is given to another"
    )
    audio_folder: Path | None = option(None, "folder that file: URIs of audio may lie in")
    audio_host: tuple[str, ...] = option((), "host:port that http: URIs of audio may name; may be given again")
