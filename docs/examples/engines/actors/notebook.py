"""Actor that writes each command into a file."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wyoming_rosie.config import option
from wyoming_rosie_intent.engine import ActorContext, Answer, Command, ServedActor


@dataclass(frozen=True)
class Settings:
    file: Path = option(Path("notebook.txt"), "the file that gets a line for each command")


class NotebookActor(ServedActor):
    def __init__(self, file: Path) -> None:
        self._file = file

    async def act(self, command: Command, now: datetime) -> Answer:
        await asyncio.to_thread(self._write, command)
        return Answer("Written down.")

    def states(self) -> Mapping[str, Mapping[str, object]]:
        return {}

    def _write(self, command: Command) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{command.match.intent} {' '.join(entity.id for entity in command.targets)}\n")


def load(settings: Settings, context: ActorContext) -> NotebookActor:
    return NotebookActor(settings.file)
