"""The Debian packages fit the programs, their settings and their help."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from debian import commands, vendor
from wyoming_rosie import __version__, config
from wyoming_rosie.programs import PROGRAMS

DEBIAN = Path(__file__).parents[3] / "debian"
CONTROL = dict(re.findall(r"^Package: (\S+)\n(.*?)(?:\n\n|\Z)", (DEBIAN / "control").read_text(), re.MULTILINE | re.DOTALL))  # fmt: skip
SETTINGS = {
    "wake": "WakeConfig", "vad": "VadConfig", "asr": "AsrConfig", "intent": "IntentConfig", "tts": "TtsConfig",
    "hub": "HubConfig", "bridge": "BridgeConfig", "satellite": "SatelliteConfig",
}  # fmt: skip
HELP = """\
Usage: wyoming-rosie-wake [OPTIONS]

Wake word detection. More of it.

╭─ Network ───────────────────────╮
│ --uri STR     where to listen   │
│ --engine ONE  which [choices: micro, none] [default: micro]  │
│ --dir PATH    a folder          │
╰─────────────────────────────────╯
"""


def test_every_program_has_a_package_and_the_table_of_wheels_knows_it() -> None:
    names = {program.command for program in PROGRAMS}
    assert names <= CONTROL.keys()
    assert {package.name for package in vendor.PACKAGES} == CONTROL.keys() - {"wyoming-rosie"}
    assert set(commands.ROLES) == {program.role for program in PROGRAMS}


def test_every_program_gets_the_maintainer_scripts() -> None:
    (roles,) = re.findall(r"^ROLES = (.*)$", (DEBIAN / "rules").read_text(), re.MULTILINE)
    assert set(roles.split()) == {program.role for program in PROGRAMS}
    for script in DEBIAN.glob("role.*.in"):
        assert "#DEBHELPER#" in script.read_text()
    assert "systemctl stop wyoming-rosie-ROLE.service" in (DEBIAN / "role.prerm.in").read_text()  # debhelper does not


def test_the_common_package_brings_the_nightly_backup_and_leaves_backups_behind() -> None:
    installed = (DEBIAN / "wyoming-rosie-common.install").read_text().split()
    units = [DEBIAN.parent / name for name in installed if name.startswith("systemd/")]
    assert {unit.name for unit in units} == {"wyoming-rosie-backup.service", "wyoming-rosie-backup.timer"}
    assert all(unit.is_file() for unit in units)
    assert "--system" in units[0].read_text()
    assert "wyoming-rosie/backup" not in (DEBIAN / "wyoming-rosie-common.postrm").read_text()


def test_only_distributions_of_the_lock_are_left_out() -> None:
    locked = {requirement.name for requirement in vendor.parse_lock(vendor.LOCK.read_text())}
    assert {*vendor.NOT_IMPORTED, *(name for names in vendor.NOT_IMPORTED.values() for name in names)} <= locked


@pytest.mark.parametrize("package", vendor.PACKAGES, ids=lambda package: package.name)
def test_a_package_depends_on_those_that_own_its_wheels(package: vendor.BinaryPackage) -> None:
    depends, *_ = re.split("^(?:Recommends|Suggests)", CONTROL[package.name], maxsplit=1, flags=re.MULTILINE)
    found = set(re.findall(r"(wyoming-rosie-\w+) \(= \$\{binary:Version\}\)", depends))
    below = {needed for name in found for needed in _needs(name)} | found
    assert set(package.needs) == below


def _needs(name: str) -> tuple[str, ...]:
    return next(package.needs for package in vendor.PACKAGES if package.name == name)


def test_the_changelog_has_the_version_of_the_programs() -> None:
    assert (DEBIAN / "changelog").read_text().startswith(f"wyoming-rosie ({__version__}) ")


@pytest.mark.parametrize("all_active", [False, True], ids=["as shipped", "with the commented settings"])
@pytest.mark.parametrize("role", SETTINGS)
def test_the_configuration_file_is_accepted(role: str, all_active: bool, tmp_path: Path) -> None:
    text = (DEBIAN / "rosie.toml").read_text()
    file = tmp_path / "rosie.toml"
    file.write_text(re.sub(r"^#(?=[\w\[])", "", text, flags=re.MULTILINE) if all_active else text)
    assert set(tomllib.loads(file.read_text())) == set(SETTINGS)
    module = import_module(
        f"wyoming_rosie_{role}.{'config' if role in ('intent', 'bridge', 'satellite') else '__main__'}"
    )
    settings = config.read(role, getattr(module, SETTINGS[role]), ["--config", str(file)])
    program = next(program for program in PROGRAMS if program.role == role)
    assert program.port is None or getattr(settings, "uri", "") == f"tcp://0.0.0.0:{program.port}"


def test_help_becomes_a_man_page_and_a_completion() -> None:
    found = commands.parse_help(HELP)
    page = commands.create_man_page("wyoming-rosie-wake", "1.0", found, {})
    assert "wyoming\\-rosie\\-wake \\- wake word detection\n" in page
    assert ".TP\n.B \\-\\-uri STR\nwhere to listen\n" in page
    completion = commands.create_bash_completion("wyoming-rosie-wake", found)
    assert "--engine) COMPREPLY=($(compgen -W 'micro none'" in completion
    assert "--dir) _filedir" in completion
    assert "-W '--uri --engine --dir'" in completion


def test_text_that_begins_with_a_dot_is_no_troff_request() -> None:
    assert commands.escape(".SH oops\\x") == "\\&.SH oops\\ex"
