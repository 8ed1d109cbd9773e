"""From findings to advice: one next step for each fault."""

from collections.abc import Iterator
from dataclasses import dataclass

from wyoming_rosie.commands.diagnostics.findings import Findings, Machine, Port, Recorded, Service, Sound
from wyoming_rosie.commands.diagnostics.sample_rate import KNOWN_RATES
from wyoming_rosie.home.model import PRETEND_OWN
from wyoming_rosie.runtime.extras import install_command

QUIET_DBFS = -65.0
"""No room is quieter: the microphone is off, or hears nothing."""
FAINT_DBFS = -40.0
"""Of the loudest sample, while somebody speaks."""
CLIPPED = 0.001
OFFSET = 0.02
RATE_ERROR = 0.03
SLOW_MS = 1000.0
NEEDED = ("wake", "vad", "asr", "intent", "tts", "satellite")


@dataclass(frozen=True)
class Advice:
    fault: str
    next_step: str


def advise(findings: Findings) -> list[Advice]:
    """Return what is wrong and what to do about it, what must come first first."""
    sound = [] if findings.sound is None else [*_of_sound(findings.sound, findings.machine)]
    return [*_of_machine(findings.machine), *sound, *_of_ports(findings.ports), *_of_services(findings.services)]


def _of_machine(machine: Machine) -> Iterator[Advice]:
    for extra in NEEDED:
        if lacking := machine.extras.get(extra):
            yield Advice(
                f"{extra} lacks {', '.join(lacking)}",
                f"{install_command([extra])}, if this machine shall do that",
            )
    if machine.clock_is_set is False:
        yield Advice("the clock is not set by the network", "sudo timedatectl set-ntp true")


def _of_sound(sound: Sound, machine: Machine) -> Iterator[Advice]:
    if sound.devices.trouble:
        yield Advice("microphones and speakers cannot be used", sound.devices.trouble)
        return
    if not sound.devices.found:
        yield _no_device(machine)
        return
    if not sound.devices.microphones:
        yield Advice(
            "there is no microphone", "plug one in, or use a satellite: wyoming-rosie discover --role satellite"
        )
    if not sound.devices.speakers:
        yield Advice("there is no speaker", "plug one in, or let the satellite write files: --snd wav:FILE")
    if sound.microphone_trouble:
        yield Advice(f"the microphone cannot be used: {sound.microphone_trouble}", "choose another one with --mic NAME")
    if sound.speaker_trouble:
        yield Advice(f"the speaker cannot be used: {sound.speaker_trouble}", "choose another one with --snd NAME")
    if sound.recorded is not None:
        yield from _of_recording(sound.recorded)


def _no_device(machine: Machine) -> Advice:
    if machine.has_sound_cards and not machine.may_use_sound:
        return Advice(
            "there are sound cards, but you may not use them",
            "sudo usermod -aG audio $USER, then log in again; for a service: SupplementaryGroups=audio",
        )
    if machine.has_sound_cards:
        return Advice("there are sound cards, but PortAudio finds none", "is another program using them? see: aplay -l")
    return Advice(
        "there is no sound device",
        "plug in a microphone and a speaker; without them: wyoming-rosie-satellite --mic wav:FILE --snd wav:FILE",
    )


def _of_recording(recorded: Recorded) -> Iterator[Advice]:
    found = recorded.levels
    if found.rms <= QUIET_DBFS:
        yield Advice(
            f"the microphone hears nothing ({found.rms} dBFS)",
            "is it muted, or another one the default? see: alsamixer",
        )
        return
    if found.clipped >= CLIPPED:
        yield Advice(
            f"the microphone is too loud ({100 * found.clipped:.1f} % of it is cut off)",
            "turn its gain down in alsamixer",
        )
    elif found.peak < FAINT_DBFS:
        yield Advice(
            f"the microphone is faint (its peak is {found.peak} dBFS)",
            "speak while it records, or turn its gain up in alsamixer",
        )
    if abs(found.offset) >= OFFSET:
        yield Advice(
            f"the microphone has an offset of {100 * found.offset:.1f} %",
            "try another port or sound card: it is electrical",
        )
    yield from _of_rate(recorded)
    if recorded.looked_for_words and recorded.wake_word is None:
        yield Advice("no wake word was in the recording", "run it again and say 'okay nabu' while it records")


def _of_rate(recorded: Recorded) -> Iterator[Advice]:
    if recorded.true_rate is None or abs(recorded.true_rate / recorded.rate - 1) < RATE_ERROR:
        return
    yield Advice(
        f"the microphone says {recorded.rate} Hz and gives {recorded.true_rate:.0f}",
        f"read it with a command at its true rate: --mic-command 'arecord ...' --mic-command-rate {_usual(recorded.true_rate)}",
    )


def _usual(rate: float) -> int:
    return min(KNOWN_RATES, key=lambda usual: abs(usual - rate))


def _of_ports(ports: tuple[Port, ...]) -> Iterator[Advice]:
    for port in ports:
        if port.use == "other":
            yield Advice(
                f"port {port.number}, which is for {port.role}, is used by a program that does not speak Wyoming",
                f"end that program, or choose another port: wyoming-rosie-{port.role} --uri tcp://0.0.0.0:PORT",
            )


def _of_services(services: tuple[Service, ...]) -> Iterator[Advice]:
    if not services:
        yield Advice("no Wyoming program was found", "start them all on this machine: wyoming-rosie up")
    for one in services:
        name = f"{one.role or 'a program'} at {one.uri}"
        if one.ms is None:
            yield Advice(
                f"{name} is announced and does not answer", "is it still running, and its port open in the firewall?"
            )
        elif one.house == PRETEND_OWN:
            yield Advice(
                f"{name} acts in {one.house}",
                "have Home Assistant act: wyoming-rosie-intent --actor home-assistant, or --actor none for its own pipelines",
            )
        elif one.ms > SLOW_MS:
            yield Advice(
                f"{name} takes {one.ms:.0f} ms to answer", "find out what keeps it busy: wyoming-rosie check URI"
            )
