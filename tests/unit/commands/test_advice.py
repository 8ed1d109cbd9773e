"""The doctor's rules: one next step for each fault, none where all is well."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.commands.diagnostics.advice import advise
from wyoming_rosie.commands.diagnostics.findings import (
    Device,
    Devices,
    Findings,
    Machine,
    Port,
    Recorded,
    Service,
    Sound,
)
from wyoming_rosie.commands.diagnostics.sample_rate import Arrival, measured
from wyoming_rosie.commands.levels import Levels
from wyoming_rosie.home.model import PRETEND_OWN
from wyoming_rosie.runtime.extras import missing_requirements

GOOD = Levels(rms=-30.0, peak=-12.0, clipped=0.0, offset=0.001)
MACHINE = Machine("Linux", "3.11", "1.0", True, has_sound_cards=True, may_use_sound=True, sound_server="PipeWire")
SOUND = Sound(Devices((Device("USB", 1, 2, 16_000.0, True),)), Recorded(16_000, 16_010.0, GOOD, "okay_nabu"))
WELL = Findings(MACHINE, SOUND, (Port("asr", 10300, "free"),), (Service("asr", "tcp://10.0.0.2:10300", "x", 2.0),))


def heard(levels: Levels = GOOD, **fields: Any) -> Findings:
    assert SOUND.recorded is not None
    return replace(WELL, sound=replace(SOUND, recorded=replace(SOUND.recorded, levels=levels, **fields)))


def machine(**fields: Any) -> Findings:
    return replace(WELL, machine=replace(MACHINE, **fields))


def without_devices(**fields: Any) -> Findings:
    return replace(machine(**fields), sound=Sound())


FAULTS = {
    "no device": (without_devices(has_sound_cards=False), "plug in a microphone"),
    "no permission": (without_devices(may_use_sound=False), "usermod -aG audio"),
    "no library": (replace(WELL, sound=Sound(Devices(trouble="apt install it"))), "apt install it"),
    "no speaker": (replace(WELL, sound=replace(SOUND, devices=Devices((Device("M", 1, 0, 1.0),)))), "wav:FILE"),
    "a broken microphone": (replace(WELL, sound=replace(SOUND, microphone_trouble="busy")), "--mic NAME"),
    "a broken speaker": (replace(WELL, sound=replace(SOUND, speaker_trouble="busy")), "--snd NAME"),
    "nothing heard": (heard(replace(GOOD, rms=-90.0), wake_word=None), "muted"),
    "too loud": (heard(replace(GOOD, clipped=0.1)), "gain down"),
    "too faint": (heard(replace(GOOD, peak=-50.0)), "gain up"),
    "an offset": (heard(replace(GOOD, offset=-0.2)), "another port"),
    "half the rate": (heard(rate=44_100, true_rate=22_030.0), "--mic-command-rate 22050"),
    "no wake word": (heard(wake_word=None), "okay nabu"),
    "a missing package": (machine(extras={"wake": ("soxr",)}), "[wake]"),
    "a clock that is not set": (machine(clock_is_set=False), "set-ntp"),
    "a port that is taken": (replace(WELL, ports=(Port("asr", 10300, "other"),)), "wyoming-rosie-asr --uri"),
    "no program": (replace(WELL, services=()), "wyoming-rosie up"),
    "a pretend house": (
        replace(WELL, services=(Service("intent", "tcp://x:1", "", 3.0, PRETEND_OWN),)),
        "--actor home-assistant",
    ),
    "a program that is gone": (replace(WELL, services=(Service("asr", "tcp://x:1", "", None),)), "firewall"),
    "a slow program": (replace(WELL, services=(Service("asr", "tcp://x:1", "", 3000.0),)), "wyoming-rosie check"),
}


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert advise(WELL) == []
    assert advise(replace(WELL, sound=None)) == []


@pytest.mark.parametrize(("findings", "next_step"), FAULTS.values(), ids=FAULTS)
def test_each_fault_has_one_next_step(findings: Findings, next_step: str) -> None:
    (advice,) = advise(findings)
    assert next_step in advice.next_step


def test_words_are_not_missed_where_nobody_could_look_for_them() -> None:
    assert advise(heard(wake_word=None, looked_for_words=False)) == []


def test_a_clock_that_nobody_can_tell_is_no_fault() -> None:
    assert advise(machine(clock_is_set=None)) == []


@given(st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]), st.integers(21, 100))
def test_the_true_rate_is_measured(rate: int, blocks: int) -> None:
    samples = rate // 20
    found = measured([Arrival(0.05 * at, samples) for at in range(1, blocks + 2)])
    assert found == pytest.approx(samples * 20)


def test_a_short_while_has_no_rate() -> None:
    assert measured([]) is None
    assert measured([Arrival(0.0, 800), Arrival(0.05, 800)]) is None


def test_extras_lack_what_is_not_installed() -> None:
    requires = [
        "wyoming>=1.10",
        "soxr>=0.5; extra == 'wake'",
        "Pymicro_Wakeword>=2.5; extra == 'wake'",
        "numpy; extra == 'tts'",
        "wyoming-rosie[wake]; extra == 'all'",
        "mypy; extra == 'dev'",
    ]
    assert missing_requirements(requires, {"soxr", "numpy"}) == {"tts": (), "wake": ("pymicro-wakeword",)}
