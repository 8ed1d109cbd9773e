"""Chroots and booted containers in which scripts/test-deb tries the packages of scripts/build-deb."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORTS = {"wake": 10400, "vad": 10450, "asr": 10300, "intent": 10550, "tts": 10200, "satellite": 10700}
ROLES = (*PORTS, "hub", "bridge")
SITE = "/usr/lib/wyoming-rosie/site-packages"
RECORDING = f"{SITE}/wyoming_rosie/commands/demo.wav"
NOISE = re.compile(r"^\./?(tmp|proc|sys|dev|run|var/log|var/lib/dpkg|var/cache/apt|var/lib/apt|var/cache/ldconfig|root)(/|$)|__pycache__|"
                   r"^\./var/lib/systemd/(random-seed|timers|catalog)|^\./etc/(ld\.so\.cache|machine-id|\.pwd\.lock)|^\./var/lib/systemd$")  # fmt: skip
"""Files that installing anything changes."""
ENVIRONMENT = (
    "/usr/bin/env",
    "-i",
    "DEBIAN_FRONTEND=noninteractive",
    "HOME=/root",
    "LC_ALL=C.UTF-8",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
)
"""Prefix of a command in a chroot or container, which must see nothing of this machine's environment."""
BOOT_SECONDS = 60
WAIT_SECONDS = 90
COMMAND_SECONDS = 3600


class CheckError(Exception):
    """What a check expected is not so."""


def run(*command: str, allowed: tuple[int, ...] = (0,), timeout: float = COMMAND_SECONDS) -> str:
    """Return what a command prints. Raises CheckError with its last lines if it fails."""
    done = subprocess.run(  # noqa: S603 - commands of ours
        command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL
    )
    if done.returncode not in allowed:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise CheckError(f"{' '.join(command[-4:])}: status {done.returncode}: {' | '.join(lines[-6:])}")
    return done.stdout


def require(condition: object, reason: str) -> None:
    """Raise CheckError unless a condition holds."""
    if not condition:
        raise CheckError(reason)


def wait_until(condition: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> float:
    """Wait for a condition; return how long that took. Raises CheckError."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return time.monotonic() - began
        time.sleep(0.2)
    raise CheckError(f"{what}: not within {seconds:g} s")


def shell(script: str, *arguments: str) -> str:
    """Run a line of shell with the functions of scripts/deb-chroots; return what it prints. Raises CheckError with its last line."""
    command = ("sh", "-c", f"set -eu; . scripts/deb-chroots; {script}", "scripts/test-deb", *arguments)
    done = subprocess.run(  # noqa: S603 - a line of ours
        command, capture_output=True, text=True, timeout=COMMAND_SECONDS, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise CheckError((done.stderr.strip() or f"{script}: status {done.returncode}").splitlines()[-1])
    return done.stdout


@dataclass
class Chroot:
    """A copy of a chroot; commands in it have a network of their own, with this machine's loopback address alone."""

    root: Path

    def run(self, *command: str, allowed: tuple[int, ...] = (0,)) -> str:
        """Return what a command prints in the chroot. Raises CheckError."""
        inner = 'ip link set lo up && exec chroot "$0" "$@"'
        return run("unshare", "--net", "sh", "-c", inner, str(self.root), *ENVIRONMENT, *command, allowed=allowed)

    def apt(self, *arguments: str) -> str:
        """Run apt-get."""
        return self.run("apt-get", "-qq", "-y", "-o", "Dpkg::Options::=--force-confold", *arguments)

    def install(self, *packages: str) -> None:
        """Install packages of /debs; their dependencies come from the chroot's cache."""
        self.apt("install", "--no-install-recommends", *packages)

    def files(self) -> set[str]:
        """Return the paths of all files but those that change anyway."""
        found = run("sh", "-c", f"cd {self.root} && find . -xdev")
        return {path for path in found.splitlines() if not NOISE.search(path)}


class Container(Chroot):
    """A booted copy."""

    def __init__(self, root: Path, leader: int) -> None:
        super().__init__(root)
        self._leader = str(leader)

    def run(self, *command: str, allowed: tuple[int, ...] = (0,)) -> str:
        """Return what a command prints in the container. Raises CheckError."""
        return run("nsenter", "-t", self._leader, "-a", "-r", "-w", *ENVIRONMENT, *command, allowed=allowed)

    def show(self, unit: str, key: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", "--value", "-p", key, unit).strip()

    def is_active(self, unit: str) -> bool:
        return self.show(unit, "ActiveState") == "active"

    def journal(self, unit: str, after: str = "") -> list[str]:
        """Return what a unit's processes have written; `after` is a position that `journal_end` has returned."""
        # journalctl would skip one of the unit's entries if the position is another unit's
        position = (f"--after-cursor={after}",) if after else ()
        entries = map(json.loads, self.run("journalctl", "-q", "-o", "json", *position).splitlines())
        return [str(entry["MESSAGE"]) for entry in entries if entry.get("_SYSTEMD_UNIT") == f"{unit}.service"]

    def journal_end(self) -> str:
        """Return the position of the newest entry."""
        return self.run("journalctl", "-q", "-n", "1", "--show-cursor").strip().rpartition(": ")[2]

    @property
    def settings(self) -> Path:
        """The file of settings."""
        return self.root / "etc/wyoming-rosie/rosie.toml"


@contextmanager
def emulation() -> Iterator[None]:
    """Let this machine run the programs of the packages' architecture, if it is another."""
    name = f"wyoming-rosie-{os.getpid()}"
    shell('start_emulation "$1"', name)
    try:
        yield
    finally:
        shell('stop_emulation "$1"', name)


class Suite:
    """The packages of one suite, and where they are tried."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.variant = shell('variant_of "$1" "$ARCHITECTURE"', name).strip()
        self.debs = ROOT / "dist/deb" / self.variant
        self.newer = ROOT / "dist/deb" / f"{self.variant}-newer"

    @property
    def is_emulated(self) -> bool:
        """Whether the packages are for another architecture than this machine's."""
        return self.variant != self.name

    def prepare(self) -> None:
        """Make the chroots, and packages with a higher version."""
        if not list(self.debs.glob("*.deb")):
            raise SystemExit(
                f"{self.debs} has no packages; run scripts/build-deb --arch {os.environ['ARCHITECTURE']} {self.name}"
            )
        # Raspberry Pi OS has Python and sudo, too; where they are emulated, installing them takes long
        packages = "apt-utils python3 sudo" if self.is_emulated else "apt-utils"
        create = f'create_chroot "$1-base" "" "$2"; create_chroot "$1-test" "$1-base" "$2" {packages}'
        shell(create, self.variant, self.name)
        download = 'chroot "$CHROOTS/$1-test" apt-get install -qq -y --download-only python3 libportaudio2 sudo'
        shell(download, self.variant)
        if not self.is_emulated:
            packages = "systemd-sysv dbus iproute2 python3 libportaudio2"
            shell(f'create_chroot "$1-boot" "$1-test" "$1" {packages}', self.name)
            shell('chroot "$CHROOTS/$1-boot" apt-get install -qq -y --no-install-recommends libfaketime', self.name)
        self._create_newer()

    def _create_newer(self) -> None:
        """Repack the packages with a higher version, and the configuration file with a new line."""
        shutil.rmtree(self.newer, ignore_errors=True)
        self.newer.mkdir()
        for deb in self.debs.glob("*.deb"):
            with tempfile.TemporaryDirectory() as folder:
                run("dpkg-deb", "-R", str(deb), folder)
                control = Path(folder, "DEBIAN/control")
                control.write_text(re.sub(r"\+(deb1\du)1", r"+\g<1>2", control.read_text()))
                settings = Path(folder, "etc/wyoming-rosie/rosie.toml")
                if settings.exists():
                    settings.write_text(settings.read_text() + "# a line of the next version\n")
                run("dpkg-deb", "-b", "-Znone", "--root-owner-group", folder, str(self.newer))

    @contextmanager
    def chroot(self, kind: str = "test") -> Iterator[Chroot]:
        """Yield a fresh copy of a chroot, with the packages in /debs and /newer."""
        folder = Path(shell('mktemp -d "$CHROOTS/test.XXXXXX"').strip())
        try:
            shell('mount_copy "$1-$2" "$3"', self.variant, kind, str(folder))
            root = folder / "root"
            for source, target in ((self.debs, "debs"), (self.newer, "newer")):
                (root / "tmp" / target).mkdir()
                for deb in source.glob("*.deb"):
                    shutil.copy(deb, root / "tmp" / target)
            shutil.copy(ROOT / "scripts/deb_probe.py", root / "tmp/probe.py")
            yield Chroot(root)
        finally:
            shell('unmount_copy "$1"', str(folder))

    @contextmanager
    def container(self) -> Iterator[Container]:
        """Yield a booted container with the packages in /debs and /newer."""
        folder = Path(shell('mktemp -d "$CHROOTS/test.XXXXXX"').strip())
        root, name = folder / "root", f"rosie-{os.getpid()}"
        try:
            script = 'mkdir -p "$3/root" "$3/upper" "$3/work"; mount -t overlay overlay '
            script += '-o "lowerdir=$CHROOTS/$1-$2,upperdir=$3/upper,workdir=$3/work" "$3/root"'
            shell(script, self.name, "boot", str(folder))
            (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
            for source, target in ((self.debs, "debs"), (self.newer, "newer")):
                (root / target).mkdir()
                for deb in source.glob("*.deb"):
                    shutil.copy(deb, root / target)
            shutil.copy(ROOT / "scripts/deb_probe.py", root / "debs/probe.py")
            command = ["unshare", "--mount", "--propagation", "private", "scripts/deb-boot", str(root), name]
            nspawn = subprocess.Popen(  # noqa: S603 - a command of ours
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                container = Container(root, _find_leader(nspawn.pid))
                states = ("running", "degraded")
                wait_until(
                    lambda: container.run("systemctl", "is-system-running", allowed=(0, 1)).strip() in states, "boot"
                )
                add_network(container)
                yield container
            finally:
                nspawn.terminate()
                try:
                    nspawn.wait(30)
                except subprocess.TimeoutExpired:
                    nspawn.kill()
                    nspawn.wait()
        finally:
            shell('unmount_copy "$1"', str(folder))


def _find_leader(nspawn: int) -> int:
    """Return the process id of the container's systemd, which is a child of a process that ends."""

    def find() -> list[int]:
        children = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()
        return [int(pid) for pid in children if _name_of(pid) == "systemd"]

    wait_until(find, "the container's systemd", BOOT_SECONDS)
    return find()[0]


def _name_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:  # it has ended
        return ""


def add_network(container: Container) -> None:
    """Give the container a network of its own, with an address that may be announced."""
    script = "ip link add lan0 type veth peer name lan1 && ip link set lan0 up && ip link set lan1 up && ip addr add 10.77.0.2/24 dev lan0"
    container.run("sh", "-c", script)


def debs(folder: str, *names: str) -> str:
    """Return shell words for packages of a folder."""
    return " ".join(f"/{folder}/{name}_*.deb" for name in names)


def install_all(chroot: Chroot, folder: str = "tmp/debs") -> None:
    """Install all packages."""
    chroot.run(
        "sh", "-c", f"apt-get -qq -y -o Dpkg::Options::=--force-confold install --no-install-recommends /{folder}/*.deb"
    )


def library_megabytes(chroot: Chroot) -> int:
    """Return the size of the library folder, with bytecode."""
    return int(run("du", "-sk", f"{chroot.root}/usr/lib/wyoming-rosie").split()[0]) // 1000


def ask(container: Container, role: str) -> str:
    """Return what a running daemon answers."""
    return container.run("python3", "/debs/probe.py", "ask", str(PORTS[role])).strip()


def add_settings(container: Container, lines: dict[str, str], tables: str = "") -> None:
    """Add a line to the tables of programs, and further tables."""
    text = container.settings.read_text()
    for role, line in lines.items():
        text = text.replace(f"\n[{role}]\n", f"\n[{role}]\n{line}\n")
    container.settings.write_text(f"{text}\n{tables}")


def use_recording(container: Container) -> None:
    """Let the satellite's microphone be a recording, and the hub conduct it."""
    text = container.settings.read_text().replace("#satellite = [", "satellite = [")
    text = text.replace('#mic = "default"', f'mic = "wav:{RECORDING}"')
    container.settings.write_text(
        text.replace('#snd = "default"', 'snd = "wav:/var/lib/wyoming-rosie/satellite/reply.wav"')
    )


def take_turn(container: Container) -> str:
    """Start the satellite, whose recording is a turn; return the turn's steps and duration. Raises CheckError."""
    after = container.journal_end()
    container.run("systemctl", "restart", "wyoming-rosie-satellite")
    unit = "wyoming-rosie-hub"
    seconds = wait_until(lambda: '"step": "done"' in "".join(container.journal(unit, after)), "the turn")
    steps = re.findall(r'"step": "([\w-]+)"', "".join(container.journal(unit, after)))
    return f"{' > '.join(steps)}; {seconds:.1f} s after the satellite's start"
