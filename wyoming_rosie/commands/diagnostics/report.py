"""What was found out about this machine; nothing in it names a person."""

from dataclasses import dataclass, field

from wyoming_rosie.commands.levels import AudioLevels


@dataclass(frozen=True)
class AudioDevice:
    name: str
    inputs: int  # channels
    outputs: int
    rate: float  # Hz, its own
    is_default: bool = False


@dataclass(frozen=True)
class AudioDeviceList:
    """Microphones and speakers; `trouble` says why there is no list."""

    found: tuple[AudioDevice, ...] = ()
    trouble: str = ""

    @property
    def microphones(self) -> list[AudioDevice]:
        return [one for one in self.found if one.inputs]

    @property
    def speakers(self) -> list[AudioDevice]:
        return [one for one in self.found if one.outputs]


@dataclass(frozen=True)
class RecordingReport:
    """A few seconds from the microphone."""

    rate: int  # Hz, as the device says
    true_rate: float | None  # by the clock; None when it was too short
    levels: AudioLevels
    wake_word: str | None = None  # that was heard
    looked_for_words: bool = True


@dataclass(frozen=True)
class ServiceReport:
    """A Wyoming program on the network or on this machine; `ms` is that of a describe, None without an answer.

    `name` is announced; `trust` says whether the hub's settings on this machine let it use the program.
    """

    role: str
    uri: str
    engine: str
    ms: float | None
    house: str = ""  # what must be said of the house in which it acts
    name: str = ""
    trust: str = ""


@dataclass(frozen=True)
class PortReport:
    """A port of ours on this machine: "free", "wyoming" or "other"."""

    role: str
    number: int
    use: str


@dataclass(frozen=True)
class AudioReport:
    """What the microphone and the speaker did; a trouble is empty when all went well."""

    devices: AudioDeviceList = field(default_factory=AudioDeviceList)
    recorded: RecordingReport | None = None
    microphone_trouble: str = ""
    speaker_trouble: str = ""


@dataclass(frozen=True)
class MachineReport:
    system: str
    python: str
    version: str  # of wyoming-rosie
    clock_is_set: bool | None  # by the network; None when nobody can tell
    has_sound_cards: bool  # that the kernel knows
    may_use_sound: bool  # member of the group that may
    sound_server: str  # "PipeWire", "PulseAudio" or nothing
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)  # and what each lacks
    models: tuple[str, ...] = ()  # files that were fetched


@dataclass(frozen=True)
class DoctorReport:
    machine: MachineReport
    sound: AudioReport | None  # None when it was not asked for
    ports: tuple[PortReport, ...] = ()
    services: tuple[ServiceReport, ...] = ()
