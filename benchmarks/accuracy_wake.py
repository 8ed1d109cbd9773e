"""Detections of the wake word engines in recorded wake words, and false detections in other recordings.

    python benchmarks/accuracy_wake.py [--data FOLDER]

FOLDER has the recordings of the tests; FLAC files need the program sox.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.wakeword.detection import WakeDetection, drop_near_misses
from wyoming_rosie_wake.engine import WakeEngine
from wyoming_rosie_wake.engines import micro, openwakeword
from wyoming_rosie_wake.models import ModelSelection

REPOSITORY = Path(__file__).parents[1]
OTHER_SOUND = ("noise", "vad", "asr", "commands-en", "commands-en-tts")
SILENCE = bytes(SPEECH.bytes_in(1.5))
ENGINES: dict[str, Callable[[], WakeEngine[Any]]] = {
    "micro": lambda: micro.load(micro.Settings(), ModelSelection()),
    "openwakeword": lambda: openwakeword.load(openwakeword.Settings(), ModelSelection()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("WYOMING_ROSIE_TEST_DATA", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    data = parser.parse_args().data
    if not data.is_dir():
        sys.exit(f"{data} is not a folder of recordings; name one with --data")
    engines = {name: load() for name, load in ENGINES.items()}
    print("| clip | " + " | ".join(engines) + " |\n|---" + "|---" * len(engines) + "|")
    for file in sorted((data / "wake").glob("*.wav")):
        print(f"| {file.stem} | " + " | ".join(_told(_heard(engine, file)) for engine in engines.values()) + " |")
    print()
    for name, engine in engines.items():
        _false_detections(name, engine, data)


def _false_detections(name: str, engine: WakeEngine[Any], data: Path) -> None:
    count, seconds, found = 0, 0.0, []
    for file in _others(data):
        count += 1
        seconds += SPEECH.seconds(len(_speech(file)) - 2 * len(SILENCE))
        if heard := _heard(engine, file):
            found.append(f"{file.relative_to(data)} ({_told(heard)})")
    print(f"{name}: {len(found)} of {count} other recordings, {seconds:.0f} s: {'; '.join(found) or 'none'}")


def _heard(engine: WakeEngine[Any], file: Path) -> list[WakeDetection]:
    stream = engine.create_stream(())
    pcm, step = _speech(file), engine.batch_limits.max_bytes
    pieces = (pcm[at : at + step] for at in range(0, len(pcm) - step + 1, step))
    return [heard for piece in pieces for heard in drop_near_misses(engine.process_batch([(stream, piece)])[0])]


def _told(heard: list[WakeDetection]) -> str:
    return ", ".join(f"{one.name} {one.score:.2f}" for one in heard) or "-"


def _others(data: Path) -> Iterator[Path]:
    suffixes = (".wav", ".flac") if shutil.which("sox") else (".wav",)
    return (file for folder in OTHER_SOUND for file in sorted((data / folder).iterdir()) if file.suffix in suffixes)


def _speech(file: Path) -> bytes:
    source: Any = file
    if file.suffix == ".flac":
        source = io.BytesIO(subprocess.run(["sox", file, "-t", "wav", "-"], capture_output=True, check=True).stdout)
    audio, pcm = read_wav(source)
    converter = Converter(audio, SPEECH)
    return SILENCE + converter.convert(pcm) + converter.finish() + SILENCE


if __name__ == "__main__":
    main()
