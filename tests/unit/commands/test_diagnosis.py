"""Diagnosis: one next step for each fault, and none without faults."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.levels import AudioLevels
from wyoming_rosie.commands.diagnostics.diagnosis import diagnose
from wyoming_rosie.commands.diagnostics.report import (
    AudioDevice,
    AudioDeviceList,
    AudioReport,
    BrokerReport,
    DoctorReport,
    MachineReport,
    PortReport,
    RecordingReport,
    ServiceReport,
)
from wyoming_rosie.commands.diagnostics.sample_rate import AudioArrival, measure_rate
from wyoming_rosie.home.model import SIMULATED_HOME_FILE
from wyoming_rosie.runtime.extras import missing_requirements

GOOD = AudioLevels(rms=-30.0, peak=-12.0, clipped=0.0, offset=0.001)
MACHINE = MachineReport("Linux", "3.11", "1.0", True, has_sound_cards=True, may_use_sound=True, sound_server="PipeWire")
SOUND = AudioReport(
    AudioDeviceList((AudioDevice("USB", 1, 2, 16_000.0, True),)), RecordingReport(16_000, 16_010.0, GOOD, "okay_nabu")
)
WELL = DoctorReport(
    MACHINE, SOUND, (PortReport("asr", 10300, "free"),), (ServiceReport("asr", "tcp://10.0.0.2:10300", "x", 2.0),)
)


def heard(levels: AudioLevels = GOOD, **fields: Any) -> DoctorReport:
    assert SOUND.recorded is not None
    return replace(WELL, sound=replace(SOUND, recorded=replace(SOUND.recorded, levels=levels, **fields)))


def machine(**fields: Any) -> DoctorReport:
    return replace(WELL, machine=replace(MACHINE, **fields))


def without_devices(**fields: Any) -> DoctorReport:
    return replace(machine(**fields), sound=AudioReport())


REDIS = BrokerReport("redis", "redis://127.0.0.1:6379", "7.0.15", keeps=True)
NATS = BrokerReport("nats", "nats://127.0.0.1:4222", "2.10.1", keeps=True)


def with_brokers(*brokers: BrokerReport) -> DoctorReport:
    return replace(WELL, brokers=brokers)


FAULTS = {
    "no device": (without_devices(has_sound_cards=False), "plug in a microphone"),
    "no permission": (without_devices(may_use_sound=False), "usermod -aG audio"),
    "no library": (replace(WELL, sound=AudioReport(AudioDeviceList(trouble="apt install it"))), "apt install it"),
    "no speaker": (
        replace(WELL, sound=replace(SOUND, devices=AudioDeviceList((AudioDevice("M", 1, 0, 1.0),)))),
        "wav:FILE",
    ),
    "a broken microphone": (replace(WELL, sound=replace(SOUND, microphone_trouble="busy")), "--mic NAME"),
    "a broken speaker": (replace(WELL, sound=replace(SOUND, speaker_trouble="busy")), "--snd NAME"),
    "nothing heard": (heard(replace(GOOD, rms=-90.0), wake_word=None), "muted"),
    "too loud": (heard(replace(GOOD, clipped=0.1)), "gain down"),
    "too faint": (heard(replace(GOOD, peak=-50.0)), "gain up"),
    "an offset": (heard(replace(GOOD, offset=-0.2)), "another port"),
    "half the rate": (heard(rate=44_100, true_rate=22_030.0), "--mic-command-rate 22050"),
    "no wake word": (heard(wake_word=None), "okay nabu"),
    "a missing package": (machine(extras={"wake": ("soxr",)}), "[wake]"),
    "a missing engine": (machine(extras={"piper": ("onnx",)}, chosen_extras=("piper",)), "[piper]"),
    "a clock that is not set": (machine(clock_is_set=False), "set-ntp"),
    "a port that is taken": (replace(WELL, ports=(PortReport("asr", 10300, "other"),)), "wyoming-rosie-asr --uri"),
    "no program": (replace(WELL, services=()), "wyoming-rosie up"),
    "a simulated home": (
        replace(WELL, services=(ServiceReport("intent", "tcp://x:1", "", 3.0, SIMULATED_HOME_FILE),)),
        "--actor home-assistant",
    ),
    "a program that is gone": (
        replace(WELL, services=(ServiceReport("asr", "tcp://x:1", "", None, name="Speech"),)),
        "firewall",
    ),
    "a daemon of the hub that is gone": (
        replace(WELL, services=(ServiceReport("asr", "tcp://x:1", "", None),)),
        "systemctl start wyoming-rosie-asr",
    ),
    "a program without a model": (
        replace(WELL, services=(ServiceReport("asr", "tcp://x:1", "", 1.0, is_installed=False),)),
        "models list",
    ),
    "a broker that is not a URL": (with_brokers(BrokerReport("mqtt", "", trouble="use mqtt://")), "use mqtt://"),
    "a broker that is away": (
        with_brokers(replace(NATS, version="", keeps=None, is_reachable=False, trouble="Connection refused")),
        "systemctl start nats-server",
    ),
    "a broker that refuses us": (with_brokers(replace(REDIS, keeps=None, trouble="refused")), "REDIS_PASSWORD"),
    "a Redis that is old": (with_brokers(replace(REDIS, version="6.2.14")), "7.0 or newer"),
    "a Redis that forgets": (with_brokers(replace(REDIS, keeps=False)), "appendonly yes"),
    "a Redis that evicts": (with_brokers(replace(REDIS, eviction="allkeys-lru")), "noeviction"),
    "a NATS without JetStream": (with_brokers(replace(NATS, keeps=False)), "-js"),
    "a NATS that is old": (with_brokers(replace(NATS, version="2.8.4")), "2.9 or newer"),
    "a slow program": (replace(WELL, services=(ServiceReport("asr", "tcp://x:1", "", 3000.0),)), "wyoming-rosie check"),
}


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert diagnose(WELL) == []
    assert diagnose(replace(WELL, sound=None)) == []
    assert diagnose(with_brokers(REDIS, NATS, BrokerReport("mqtt", "mqtt://127.0.0.1:1883"))) == []
    assert diagnose(with_brokers(replace(REDIS, version="", keeps=None))) == []  # INFO is not permitted


@pytest.mark.parametrize(("findings", "next_step"), FAULTS.values(), ids=FAULTS)
def test_each_fault_has_one_next_step(findings: DoctorReport, next_step: str) -> None:
    (advice,) = diagnose(findings)
    assert next_step in advice.next_step


def test_words_are_not_missed_where_nobody_could_look_for_them() -> None:
    assert diagnose(heard(wake_word=None, looked_for_words=False)) == []


def test_a_program_that_was_not_installed_on_purpose_lacks_nothing() -> None:
    assert diagnose(machine(extras={"wake": ("soxr",)}, absent_programs=("wake",))) == []


def test_a_clock_that_nobody_can_tell_is_no_fault() -> None:
    assert diagnose(machine(clock_is_set=None)) == []


@given(st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]), st.integers(21, 100))
def test_the_true_rate_is_measured(rate: int, blocks: int) -> None:
    samples = rate // 20
    found = measure_rate([AudioArrival(0.05 * at, samples) for at in range(1, blocks + 2)])
    assert found == pytest.approx(samples * 20)


def test_a_short_while_has_no_rate() -> None:
    assert measure_rate([]) is None
    assert measure_rate([AudioArrival(0.0, 800), AudioArrival(0.05, 800)]) is None


def test_extras_lack_what_is_not_installed() -> None:
    requires = [
        "wyoming>=1.10",
        "soxr>=0.5; extra == 'wake'",
        "Pymicro_Wakeword>=2.5; extra == 'wake'",
        "numpy; extra == 'tts'",
        "py-nanotts; platform_machine == 'x86_64' and extra == 'tts'",
        "wyoming-rosie[wake]; extra == 'all'",
        "mypy; extra == 'dev'",
    ]
    assert missing_requirements(requires, {"soxr", "numpy"}) == {"tts": (), "wake": ("pymicro-wakeword",)}
