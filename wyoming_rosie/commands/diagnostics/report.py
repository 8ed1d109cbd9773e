"""Report of `wyoming-rosie doctor` about this machine."""

from dataclasses import dataclass, field

from wyoming_rosie.audio.levels import AudioLevels


@dataclass(frozen=True)
class AudioDevice:
    name: str
    inputs: int  # channels
    outputs: int
    rate: float  # Hz, its default
    is_default: bool = False


@dataclass(frozen=True)
class AudioDeviceList:
    """Microphones and speakers; `trouble` is the reason for an empty list."""

    found: tuple[AudioDevice, ...] = ()
    trouble: str = ""

    @property
    def microphones(self) -> list[AudioDevice]:
        return [device for device in self.found if device.inputs]

    @property
    def speakers(self) -> list[AudioDevice]:
        return [device for device in self.found if device.outputs]


@dataclass(frozen=True)
class RecordingReport:
    """Measurements of a few seconds from the microphone."""

    rate: int  # Hz, as the device promises
    true_rate: float | None  # Hz, measured by the clock; None if the recording is too short
    levels: AudioLevels
    wake_word: str | None = None  # first one detected
    looked_for_words: bool = True  # False without a detector


@dataclass(frozen=True)
class ServiceReport:
    """A Wyoming program on the network or on this machine; `ms` is the latency of `describe`, None without an answer.

    `name` is its announced name; `trust` tells whether the settings of this machine's hub let it use the program.
    """

    role: str
    uri: str
    engine: str
    ms: float | None
    house: str = ""  # warning that its home is only simulated
    name: str = ""
    trust: str = ""
    missing_models: tuple[str, ...] = ()  # of speech to text, which it may be fetching
    is_installed: bool = True


@dataclass(frozen=True)
class PortReport:
    """A default port on this machine; `use` is "free", "wyoming" or "other"."""

    role: str
    number: int
    use: str


@dataclass(frozen=True)
class BrokerReport:
    """A broker of the bridge; `trouble` is why it cannot be used, `eviction` the policy by which it may delete jobs."""

    bus: str
    url: str
    version: str = ""
    is_reachable: bool = True
    trouble: str = ""
    keeps: bool | None = None  # NATS has JetStream, Redis an append-only file; None if unknown
    eviction: str = ""


@dataclass(frozen=True)
class AudioReport:
    """Test of microphone and speaker; a `..._trouble` is empty without a fault."""

    devices: AudioDeviceList = field(default_factory=AudioDeviceList)
    recorded: RecordingReport | None = None
    microphone_trouble: str = ""
    speaker_trouble: str = ""


@dataclass(frozen=True)
class MachineReport:
    system: str
    python: str
    version: str  # of wyoming-rosie
    clock_is_set: bool | None  # synchronized by the network; None if unknown
    has_sound_cards: bool  # in the kernel
    may_use_sound: bool  # user is in the group audio
    sound_server: str  # "PipeWire", "PulseAudio" or empty
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)  # missing packages of each
    absent_programs: tuple[str, ...] = ()  # roles whose command is not installed, as a Debian package of its own
    chosen_extras: tuple[str, ...] = ()  # extras of the engines that the settings choose
    models: tuple[str, ...] = ()  # downloaded files


@dataclass(frozen=True)
class DoctorReport:
    machine: MachineReport
    sound: AudioReport | None  # None with --no-sound
    ports: tuple[PortReport, ...] = ()
    services: tuple[ServiceReport, ...] = ()
    brokers: tuple[BrokerReport, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    fault: str
    next_step: str
