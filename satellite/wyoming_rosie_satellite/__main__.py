"""The satellite: settings, parts, service."""

import asyncio

from wyoming.info import WakeProgram

from wyoming_rosie import config, service
from wyoming_rosie.service import Service
from wyoming_rosie.tasks import until_one_ends
from wyoming_rosie_satellite import parts
from wyoming_rosie_satellite.conversation import SatelliteConversation
from wyoming_rosie_satellite.info import info
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_satellite.settings import SatelliteConfig


async def serve(settings: SatelliteConfig) -> None:
    """Be a satellite until told to stop. Raises ConfigError."""
    voices = await asyncio.to_thread(parts.voices, settings)
    satellite = Satellite(
        parts.speaker(settings), parts.sounds(settings), parts.habits(settings), voices, settings.stop_word
    )
    peers = Service("satellite", info(settings, [], []), lambda send: SatelliteConversation(satellite, send))

    def learned(wake: list[WakeProgram]) -> None:
        peers.describe_as(info(settings, parts.words(settings, wake), wake))

    microphone = parts.microphone(settings, begin=satellite.conducted)
    ears = parts.ears(settings, learned)
    try:
        await until_one_ends(service.run(peers, settings), satellite.run(microphone, ears))
    finally:
        if voices is not None:
            voices.close()


def main() -> None:
    """Run the wyoming-rosie-satellite command."""
    config.main("satellite", SatelliteConfig, serve)


if __name__ == "__main__":
    main()
