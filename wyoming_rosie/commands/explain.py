"""`wyoming-rosie explain`: show how the intent daemon's rules understand a sentence; nothing is executed."""

import asyncio
import json
from importlib import import_module
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie.commands import pipeline
from wyoming_rosie.errors import ConfigError, NotUnderstoodError
from wyoming_rosie.runtime.extras import install_command


async def explain(
    text: Annotated[str, Parameter(help="a sentence, or - for standard input")],
    /,
    *,
    area: Annotated[str | None, Parameter(help="area of the speaker, such as Kitchen")] = None,
    home: pipeline.HomeFile = None,
    language: pipeline.Language = None,
    as_json: Annotated[bool, Parameter(name="--json", help="print the steps as one line of JSON", negative=())] = False,
) -> None:
    """Show the steps in which the rules understand a sentence, and what they would do; do nothing.

    Add the output to the report of a sentence that is misunderstood.
    """
    sentence = pipeline.read_text(text)
    explanation = await asyncio.to_thread(_load_explain(), sentence, home, area, language)
    if as_json:
        print(json.dumps(explanation.to_data(), ensure_ascii=False))  # noqa: T201
    else:
        console = Console(soft_wrap=True, highlight=False)
        for step in explanation.steps:
            console.print(f"{step.name:<19}{step.found}", markup=False)
    if not explanation.matches:
        raise NotUnderstoodError("the rules do not understand this sentence")


def _load_explain() -> Any:
    """Return the function of the intent daemon, which may not be installed."""
    try:
        return import_module("wyoming_rosie_intent.rules.explanation").load_and_explain
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err
