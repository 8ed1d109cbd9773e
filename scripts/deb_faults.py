"""Faults of a machine under a booted systemd: what the journal says, whether the units run, and that they recover."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

from scripts.deb_engines import create_models
from scripts.deb_suite import (
    PORTS,
    RECORDING,
    ROLES,
    CheckError,
    Container,
    Suite,
    add_network,
    add_settings,
    ask,
    install_all,
    require,
    take_turn,
    use_recording,
    wait_until,
)

Seen: TypeAlias = Iterator[tuple[str, str]]
REPEAT_SECONDS = 20
MAX_STARTS = 5
"""Starts of a program within REPEAT_SECONDS that are not too many."""
STATE_FOLDERS = ("/var/lib/private/wyoming-rosie", "/var/cache/private/wyoming-rosie")
PAST = "@1980-01-02 00:00:00"
CLOCK_FILE = "/srv/clock"
CLOCK_SETTINGS = f"""\
[Service]
Environment=LD_PRELOAD=LIBRARY FAKETIME_TIMESTAMP_FILE={CLOCK_FILE} FAKETIME_DISABLE_SHM=1 FAKETIME_DONT_FAKE_MONOTONIC=1
"""
"""A container cannot set the clock; libfaketime says another time to each program. It reads the file every ten seconds."""


def check_faults(suite: Suite) -> Seen:
    """Cause each fault, and end it."""
    with suite.container() as container:
        container.run("ip", "link", "delete", "lan0")
        install_all(container, "debs")
        for check in FAULTS:
            text = container.settings.read_text()
            try:
                yield from check(container)
            except CheckError as err:
                yield f"FAILED {check.__name__}", str(err)
            container.settings.write_text(text)
            restart(container, ROLES)


def restart(container: Container, roles: tuple[str, ...]) -> None:
    """Restart programs and wait until they are ready. Raises CheckError."""
    for role in roles:
        container.run("systemctl", "restart", f"wyoming-rosie-{role}")
        wait_until(partial(container.is_active, f"wyoming-rosie-{role}"), f"{role} active")


def read_messages(container: Container, role: str, after: str, words: str = "") -> list[str]:
    """Return what a program has written since a position in the journal. Raises CheckError for a traceback."""
    found = container.journal(f"wyoming-rosie-{role}", after)
    require(not any("Traceback" in line for line in found), f"{role} wrote a traceback: {found[-3:]}")
    return [line for line in found if words in line]


def shorten(line: str) -> str:
    """Return a message without its time."""
    return re.sub(r', "timestamp": "[^"]*"', "", line)


def check_no_network(container: Container) -> Seen:
    """Add the network after everything was installed and started without one."""
    for role in ROLES:
        wait_until(partial(container.is_active, f"wyoming-rosie-{role}"), f"{role} active")
    lines = read_messages(container, "asr", "", "no address")
    require(len(lines) == 1, f"not one line: {lines}")
    after = container.journal_end()
    add_network(container)
    seconds = wait_until(lambda: read_messages(container, "asr", after, '"announced"'), "announcement")
    yield "no network at boot", f"{shorten(lines[0])}; all units active; announced {seconds:.0f} s after there was one"


def check_order(container: Container) -> Seen:
    """Start the satellite, then the hub, then the daemons that both need, one by one."""
    use_recording(container)
    container.run("systemctl", "stop", *(f"wyoming-rosie-{role}" for role in ROLES))
    after = container.journal_end()
    restart(container, ("satellite", "hub"))
    wait_until(lambda: read_messages(container, "hub", after, "satellite connected"), "the satellite's connection")
    restart(container, ("tts", "intent", "vad", "wake", "asr"))
    for role in ("tts", "intent", "asr"):
        used = partial(read_messages, container, "hub", after, f'"role": "{role}"')
        wait_until(used, f"the hub uses {role}")
    yield "daemons after hub, satellite", f"{take_turn(container)} when the satellite has started again"


def check_broken_settings(container: Container) -> Seen:
    """Reload with a broken file, which keeps the process, then restart, which fails once."""
    unit, text = "wyoming-rosie-wake.service", container.settings.read_text()
    process = container.show(unit, "MainPID")
    container.settings.write_text(text.replace("[wake]", "[wake"))
    after = container.journal_end()
    container.run("systemctl", "reload", unit, allowed=(1,))
    (line,) = read_messages(container, "wake", after, "rosie.toml") or ["no line"]
    require("is not valid TOML" in line, line)
    require(
        container.is_active(unit) and container.show(unit, "MainPID") == process, "the process did not keep running"
    )
    yield "broken rosie.toml, reload", f"{line}; status 1; the same process answers {ask(container, 'wake')}"
    after = container.journal_end()
    container.run("systemctl", "restart", unit, allowed=(0, 1))
    time.sleep(REPEAT_SECONDS)
    lines = read_messages(container, "wake", after, "rosie.toml")
    require(len(lines) == 1, f"not one line: {lines}")
    yield "broken rosie.toml, restart", f"one line; unit {container.show(unit, 'ActiveState')}, not started again"
    container.settings.write_text(text)
    restart(container, ("wake",))
    process = container.show(unit, "MainPID")
    container.run("systemctl", "reload", unit)
    require(container.show(unit, "MainPID") != process, "the reload did not take the settings")
    yield "mended rosie.toml", f"active; a reload restarts it: {ask(container, 'wake')}"


def check_upgrade(container: Container) -> Seen:
    """Upgrade with a broken file, which succeeds with a line for each program, and keeps the processes."""
    text = container.settings.read_text()
    container.settings.write_text(text.replace("[wake]", "[wake"))
    before = {role: container.show(f"wyoming-rosie-{role}", "MainPID") for role in ROLES}
    script = "apt-get -qq -y -o Dpkg::Options::=--force-confold install --no-install-recommends /newer/*.deb 2>&1"
    said = [
        line for line in container.run("sh", "-c", script).splitlines() if "rosie.toml is" in line or "TOML" in line
    ]
    require(len(said) == len(ROLES), f"not one line for each program: {said}")
    after = {role: container.show(f"wyoming-rosie-{role}", "MainPID") for role in ROLES}
    require(before == after, f"processes {before} are now {after}")
    wake = next(line for line in said if line.startswith("wyoming-rosie-wake"))
    yield "upgrade, broken rosie.toml", f"{wake}; all {len(ROLES)} processes keep running"


def check_missing_model(container: Container) -> Seen:
    """Name the folder of a model, and create it later."""
    add_settings(
        container, {"asr": 'engine = "faster-whisper"'}, '[asr.faster_whisper]\nmodel = "/srv/models/whisper"\n'
    )
    after = container.journal_end()
    container.run("systemctl", "restart", "wyoming-rosie-asr", allowed=(0, 1))
    starts, line = _count_starts(container, "asr", after, "/srv/models/whisper")
    create_models(container)
    seconds = wait_until(partial(container.is_active, "wyoming-rosie-asr"), "asr active")
    yield "model folder is missing", f"{line}; {starts}; active {seconds:.0f} s after it was there"


def check_port(container: Container) -> Seen:
    """Let another program have the port."""
    code = f"import socket, time; taken = socket.create_server(('', {PORTS['vad']})); time.sleep(600)"
    container.run("systemctl", "stop", "wyoming-rosie-vad")
    container.run("systemd-run", "-q", "--unit=taken", "python3", "-c", code)
    wait_until(lambda: f":{PORTS['vad']} " in container.run("ss", "-ltn"), "the other program")
    after = container.journal_end()
    container.run("systemctl", "start", "wyoming-rosie-vad", allowed=(0, 1))
    starts, line = _count_starts(container, "vad", after, "cannot listen")
    container.run("systemctl", "stop", "taken")
    seconds = wait_until(partial(container.is_active, "wyoming-rosie-vad"), "vad active")
    yield "port in use", f"{line}; {starts}; active {seconds:.0f} s after it was free"


def _count_starts(container: Container, role: str, after: str, words: str) -> tuple[str, str]:
    """Return how often a program that cannot work was started, and its only message. Raises CheckError."""
    time.sleep(REPEAT_SECONDS)
    lines = read_messages(container, role, after, f"wyoming-rosie-{role}: ")
    require(len(set(lines)) == 1 and words in lines[0], f"not one message: {lines}")
    require(len(lines) <= MAX_STARTS, f"{len(lines)} starts in {REPEAT_SECONDS} s")
    return f"{len(lines)} starts in {REPEAT_SECONDS} s", lines[0]


def check_full_disk(container: Container) -> Seen:
    """Fill the file system of state and cache."""
    with _state_folders(container, 'dd if=/dev/zero of="$1/fill" bs=4k 2> /dev/null || true'):
        yield "full disk", _work_without_disk(container, "No space left")
    restart(container, ROLES)
    yield "full disk, then not", _say(container)


def check_read_only(container: Container) -> Seen:
    """Make the file system of state and cache read-only."""
    with _state_folders(container, 'mount -o remount,ro "$1"'):
        yield "read-only file system", _work_without_disk(container, "Read-only")
    restart(container, ROLES)
    yield "read-only, then not", _say(container)


@contextmanager
def _state_folders(container: Container, spoil: str) -> Iterator[None]:
    """Mount file systems with the contents of the state folders, spoiled by a line of shell."""
    container.run("systemctl", "stop", *(f"wyoming-rosie-{role}" for role in ROLES))
    script = 'cp -a "$1" "$1.copy"; mount -t tmpfs -o size=16m,mode=755 tmpfs "$1"; cp -a "$1.copy/." "$1"; rm -r "$1.copy"; '
    for folder in STATE_FOLDERS:
        container.run("sh", "-c", f'{script} rm -rf "$1/hub/phrases"; {spoil}', "sh", folder)
    try:
        yield
    finally:
        container.run("systemctl", "stop", *(f"wyoming-rosie-{role}" for role in ROLES))
        container.run("umount", *STATE_FOLDERS)


def _work_without_disk(container: Container, reason: str) -> str:
    """Return what the programs say about a disk that takes nothing, while all of them work. Raises CheckError."""
    after = container.journal_end()
    restart(container, ROLES)
    _say(container)
    wait_until(lambda: read_messages(container, "hub", after, reason), "the hub's message")
    found = {role: read_messages(container, role, after, reason) for role in ROLES}
    require(all(len(lines) <= 1 for lines in found.values()), f"more than one line: {found}")
    return " and ".join(shorten(line) for lines in found.values() for line in lines) + "; all units active; tts speaks"


def _say(container: Container) -> str:
    uri = f"tcp://127.0.0.1:{PORTS['tts']}"
    text = f"it is {time.monotonic():.0f}"  # nothing that is cached
    container.run("wyoming-rosie", "say", text, "--output", "/run/said.wav", "--uri", uri)
    return "all units active; tts speaks"


def check_clock(container: Container) -> Seen:
    """Start with the clock of a board that has none, and set it later."""
    (library,) = container.root.glob("usr/lib/*/faketime/libfaketimeMT.so.1")
    clock = container.root / CLOCK_FILE[1:]
    clock.write_text(f"{PAST}\n")
    for role in ROLES:
        folder = container.root / f"etc/systemd/system/wyoming-rosie-{role}.service.d"
        folder.mkdir()
        text = CLOCK_SETTINGS.replace("LIBRARY", f"/{library.relative_to(container.root)}")
        (folder / "clock.conf").write_text(text)
    container.run("systemctl", "daemon-reload")
    after = container.journal_end()
    restart(container, ROLES)
    processes = {role: container.show(f"wyoming-rosie-{role}", "MainPID") for role in ROLES}
    wait_until(lambda: read_messages(container, "asr", after, '"announced"'), "announcement")
    require("1980-01-02" in read_messages(container, "asr", after, '"ready"')[-1], "the clock is not in the past")
    text = _transcribe(container)
    yield "clock in 1980", f"all units active and announced; asr: {text}"
    clock.write_text("+0\n")
    after = container.journal_end()
    wait_until(lambda: _transcribe(container) and "1980" not in read_messages(container, "asr", after)[-1], "the time")
    require(processes == {role: container.show(f"wyoming-rosie-{role}", "MainPID") for role in ROLES}, "one has ended")
    yield "clock set meanwhile", f"the same processes; asr: {_transcribe(container)}"
    container.run("sh", "-c", "rm -r /etc/systemd/system/wyoming-rosie-*.service.d; systemctl daemon-reload")


def _transcribe(container: Container) -> str:
    uri = f"tcp://127.0.0.1:{PORTS['asr']}"
    return container.run("wyoming-rosie", "transcribe", RECORDING, "--uri", uri).strip()


FAULTS: tuple[Callable[[Container], Seen], ...] = (
    check_no_network,
    check_order,
    check_broken_settings,
    check_missing_model,
    check_port,
    check_full_disk,
    check_read_only,
    check_clock,
    check_upgrade,
)
"""The first one begins without a network; an upgrade is the last, since it leaves other packages."""
