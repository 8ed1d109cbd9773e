"""`wyoming-rosie explain`: show how the intent daemon's rules understand a sentence; nothing is executed."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie.commands import pipeline
from wyoming_rosie.commands.memory import open_memory
from wyoming_rosie.errors import ConfigError, NotUnderstoodError
from wyoming_rosie.runtime.extras import install_command


async def explain(
    text: Annotated[str, Parameter(help="a sentence, or - for standard input")],
    /,
    *more: Annotated[str, Parameter(help="sentences of the same conversation, in their order")],
    area: Annotated[str | None, Parameter(help="area of the speaker, such as Kitchen")] = None,
    home: pipeline.HomeFile = None,
    language: pipeline.Language = None,
    plugin_folder: Annotated[
        Path | None, Parameter(help="folder of plugins, which are started for their sentences")
    ] = None,
    memories: Annotated[
        bool, Parameter(negative=(), help="show what a language model would get from the memory of the running daemon")
    ] = False,
    person: Annotated[str | None, Parameter(help="who speaks, for --memories")] = None,
    uri: Annotated[str | None, Parameter(help="the intent daemon of --memories [default: this machine's]")] = None,
    as_json: Annotated[
        bool, Parameter(name="--json", help="print the steps as one line of JSON for each sentence", negative=())
    ] = False,
) -> None:
    """Show the steps in which the rules understand a sentence, and what they would do; do nothing.

    Sentences after the first may refer to the one before. Add the output to the report of a sentence that is misunderstood.
    """
    sentences = [pipeline.read_text(sentence) for sentence in (text, *more)]
    explain_all = _load_explain()
    explanations = await asyncio.to_thread(explain_all, sentences, home, area, language, plugin_folder)
    recalled = await _recall(sentences, uri, area, person, language) if memories else [{}] * len(sentences)
    for number, (explanation, found) in enumerate(zip(explanations, recalled, strict=True)):
        if as_json:
            print(json.dumps({**explanation.to_data(), **found}, ensure_ascii=False))  # noqa: T201
        else:
            _print_steps(explanation, found, is_first=number == 0)
    if not all(explanation.is_understood for explanation in explanations):
        raise NotUnderstoodError("the rules do not understand every sentence")


async def _recall(
    sentences: Sequence[str], uri: str | None, area: str | None, person: str | None, language: str | None
) -> list[Mapping[str, Any]]:
    """Return the `messages` and `memories` that a model would get for each sentence."""
    async with open_memory(uri) as daemon:
        return [
            await daemon.ask("recall", text=text, room=area, person=person, language=language) for text in sentences
        ]


def _print_steps(explanation: Any, recalled: Mapping[str, Any], *, is_first: bool) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if not is_first:
        console.print()
    for step in explanation.steps:
        console.print(f"{step.name:<19}{step.found}", markup=False)
    for name, records in recalled.items():
        found = "; ".join(f"{record['kind']}: {' '.join(record['text'].split())}" for record in records)
        console.print(f"{name:<19}{found or 'none'}", markup=False)


def _load_explain() -> Any:
    """Return the function of the intent daemon, which may not be installed."""
    try:
        return import_module("wyoming_rosie_intent.explanation").load_and_explain
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err
