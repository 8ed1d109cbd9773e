"""`wyoming-rosie doctor`: diagnose audio, network and installation of this machine, with a next step for each fault."""

import asyncio
import json
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.levels import measure_levels
from wyoming_rosie.commands.diagnostics import audio_devices, brokers, machine, network
from wyoming_rosie.commands.diagnostics.diagnosis import diagnose
from wyoming_rosie.commands.diagnostics.redaction import redact
from wyoming_rosie.commands.diagnostics.report import (
    AudioDeviceList,
    AudioReport,
    Diagnosis,
    DoctorReport,
    RecordingReport,
    ServiceReport,
)
from wyoming_rosie.commands.diagnostics.security import printing as security_report
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.wakeword.detection import drop_near_misses
from wyoming_rosie.wakeword.micro import MicroStream, find_package_models

DISCOVERY_SECONDS = 2.0
"""Discovery time on the network."""


@dataclass(frozen=True)
class _AudioOptions:
    mic: str | None
    snd: str | None
    seconds: float


async def doctor(
    *,
    mic: Annotated[str | None, Parameter(help="part of the microphone's name [default: the system's]")] = None,
    snd: Annotated[str | None, Parameter(help="part of the speaker's name [default: the system's]")] = None,
    seconds: Annotated[float, Parameter(help="seconds to record")] = 3.0,
    sound: Annotated[bool, Parameter(help="record and play; otherwise no audio device is opened")] = True,
    keys: Annotated[
        bool, Parameter(help="show the encryption keys of satellites with --esphome; do not share them", negative=())
    ] = False,
    security: Annotated[
        bool,
        Parameter(
            help="list what is open on this machine, and to whom; exit status 1 if strangers can use or read something",
            negative=(),
        ),
    ] = False,
    json: Annotated[bool, Parameter(help="print the report as JSON", negative=())] = False,
) -> None:
    """Check microphone, speaker, ports, programs, brokers, clock and packages; print the next step for each fault.

    Say "okay nabu" while it records. The report names no people and no public addresses: it is safe to share,
    unless it shows keys.
    """
    if keys:
        _print_keys(await asyncio.to_thread(machine.find_esphome_keys))
        return
    if security:
        await security_report.print_report(as_json=json)
        return
    console = Console(stderr=True)
    with console.status("checking this machine and its network"):
        about, (services, ports), buses = await asyncio.gather(
            asyncio.to_thread(machine.create_report),
            network.create_report(min(seconds, DISCOVERY_SECONDS)),
            brokers.create_report(),
        )
    audio = await _test_audio(_AudioOptions(mic, snd, seconds), console) if sound else None
    findings = DoctorReport(about, audio, ports, services, buses)
    names = machine.get_private_names()
    if json:
        report = {"findings": asdict(findings), "advice": [asdict(diagnosis) for diagnosis in diagnose(findings)]}
        print(_to_json(_redact_json(report, names)))  # noqa: T201
    else:
        _print_report(Console(soft_wrap=True, highlight=False), findings, names)


async def _test_audio(ask: _AudioOptions, console: Console) -> AudioReport:
    """Record, search the recording for a wake word, and play it."""
    try:
        library = await asyncio.to_thread(audio_devices.load_sounddevice)
    except ConfigError as err:
        return AudioReport(AudioDeviceList(trouble=str(err)))
    found = AudioReport(await asyncio.to_thread(audio_devices.list_devices, library))
    if not found.devices.microphones:
        return found
    console.print(f"recording for {ask.seconds:g} s: say 'okay nabu'")
    try:
        audio, pcm, rate = await asyncio.to_thread(audio_devices.record, library, ask.mic, ask.seconds)
    except RosieError as err:
        return replace(found, microphone_trouble=str(err))
    speech = await asyncio.to_thread(audio_devices.to_speech_format, audio, pcm)
    word, has_looked = await asyncio.to_thread(_find_wake_word, speech)
    found = replace(found, recorded=RecordingReport(audio.rate, rate, measure_levels(pcm), word, has_looked))
    if not found.devices.speakers:
        return found
    console.print("playing it")
    try:
        await asyncio.to_thread(audio_devices.play_recording, library, ask.snd, SPEECH, speech)
    except RosieError as err:
        return replace(found, speaker_trouble=str(err))
    return found


def _find_wake_word(speech: bytes) -> tuple[str | None, bool]:
    """Return the first wake word in speech PCM, and whether a detector is installed."""
    try:
        words = list(find_package_models().values())
        names = [found.name for found in drop_near_misses(MicroStream(words).process(speech))]
    except (RosieError, ImportError):
        return None, False
    return (names[0] if names else None), True


def _print_report(console: Console, findings: DoctorReport, names: set[str]) -> None:
    about = findings.machine
    _print_table(console, "machine", _format_machine(findings), names)
    if findings.sound is not None:
        _print_table(console, "sound", _format_audio(findings.sound), names)
    _print_table(
        console, "ports here", [(str(item.number), f"{item.role}: {item.use}") for item in findings.ports], names
    )
    programs = [(item.role or "?", _format_service(item)) for item in findings.services]
    _print_table(console, "programs", programs or [("none", "")], names)
    if findings.brokers:
        rows = [(broker.bus, f"{broker.url} {broker.version}".strip()) for broker in findings.brokers]
        _print_table(console, "brokers of the bridge", rows, names)
    _print_table(console, "models", [("fetched", item) for item in about.models] or [("fetched", "none")], names)
    _print_diagnosis(console, diagnose(findings), names)


def _print_keys(found: list[tuple[str, str]]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if not found:
        console.print("no satellite with a key was found; that of a system service shows with sudo")
    for name, key in found:
        console.print(f"{name}: {key}", markup=False)


def _format_machine(findings: DoctorReport) -> list[tuple[str, str]]:
    about = findings.machine
    clock = {True: "set by the network", False: "not set by the network", None: "unknown"}[about.clock_is_set]
    complete = [extra for extra, lacks in about.extras.items() if not lacks]
    return [
        ("wyoming-rosie", f"{about.version} on Python {about.python}"),
        ("system", about.system),
        ("clock", clock),
        ("installed", ", ".join(complete) or "nothing"),
        (
            "sound cards",
            f"{'some' if about.has_sound_cards else 'none'}{'' if about.may_use_sound else ', no permission'}",
        ),
        ("sound server", about.sound_server or "none"),
    ]


def _format_audio(sound: AudioReport) -> list[tuple[str, str]]:
    rows = [
        (
            "device",
            f"{device.name}: {device.inputs} in, {device.outputs} out, {device.rate:g} Hz{', default' * device.is_default}",
        )
        for device in sound.devices.found
    ]
    if sound.recorded is not None:
        found = sound.recorded.levels
        rate = "unknown" if sound.recorded.true_rate is None else f"{sound.recorded.true_rate:.0f} Hz"
        rows += [
            ("level", f"{found.rms} dBFS, peak {found.peak} dBFS, {100 * found.clipped:.2f} % clipped"),
            ("offset", f"{100 * found.offset:.2f} %"),
            ("rate", f"{sound.recorded.rate} Hz, measured {rate}"),
            ("wake word", sound.recorded.wake_word or "none"),
        ]
    return rows or [("devices", "none")]


def _format_service(service: ServiceReport) -> str:
    answer = "does not answer" if service.ms is None else f"{service.ms:g} ms"
    missing = f"not installed yet: {', '.join(service.missing_models)}" if service.missing_models else ""
    return ", ".join(
        part for part in (f"{service.uri} {service.engine} {answer}", missing, service.house, service.trust) if part
    )


def _print_table(console: Console, title: str, rows: list[tuple[str, str]], names: set[str]) -> None:
    table = Table(box=None, show_header=False, title=title, title_justify="left", title_style="bold")
    for key, value in rows:
        table.add_row(key, Text(redact(value, names)))
    console.print(table)


def _print_diagnosis(console: Console, advice: list[Diagnosis], names: set[str]) -> None:
    count = {0: "no fault was found", 1: "one fault"}.get(len(advice), f"{len(advice)} faults")
    console.print(f"\n{count}", style="bold")
    for diagnosis in advice:
        console.print(f"  {redact(diagnosis.fault, names)}", style="yellow", markup=False)
        console.print(f"    next: {redact(diagnosis.next_step, names)}", markup=False)


def _redact_json(value: Any, names: set[str]) -> Any:
    """Return a JSON value with all its strings redacted."""
    if isinstance(value, str):
        return redact(value, names)
    if isinstance(value, dict):
        return {key: _redact_json(item, names) for key, item in value.items()}
    return [_redact_json(item, names) for item in value] if isinstance(value, list | tuple) else value


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
