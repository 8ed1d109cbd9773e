"""What `describe` says of a satellite."""

from collections.abc import Sequence

from wyoming.audio import AudioFormat as WireFormat
from wyoming.info import Attribution, Info, MicProgram, Satellite, SndProgram, WakeProgram

from wyoming_rosie import __version__, discovery
from wyoming_rosie.audio import SPEECH, AudioFormat
from wyoming_rosie_satellite.settings import SatelliteConfig

_CREDIT = Attribution(name="wyoming-rosie", url="https://pypi.org/project/wyoming-rosie/")


def info(settings: SatelliteConfig, active: Sequence[str], wake: Sequence[WakeProgram]) -> Info:
    """Describe the satellite, the wake words that it listens for, and those that it could."""
    return Info(
        satellite=Satellite(
            name=settings.name or discovery.instance_name("satellite"),
            attribution=_CREDIT,
            installed=True,
            description="A voice satellite",
            version=__version__,
            area=settings.area,
            has_vad=False,
            active_wake_words=list(active),
            max_active_wake_words=sum(len(one.models) for one in wake),
            supports_trigger=False,
        ),
        wake=list(wake),
        mic=[
            MicProgram("microphone", _CREDIT, True, "What the satellite hears", __version__, mic_format=_wire(SPEECH))
        ],
        snd=[
            SndProgram(
                "speaker", _CREDIT, True, "What it plays best", __version__, snd_format=_wire(settings.snd_format)
            )
        ],
    )


def _wire(audio: AudioFormat) -> WireFormat:
    return WireFormat(audio.rate, audio.width, audio.channels)
