"""Listeners for conductors: the satellite's own address, and a port for each wake word that has one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog
from wyoming.event import Event
from wyoming.info import WakeProgram

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.protocol import address, discovery, server
from wyoming_rosie.protocol.address import Tcp, Tls
from wyoming_rosie.protocol.server import DaemonServer, Send
from wyoming_rosie.trust import membership
from wyoming_rosie_satellite import announcement, factory
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.handler import SatelliteHandler
from wyoming_rosie_satellite.info import create_info, service_name
from wyoming_rosie_satellite.messages import MAIN_SLOT
from wyoming_rosie_satellite.satellite import Satellite

_LOG = structlog.get_logger()


class ConductorListeners:
    """Serves every slot of a satellite. Raises ConfigError for an invalid port."""

    def __init__(self, settings: SatelliteConfig, satellite: Satellite, metrics: Metrics) -> None:
        self._settings = settings
        self._satellite = satellite
        self._main_server = self._create_server(MAIN_SLOT, metrics)
        self._slot_servers = {
            word: (self._create_server(word), _slot_address(settings, word)) for word in settings.wake_word_port
        }

    def set_wake_programs(self, wake: Sequence[WakeProgram]) -> None:
        """Describe the satellite with the wake words that it can detect."""
        active = factory.active_wake_words(self._settings, wake)
        self._main_server.set_info(create_info(self._settings, active, wake))
        for word, (word_server, _) in self._slot_servers.items():
            word_server.set_info(create_info(self._settings, active, wake, word))

    async def run(self) -> None:
        """Serve until SIGTERM. Raises ConfigError."""
        async with AsyncExitStack() as stack:
            for word, (word_server, where) in self._slot_servers.items():
                await stack.enter_async_context(self._listen(word, word_server, where))
            if not self._settings.esphome:  # else Home Assistant would discover it twice
                await stack.enter_async_context(announcement.announce_override(self._settings))
            await server.run(self._main_server, announcement.local_settings(self._settings))

    def _create_server(self, slot: str, metrics: Metrics | None = None) -> DaemonServer:
        def create_handler(send: Send) -> SatelliteHandler | RefusingHandler:
            is_taken = self._settings.esphome and slot == MAIN_SLOT
            return RefusingHandler() if is_taken else SatelliteHandler(self._satellite, send, slot)

        return DaemonServer("satellite", create_info(self._settings, [], [], slot), create_handler, metrics=metrics)

    @asynccontextmanager
    async def _listen(self, word: str, word_server: DaemonServer, where: Tcp | Tls) -> AsyncIterator[None]:
        """Serve a wake word's conductor during the block, and drain its connections afterwards."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            listening = word_server.listening_as(replace(settings, tls_port=None), membership.current(), str(where))
            listeners = await stack.enter_async_context(listening)
            bound = listeners.main
            assert isinstance(bound, Tcp | Tls)
            announced = Tcp(settings.zeroconf_host or where.host, bound.port)
            if settings.zeroconf and not announced.is_loopback:
                name = service_name(announcement.local_settings(settings), word)
                announcing = discovery.announce("satellite", name, announced, properties=listeners.properties)
                await stack.enter_async_context(announcing)
            _LOG.info("wake word has its own port", word=word, uri=str(bound))
            yield
        await word_server.drain()


class RefusingHandler:
    """Handler of a peer that may describe the satellite, and not conduct it."""

    is_busy = False

    async def on_event(self, event: Event) -> None:
        if event.type == "run-satellite":
            raise BadEventError("Home Assistant conducts this satellite over ESPHome's API; see --esphome", "busy")

    async def close(self) -> None: ...


def _slot_address(settings: SatelliteConfig, word: str) -> Tcp | Tls:
    main = address.parse(settings.uri)
    if not isinstance(main, Tcp | Tls):
        raise ConfigError(f"--wake-word-port.{word} needs --uri tcp://HOST:PORT, whose HOST it shares")
    if word in settings.stop_word:
        raise ConfigError(f"'{word}' is a stop word, so --wake-word-port.{word} would wait for ever")
    return replace(main, port=settings.wake_word_port[word])
