"""What `describe` says of a satellite."""

from collections.abc import Sequence
from dataclasses import replace

from wyoming.audio import AudioFormat as WireFormat
from wyoming.info import Attribution, Info, MicProgram, Satellite, SndProgram, WakeProgram

from wyoming_rosie import __version__
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.protocol import discovery
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.messages import MAIN

_CREDIT = Attribution(name="wyoming-rosie", url="https://pypi.org/project/wyoming-rosie/")


def info(settings: SatelliteConfig, active: Sequence[str], wake: Sequence[WakeProgram], seat: str = MAIN) -> Info:
    """Describe the satellite to a seat's conductor, the wake words that it listens for, and those that it could."""

    def is_for_seat(word: str) -> bool:
        return seat == (word if word in settings.wake_word_port else MAIN)

    wake = [replace(one, models=[model for model in one.models if is_for_seat(model.name)]) for one in wake]
    return Info(
        satellite=Satellite(
            name=name(settings, seat),
            attribution=_CREDIT,
            installed=True,
            description="A voice satellite",
            version=__version__,
            area=settings.area,
            has_vad=False,
            active_wake_words=[word for word in active if is_for_seat(word)],
            max_active_wake_words=sum(len(one.models) for one in wake),
            supports_trigger=False,
        ),
        wake=wake,
        mic=[
            MicProgram("microphone", _CREDIT, True, "What the satellite hears", __version__, mic_format=_wire(SPEECH))
        ],
        snd=[
            SndProgram(
                "speaker", _CREDIT, True, "What it plays best", __version__, snd_format=_wire(settings.snd_format)
            )
        ],
    )


def name(settings: SatelliteConfig, seat: str = MAIN) -> str:
    """Return the satellite's lasting name for a seat's conductor, short enough for the network."""
    whole = settings.name or discovery.instance_name("satellite")
    if seat == MAIN:
        return whole
    room = discovery.LONGEST_NAME - len(seat.encode()) - 1
    return f"{whole.encode()[: max(0, room)].decode(errors='ignore')} {seat}".strip()


def _wire(audio: AudioFormat) -> WireFormat:
    return WireFormat(audio.rate, audio.width, audio.channels)
