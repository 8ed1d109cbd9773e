"""Our daemon in the place of another project's: copied to `wyoming_piper/__main__.py` and the like, it takes their flags."""

import argparse
import os
import sys
from pathlib import Path

ROLES = {"wyoming_faster_whisper": "asr", "wyoming_whisper_cpp": "asr", "wyoming_piper": "tts"}


def main() -> None:
    role = ROLES[Path(__file__).parent.name]
    command = str(Path(sys.executable).with_name(f"wyoming-rosie-{role}"))
    given = _parse(sys.argv[1:])
    flags = _whisper(given) if role == "asr" else _piper(given)
    os.execv(command, [command, "--uri", given.uri, *flags])


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Read the flags that have a meaning for our daemons, and skip the others."""
    parser = argparse.ArgumentParser()
    for name in ("uri", "data-dir", "model", "language", "voice", "sentence-silence", "noise-scale", "noise-w-scale"):
        parser.add_argument(f"--{name}", required=name in ("uri", "data-dir"))
    return parser.parse_known_args(arguments)[0]


def _whisper(given: argparse.Namespace) -> list[str]:
    """The engine is that of WYOMING_ROSIE_ASR_ENGINE."""
    model = f"{given.data_dir}/{given.model}"
    without_home = "--faster-whisper.no-home-names"  # the demo home's, which the others do not know
    return ["--faster-whisper.model", model, "--faster-whisper.language", given.language, without_home]


def _piper(given: argparse.Namespace) -> list[str]:
    scales = ["--piper.noise-scale", given.noise_scale, "--piper.noise-w-scale", given.noise_w_scale]
    silence = ["--piper.sentence-silence", given.sentence_silence] if given.sentence_silence else []
    return ["--engine", "piper", "--piper.voice", given.voice, "--piper.voices-dir", given.data_dir, *scales, *silence]


if __name__ == "__main__":
    main()
