"""Piper voices on disk: a network, NAME.onnx, and its description, NAME.onnx.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from wyoming_rosie.errors import EngineError
from wyoming_rosie.models.piper import NETWORK

_LOG = structlog.get_logger()
PHONEME_TYPES = ("espeak", "text", "hebrew", "japanese", "thai")
"""Supported phoneme types; pinyin needs models of its own."""


@dataclass(frozen=True)
class InferenceScales:
    """The variation of the speech, its length, and the variation of the lengths of its phonemes."""

    noise: float = 0.667
    length: float = 1.0
    noise_w: float = 0.8


@dataclass(frozen=True)
class PiperFile:
    """An installed voice: its network and its description."""

    name: str
    network: Path
    version: str  # changes with the file
    rate: int
    language: str  # BCP 47
    speakers: Mapping[str, int]
    scales: InferenceScales
    phoneme_ids: Mapping[str, Sequence[int]]
    description: Mapping[str, Any]


def find_voices(folders: Sequence[Path]) -> dict[str, PiperFile]:
    """Return the voices in the folders by name; the first folder takes precedence. Invalid voices are logged."""
    found: dict[str, PiperFile] = {}
    for folder in folders:
        for network in sorted(folder.glob(f"*{NETWORK}")):
            try:
                found.setdefault(network.stem, read_voice(network))
            except EngineError as err:
                _LOG.warning("invalid voice", reason=str(err))
    return found


def read_voice(network: Path) -> PiperFile:
    """Return the voice of a network file. Raises EngineError that names the file that is missing or invalid."""
    path = network.with_name(network.name + ".json")
    for file in (network, path):
        if not file.is_file():
            raise EngineError(f"{file} is missing; a voice is two files, {network.name} and {path.name}")
    try:
        description = json.loads(path.read_bytes())
        return _parse_file(network, description)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise EngineError(f"{path} does not describe a Piper voice ({type(err).__name__}: {err})") from err


def parse_language(name: str) -> str:
    """Return the language (BCP 47) at the start of a voice's name."""
    return name.partition("-")[0].replace("_", "-")


def _parse_file(network: Path, description: dict[str, Any]) -> PiperFile:
    status = network.stat()
    language = description.get("language", {}).get("code") or description["espeak"]["voice"]
    return PiperFile(
        name=network.stem,
        network=network,
        version=f"{status.st_size}-{status.st_mtime_ns}",
        rate=_parse_rate(description["audio"]["sample_rate"]),
        language=str(language).replace("_", "-"),
        speakers=_parse_speakers(description),
        scales=_parse_scale(description.get("inference", {})),
        phoneme_ids=_parse_ids(description["phoneme_id_map"]),
        description=description,
    )


def _parse_rate(value: Any) -> int:
    if type(value) is not int or not 8_000 <= value <= 96_000:
        raise ValueError("sample_rate must be from 8000 to 96000")
    return value


def _parse_scale(inference: Mapping[str, Any]) -> InferenceScales:
    usual = InferenceScales()
    return InferenceScales(
        float(inference.get("noise_scale", usual.noise)),
        float(inference.get("length_scale", usual.length)),
        float(inference.get("noise_w", usual.noise_w)),
    )


def _parse_ids(id_map: Mapping[str, Any]) -> dict[str, list[int]]:
    phoneme_ids = {str(symbol): [int(number) for number in ids] for symbol, ids in id_map.items()}
    if not {"_", "^", "$"} <= phoneme_ids.keys():
        raise ValueError("phoneme_id_map lacks _, ^ or $")
    return phoneme_ids


def _parse_speakers(description: Mapping[str, Any]) -> dict[str, int]:
    """Return the speakers' numbers by name. A speaker without a name is named by its number."""
    count = int(description.get("num_speakers", 1))
    if count < 2:
        return {}
    names = {int(number): str(name) for name, number in description.get("speaker_id_map", {}).items()}
    return {names.get(number, str(number)): number for number in range(count)}
