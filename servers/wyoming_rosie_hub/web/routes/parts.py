"""Parts of the house: voices to try, wake words with their scores, and plugins."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from wyoming_rosie_hub.web.guard import NEEDS_AUDIO, NEEDS_READ
from wyoming_rosie_hub.web.house import House, VoiceTrial
from wyoming_rosie_hub.web.routes.turns import NAME

MAX_TRIAL_CHARACTERS = 300
WAV = "audio/wav"


class VoiceTrialRequest(BaseModel):
    """A text to hear a voice with."""

    voice: str = Field(min_length=1, max_length=128)
    speaker: str | None = NAME
    text: str = Field(min_length=1, max_length=MAX_TRIAL_CHARACTERS)


def create_router(house: House) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/voices", dependencies=[NEEDS_READ])
    async def list_voices() -> list[dict[str, Any]]:
        """Return the voices; only those that are installed can be tried."""
        return [asdict(voice) for voice in await house.list_voices()]

    @router.post("/voices/try", dependencies=[NEEDS_AUDIO], responses={200: {"content": {WAV: {}}}})
    async def try_voice(trial: VoiceTrialRequest) -> Response:
        """Return the text as the voice speaks it, as WAV; no satellite speaks."""
        audio = await house.try_voice(VoiceTrial(trial.voice, trial.text, trial.speaker))
        return Response(audio, media_type=WAV)

    @router.get("/wake-words", dependencies=[NEEDS_READ])
    async def list_wake_words() -> list[dict[str, Any]]:
        """Return the wake words, the satellites that detect them, and the last detections and near misses."""
        return [asdict(word) for word in await house.list_wake_words()]

    @router.get("/plugins", dependencies=[NEEDS_READ])
    async def list_plugins() -> list[dict[str, Any]]:
        """Return the plugins and integrations as the intent daemon knows them."""
        return [asdict(plugin) for plugin in await house.list_plugins()]

    return router
