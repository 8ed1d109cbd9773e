"""`wyoming-rosie voices`, `languages` and `devices`: lists of the values that options take."""

import asyncio
import json as json_module
from contextlib import AsyncExitStack
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from wyoming_rosie.commands import processes
from wyoming_rosie.commands.conformance import info as conformance_info
from wyoming_rosie.commands.conformance.info import get_models
from wyoming_rosie.commands.diagnostics import audio_devices
from wyoming_rosie.errors import ConfigError, UsageError
from wyoming_rosie.protocol.client import fetch_info
from wyoming_rosie.text.suggestions import describe_unknown_name

Uri: TypeAlias = Annotated[str | None, Parameter(help="use the daemon at this address instead of starting one")]
Engine: TypeAlias = Annotated[str | None, Parameter(help="engine of the daemon that is started")]
Json: TypeAlias = Annotated[bool, Parameter(help="print a line of JSON for each row", negative=())]
ROLES = ("asr", "intent", "tts")
"""Daemons with languages."""
ListingRow: TypeAlias = dict[str, Any]


async def voices(
    *,
    language: Annotated[str | None, Parameter(help="only voices of this language, such as de or en-GB")] = None,
    engine: Engine = None,
    uri: Uri = None,
    json: Json = False,
) -> None:
    """List the voices that 'say --voice' takes, with their languages."""
    offered = await _fetch_models("tts", engine, uri)
    known = sorted({tag for voice in offered for tag in voice.get("languages") or ()})
    rows = [
        {"voice": voice["name"], "languages": voice.get("languages") or [], "about": voice.get("description") or ""}
        for voice in offered
        if language is None or any(_matches_language(tag, language) for tag in voice.get("languages") or ())
    ]
    if not rows and language is not None:
        raise UsageError(describe_unknown_name("language of a voice", language, known, "wyoming-rosie languages tts"))
    _print_rows(rows, as_json=json)


async def languages(
    role: Annotated[str, Parameter(help="asr, intent or tts")] = "tts",
    /,
    *,
    engine: Engine = None,
    uri: Uri = None,
    json: Json = False,
) -> None:
    """List the languages that a daemon supports."""
    if role not in ROLES:
        raise UsageError(describe_unknown_name("program with languages", role, ROLES))
    offered = await _fetch_models(role, engine, uri)
    found = sorted({language for model in offered for language in model.get("languages") or ()})
    _print_rows([{"language": language} for language in found], as_json=json)


async def devices(*, json: Json = False) -> None:
    """List the microphones and speakers of this machine; --mic and --snd take a part of these names."""
    try:
        library = await asyncio.to_thread(audio_devices.load_sounddevice)
    except ConfigError as err:
        raise ConfigError(f"audio devices need: {err}") from err
    found = await asyncio.to_thread(audio_devices.list_devices, library)
    rows = [
        {
            "device": device.name,
            "inputs": device.inputs,
            "outputs": device.outputs,
            "rate": device.rate,
            "default": device.is_default,
        }
        for device in found.found
    ]
    _print_rows(rows, as_json=json)


async def _fetch_models(role: str, engine: str | None, uri: str | None) -> list[ListingRow]:
    """Return the models or voices that a daemon describes."""
    async with AsyncExitStack() as stack:
        if uri is not None:
            await conformance_info.check_role(uri, role)
        else:
            with Console(stderr=True).status(f"starting the {role} daemon"):
                chosen = ("--engine", engine) if engine else ()
                uri = (await stack.enter_async_context(processes.run_server(role, *chosen))).uri
        return get_models(role, (await fetch_info(uri, role=role)).data)


def _matches_language(language: str, requested: str) -> bool:
    offered, prefix = (tag.replace("_", "-").lower() for tag in (language, requested))
    return offered == prefix or offered.startswith(f"{prefix}-")


def _print_rows(rows: list[ListingRow], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json_module.dumps(row, ensure_ascii=False))  # noqa: T201
        return
    if not rows:
        Console(stderr=True).print("none")
        return
    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(", ".join(value) if isinstance(value, list) else str(value) for value in row.values()))
    Console(soft_wrap=True, highlight=False).print(table)
