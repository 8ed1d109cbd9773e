"""Choices made in Home Assistant: wake words and the brightness of the LEDs, kept across restarts."""

import asyncio
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from wyoming_rosie.runtime import json_store
from wyoming_rosie.runtime.fields import Fields

MAX_WAKE_WORDS = 64
MAX_NAME_CHARACTERS = 128


@dataclass(frozen=True)
class Choices:
    """None for the wake words of the settings; `led_brightness` is 0 to 1."""

    wake_words: tuple[str, ...] | None = None
    led_brightness: float = 1.0


class ChoiceStore:
    """Keeps the choices in a file; `run` writes it."""

    def __init__(self, path: Path) -> None:
        self.choices = Choices()
        self._path = path
        self._saver = json_store.JsonWriter(path, lambda: asdict(self.choices))

    async def load(self) -> Choices:
        """Return the saved choices; those of an unusable file are lost."""
        try:
            found = await asyncio.to_thread(json_store.read, self._path)
            self.choices = Choices() if found is None else parse_choices(found)
        except (ValueError, OSError) as err:
            await asyncio.to_thread(json_store.quarantine, self._path, err)
        return self.choices

    def save_wake_words(self, names: tuple[str, ...]) -> None:
        self._save(replace(self.choices, wake_words=names))

    def save_led_brightness(self, brightness: float) -> None:
        self._save(replace(self.choices, led_brightness=brightness))

    async def run(self) -> None:
        """Write until cancelled, and then what is left."""
        await self._saver.run()

    def _save(self, choices: Choices) -> None:
        if choices != self.choices:
            self.choices = choices
            self._saver.schedule()


def parse_choices(document: object) -> Choices:
    """Parse saved choices. Raises ValueError if the document does not match the schema."""
    fields = Fields(document)
    brightness = fields.number("led_brightness", 0.0, 1.0)
    if isinstance(document, dict) and document.get("wake_words") is None:
        return Choices(None, brightness)
    return Choices(tuple(fields.texts("wake_words", MAX_WAKE_WORDS, MAX_NAME_CHARACTERS)), brightness)
