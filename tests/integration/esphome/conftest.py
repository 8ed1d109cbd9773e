"""Rooms with ESPHome's API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.esphome.room import AudioServer, EspHomeRoom


@pytest.fixture
async def audio() -> AsyncIterator[AudioServer]:
    async with AudioServer().serving() as server:
        yield server


@pytest.fixture
async def room(tmp_path: Path, audio: AudioServer) -> AsyncIterator[EspHomeRoom]:
    async with EspHomeRoom(tmp_path, audio).serving() as inside:
        yield inside
