"""Service of ESPHome's API in a satellite: the server with its entities, media player, key and choices."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from wyoming.event import Event
from wyoming.info import WakeProgram

from wyoming_rosie.protocol.admission import parse_networks
from wyoming_rosie.protocol.discovery import instance_name, machine_id
from wyoming_rosie.runtime.secrets import ESPHOME_KEY_FILE
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.audio.music_mixer import MusicMixer
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.esphome.choices import ChoiceStore
from wyoming_rosie_satellite.esphome.device import KeyStore, create_device
from wyoming_rosie_satellite.esphome.entities import Dimmer, Entities
from wyoming_rosie_satellite.esphome.media import HttpMedia
from wyoming_rosie_satellite.esphome.media_player import MediaPlayer
from wyoming_rosie_satellite.esphome.server import EspHomeServer
from wyoming_rosie_satellite.esphome.wake_words import WakeWordSelection
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_satellite.wake.detector import WakeDetector

CHOICES_FILE = "esphome.json"


class EspHomeService:
    """The API of one satellite, and what Home Assistant has chosen for it. `folder` keeps its key and the choices."""

    def __init__(
        self, settings: SatelliteConfig, satellite: Satellite, mixer: MusicMixer, folder: Path, leds: Dimmer | None
    ) -> None:
        self._settings = settings
        self._choices = ChoiceStore(folder / CHOICES_FILE)
        self._keys = KeyStore(folder / ESPHOME_KEY_FILE)
        self._leds = leds
        self._detector: WakeDetector | None = None
        self._programs: Sequence[WakeProgram] = ()
        self._configured: Sequence[str] = ()
        self._wake_words = WakeWordSelection(
            self._select_words, frozenset((*settings.stop_word, *settings.wake_word_port))
        )
        media = HttpMedia()
        self._media_player = MediaPlayer(mixer, media)
        entities = Entities(
            satellite,
            self._media_player,
            satellite.sound_format,
            None if leds is None else SavedDimmer(leds, self._choices),
        )
        name = settings.name or instance_name("satellite")
        self._server = EspHomeServer(
            satellite,
            create_device(name, settings.area, machine_id()),
            self._keys,
            entities,
            self._wake_words,
            media,
            requires_key=settings.esphome_encryption,
        )
        self._media_player.on_change = entities.on_change
        self._media_player.announce_media = self._server.announce_media

    def set_wake_programs(self, programs: Sequence[WakeProgram], configured: Sequence[str]) -> None:
        """Offer the words of these programs; `configured` are those of the settings."""
        self._programs, self._configured = programs, configured
        self._offer_words()

    def use_detector(self, detector: WakeDetector) -> None:
        """Let Home Assistant choose the words of this detector."""
        self._detector = detector

    def on_event(self, event: Event) -> None:
        """Observe the satellite."""
        self._server.on_event(event)

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError."""
        allowed = parse_networks(self._settings.allow)
        await asyncio.to_thread(self._keys.load, create=self._settings.esphome_encryption)
        choices = await self._choices.load()
        if self._leds is not None:
            self._leds.brightness = choices.led_brightness
        if choices.wake_words is not None:
            self._offer_words()
            self._listen_to(choices.wake_words)
        await run_until_first_exit(
            self._server.run(
                self._settings.esphome_uri,
                allowed,
                announces=self._settings.zeroconf,
                announced_host=self._settings.zeroconf_host,
            ),
            self._media_player.run(),
            self._choices.run(),
        )

    def _offer_words(self) -> None:
        chosen = self._choices.choices.wake_words
        self._wake_words.set_available(self._programs, self._configured if chosen is None else chosen)

    def _select_words(self, names: Sequence[str]) -> None:
        self._choices.save_wake_words(tuple(names))
        self._listen_to(names)

    def _listen_to(self, names: Sequence[str]) -> None:
        if self._detector is not None:
            self._detector.select_words([*names, *self._settings.stop_word, *self._settings.wake_word_port])


class SavedDimmer:
    """LEDs whose brightness is saved as a choice."""

    def __init__(self, leds: Dimmer, choices: ChoiceStore) -> None:
        self._leds = leds
        self._choices = choices

    @property
    def brightness(self) -> float:
        return self._leds.brightness

    @brightness.setter
    def brightness(self, value: float) -> None:
        self._leds.brightness = value
        self._choices.save_led_brightness(value)
