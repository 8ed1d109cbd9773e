"""Diagnosis of a report: each fault with one next step."""

from collections.abc import Iterator

from wyoming_rosie.bus.connection import SECRETS
from wyoming_rosie.commands.diagnostics.report import (
    AudioReport,
    BrokerReport,
    Diagnosis,
    DoctorReport,
    MachineReport,
    PortReport,
    RecordingReport,
    ServiceReport,
)
from wyoming_rosie.commands.diagnostics.sample_rate import KNOWN_RATES
from wyoming_rosie.commands.diagnostics.services import diagnose_service
from wyoming_rosie.runtime.extras import install_command

QUIET_DBFS = -65.0
"""Level below that of any room: the microphone is off or muted."""
FAINT_DBFS = -40.0
"""Peak below which speech is too quiet."""
CLIPPED = 0.001
OFFSET = 0.02
RATE_ERROR = 0.03
OLDEST_BROKERS = {"redis": (7, 0), "nats": (2, 9)}
BROKER_UNITS = {"mqtt": "mosquitto", "redis": "redis-server", "nats": "nats-server"}
NEEDED = ("wake", "vad", "asr", "intent", "tts", "satellite")


def diagnose(findings: DoctorReport) -> list[Diagnosis]:
    """Return the faults with their next steps, those to solve first at the beginning."""
    sound = [] if findings.sound is None else [*_check_audio(findings.sound, findings.machine)]
    return [
        *_check_machine(findings.machine),
        *sound,
        *_check_port_use(findings.ports),
        *_check_service(findings.services),
        *_check_brokers(findings.brokers),
    ]


def _check_machine(machine: MachineReport) -> Iterator[Diagnosis]:
    for extra in NEEDED:
        missing = machine.extras.get(extra)
        if missing and extra not in machine.absent_programs:
            yield Diagnosis(
                f"{extra} lacks {', '.join(missing)}",
                f"{install_command([extra])}, if this machine needs {extra}",
            )
    for extra in machine.chosen_extras:
        if missing := machine.extras.get(extra):
            yield Diagnosis(f"the engine that the settings choose lacks {', '.join(missing)}", install_command([extra]))
    if machine.clock_is_set is False:
        yield Diagnosis("the clock is not set by the network", "sudo timedatectl set-ntp true")


def _check_audio(sound: AudioReport, machine: MachineReport) -> Iterator[Diagnosis]:
    if sound.devices.trouble:
        yield Diagnosis("microphones and speakers cannot be used", sound.devices.trouble)
        return
    if not sound.devices.found:
        yield _no_device_diagnosis(machine)
        return
    if not sound.devices.microphones:
        yield Diagnosis(
            "there is no microphone", "plug one in, or use a satellite: wyoming-rosie discover --role satellite"
        )
    if not sound.devices.speakers:
        yield Diagnosis("there is no speaker", "plug one in, or let the satellite write files: --snd wav:FILE")
    if sound.microphone_trouble:
        yield Diagnosis(
            f"the microphone cannot be used: {sound.microphone_trouble}", "choose another one with --mic NAME"
        )
    if sound.speaker_trouble:
        yield Diagnosis(f"the speaker cannot be used: {sound.speaker_trouble}", "choose another one with --snd NAME")
    if sound.recorded is not None:
        yield from _check_recording(sound.recorded)


def _no_device_diagnosis(machine: MachineReport) -> Diagnosis:
    if machine.has_sound_cards and not machine.may_use_sound:
        return Diagnosis(
            "there are sound cards, but you have no permission to use them",
            "sudo usermod -aG audio $USER, then log in again; for a service: SupplementaryGroups=audio",
        )
    if machine.has_sound_cards:
        return Diagnosis(
            "there are sound cards, but PortAudio finds none", "is another program using them? See: aplay -l"
        )
    return Diagnosis(
        "there is no sound device",
        "plug in a microphone and a speaker; without them: wyoming-rosie-satellite --mic wav:FILE --snd wav:FILE",
    )


def _check_recording(recorded: RecordingReport) -> Iterator[Diagnosis]:
    found = recorded.levels
    if found.rms <= QUIET_DBFS:
        yield Diagnosis(
            f"the microphone records silence ({found.rms} dBFS)",
            "is it muted, or is another one the default? See: alsamixer",
        )
        return
    if found.clipped >= CLIPPED:
        yield Diagnosis(
            f"the microphone is too loud ({100 * found.clipped:.1f} % of its samples are clipped)",
            "turn its gain down in alsamixer",
        )
    elif found.peak < FAINT_DBFS:
        yield Diagnosis(
            f"the microphone is too quiet (its peak is {found.peak} dBFS)",
            "speak while it records, or turn its gain up in alsamixer",
        )
    if abs(found.offset) >= OFFSET:
        yield Diagnosis(
            f"the microphone has a DC offset of {100 * found.offset:.1f} %",
            "try another port or sound card: the fault is electrical",
        )
    yield from _check_rate(recorded)
    if recorded.looked_for_words and recorded.wake_word is None:
        yield Diagnosis("the recording contains no wake word", "run it again and say 'okay nabu' while it records")


def _check_rate(recorded: RecordingReport) -> Iterator[Diagnosis]:
    if recorded.true_rate is None or abs(recorded.true_rate / recorded.rate - 1) < RATE_ERROR:
        return
    yield Diagnosis(
        f"the microphone promises {recorded.rate} Hz and delivers {recorded.true_rate:.0f}",
        f"read it with a command at its true rate: --mic-command 'arecord ...' --mic-command-rate {_closest_rate(recorded.true_rate)}",
    )


def _closest_rate(rate: float) -> int:
    return min(KNOWN_RATES, key=lambda usual: abs(usual - rate))


def _check_port_use(ports: tuple[PortReport, ...]) -> Iterator[Diagnosis]:
    for port in ports:
        if port.use == "other":
            yield Diagnosis(
                f"port {port.number} of {port.role} is in use by a program that does not speak Wyoming",
                f"stop that program, or choose another port: wyoming-rosie-{port.role} --uri tcp://0.0.0.0:PORT",
            )


def _check_service(services: tuple[ServiceReport, ...]) -> Iterator[Diagnosis]:
    if not services:
        yield Diagnosis("no Wyoming program was found", "start them all on this machine: wyoming-rosie up")
    for service in services:
        yield from diagnose_service(service)


def _check_brokers(brokers: tuple[BrokerReport, ...]) -> Iterator[Diagnosis]:
    for broker in brokers:
        name = f"the {broker.bus} broker at {broker.url}"
        if not broker.url:
            yield Diagnosis(f"the setting of the {broker.bus} broker is wrong", broker.trouble)
        elif not broker.is_reachable:
            yield Diagnosis(
                f"{name} cannot be reached: {broker.trouble}",
                f"start it: sudo systemctl start {BROKER_UNITS[broker.bus]}; or correct {broker.bus} in [bridge.broker]",
            )
        elif broker.trouble:
            yield Diagnosis(
                f"{name} cannot be used: {broker.trouble}",
                f"compare [bridge.broker] and {SECRETS[broker.bus]} with the settings of the broker",
            )
        yield from _check_broker_settings(broker, name)


def _check_broker_settings(broker: BrokerReport, name: str) -> Iterator[Diagnosis]:
    oldest = OLDEST_BROKERS.get(broker.bus)
    if oldest and broker.version and _parse_version(broker.version) < oldest:
        wanted = ".".join(map(str, oldest))
        yield Diagnosis(f"{name} is version {broker.version}", f"install version {wanted} or newer")
    if broker.keeps is False and broker.bus == "redis":
        yield Diagnosis(
            f"{name} keeps jobs in memory only, so that its end loses them",
            "redis-cli CONFIG SET appendonly yes, and CONFIG REWRITE, or set it in redis.conf",
        )
    if broker.keeps is False and broker.bus == "nats":
        yield Diagnosis(
            f"{name} has no JetStream, so that it keeps no events",
            "start it with -js, or add to its configuration: jetstream { store_dir: /var/lib/nats }",
        )
    if broker.eviction:
        yield Diagnosis(
            f"{name} deletes jobs when its memory is full (maxmemory-policy {broker.eviction})",
            "redis-cli CONFIG SET maxmemory-policy noeviction, and CONFIG REWRITE, or set it in redis.conf",
        )


def _parse_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
