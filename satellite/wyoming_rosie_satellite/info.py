"""The satellite's answer to `describe`."""

from collections.abc import Sequence
from dataclasses import replace

from wyoming.audio import AudioFormat as WireFormat
from wyoming.info import Attribution, Info, MicProgram, Satellite, SndProgram, WakeProgram

from wyoming_rosie import __version__
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.programs import MAKER
from wyoming_rosie.protocol import discovery
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.messages import MAIN_SLOT

_CREDIT = Attribution(name=MAKER, url="https://pypi.org/project/wyoming-rosie/")


def create_info(
    settings: SatelliteConfig, active: Sequence[str], wake: Sequence[WakeProgram], slot: str = MAIN_SLOT
) -> Info:
    """Describe the satellite to a slot's conductor: `active` are its wake words, `wake` all that it can detect."""

    def is_for_slot(word: str) -> bool:
        return slot == (word if word in settings.wake_word_port else MAIN_SLOT)

    wake = [replace(program, models=[model for model in program.models if is_for_slot(model.name)]) for program in wake]
    return Info(
        satellite=Satellite(
            name=service_name(settings, slot),
            attribution=_CREDIT,
            installed=True,
            description="A voice satellite",
            version=__version__,
            area=settings.area,
            has_vad=False,
            active_wake_words=[word for word in active if is_for_slot(word)],
            max_active_wake_words=sum(len(program.models) for program in wake),
            supports_trigger=False,
        ),
        wake=wake,
        mic=[
            MicProgram(
                "microphone", _CREDIT, True, "The satellite's microphone", __version__, mic_format=_wire_format(SPEECH)
            )
        ],
        snd=[
            SndProgram(
                "speaker",
                _CREDIT,
                True,
                "The satellite's speaker",
                __version__,
                snd_format=_wire_format(settings.snd_format),
            )
        ],
    )


def service_name(settings: SatelliteConfig, slot: str = MAIN_SLOT) -> str:
    """Return the satellite's stable name for a slot's conductor, short enough for mDNS."""
    whole = settings.name or discovery.instance_name("satellite")
    if slot == MAIN_SLOT:
        return whole
    room = discovery.MAX_NAME_BYTES - len(slot.encode()) - 1
    return f"{whole.encode()[: max(0, room)].decode(errors='ignore')} {slot}".strip()


def _wire_format(audio: AudioFormat) -> WireFormat:
    return WireFormat(audio.rate, audio.width, audio.channels)
