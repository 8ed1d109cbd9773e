"""Engines that are packages of their own: the programs name them, and use them after installation and a restart."""

from collections.abc import Iterator

from scripts.deb_suite import PORTS, RECORDING, ROOT, Container, Suite, add_settings, debs, require, run, wait_until

ENGINES = {"asr": ("faster-whisper", "whisper"), "tts": ("piper", "piper"), "wake": ("openwakeword", "openwakeword")}
"""Engine and package of each program."""
VOICE = "en_US-test-low"
CREATE_MODELS = f"""\
from pathlib import Path
import sys
from tests import piper_voice, whisper_model
folder = Path(sys.argv[1])
whisper_model.build(folder / "whisper")
piper_voice.build(folder, "{VOICE}")
"""
"""Models of random weights that say one sentence or hum, as the tests have them."""
REQUESTS = {
    "asr": ("transcribe", RECORDING),
    "tts": ("say", "the light is on", "--output", "/run/said.wav"),
    "wake": ("detect", RECORDING),
}


def check_engines(suite: Suite) -> Iterator[tuple[str, str]]:
    """Choose the engines before they are installed, then install them."""
    with suite.container() as container:
        roles = [f"wyoming-rosie-{role}" for role in ("common", "audio", *ENGINES)]
        container.run("sh", "-c", f"apt-get -qq -y install --no-install-recommends {debs('debs', *roles)}")
        create_models(container)
        settings = (
            f'[asr.faster_whisper]\nmodel = "/srv/models/whisper"\n[tts.piper]\nvoice = "/srv/models/{VOICE}.onnx"\n'
        )
        lines = {role: f'engine = "{engine}"' for role, (engine, _) in ENGINES.items()}
        add_settings(container, lines, settings)
        for role, (engine, package) in ENGINES.items():
            yield f"{engine} without its package", _find_advice(container, role, package)
        names = [
            f"wyoming-rosie-{name}" for name in ("onnx", "tokenizers", *(package for _, package in ENGINES.values()))
        ]
        container.run("sh", "-c", f"apt-get -qq -y install --no-install-recommends {debs('debs', *names)}")
        for role, (engine, package) in ENGINES.items():
            container.run("systemctl", "restart", f"wyoming-rosie-{role}")
            yield f"{engine} by apt", f"{_ask(container, role)}; package {_megabytes(container, package)} MB"


def create_models(container: Container) -> None:
    """Write a Whisper model and a voice to /srv/models, which packaged services may read."""
    folder = container.root / "srv/models"
    folder.mkdir(parents=True)
    run(str(ROOT / ".venv/bin/python"), "-c", CREATE_MODELS, str(folder))


def _find_advice(container: Container, role: str, package: str) -> str:
    """Return the line in which a program names the missing package; `doctor` names it, too. Raises CheckError."""
    container.run("systemctl", "restart", f"wyoming-rosie-{role}", allowed=(0, 1))
    command = f"sudo apt install wyoming-rosie-{package}"
    require(command in container.run("wyoming-rosie", "doctor", "--no-sound"), f"doctor does not say: {command}")
    lines = [line for line in container.journal(f"wyoming-rosie-{role}") if command in line]
    require(lines, f"the journal does not say: {command}")
    return lines[-1]


def _ask(container: Container, role: str) -> str:
    """Return what a program does with its engine. Raises CheckError."""
    wait_until(lambda: container.is_active(f"wyoming-rosie-{role}"), f"{role} active")
    command = ("wyoming-rosie", *REQUESTS[role], "--uri", f"tcp://127.0.0.1:{PORTS[role]}")
    return " ".join(container.run(*command).split())


def _megabytes(container: Container, package: str) -> int:
    size = container.run("dpkg-query", "-W", "-f", "${Installed-Size}", f"wyoming-rosie-{package}")
    return int(size) // 1000
