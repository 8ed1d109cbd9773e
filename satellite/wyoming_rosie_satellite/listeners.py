"""Where conductors find a satellite: at its own address, and at a port of its own for each wake word that has one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog
from wyoming.info import WakeProgram

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.protocol import address, discovery, server
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.server import DaemonServer
from wyoming_rosie_satellite import announcement, factory
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.handler import SatelliteHandler
from wyoming_rosie_satellite.info import info, name
from wyoming_rosie_satellite.messages import MAIN
from wyoming_rosie_satellite.satellite import Satellite

_LOG = structlog.get_logger()


class Places:
    """Serves every seat of a satellite. Raises ConfigError for a port that cannot be."""

    def __init__(self, settings: SatelliteConfig, satellite: Satellite, metrics: Metrics) -> None:
        self._settings = settings
        self._satellite = satellite
        self._main = self._serving(MAIN, metrics)
        self._others = {word: (self._serving(word), _where(settings, word)) for word in settings.wake_word_port}

    def learned(self, wake: Sequence[WakeProgram]) -> None:
        """Describe the satellite with the wake words that it could listen for."""
        active = factory.words(self._settings, wake)
        self._main.set_info(info(self._settings, active, wake))
        for word, (peers, _) in self._others.items():
            peers.set_info(info(self._settings, active, wake, word))

    async def run(self) -> None:
        """Serve until told to stop. Raises ConfigError."""
        async with AsyncExitStack() as stack:
            for word, (peers, where) in self._others.items():
                await stack.enter_async_context(self._open(word, peers, where))
            await stack.enter_async_context(announcement.elsewhere(self._settings))
            await server.run(self._main, announcement.own(self._settings))

    def _serving(self, seat: str, metrics: Metrics | None = None) -> DaemonServer:
        return DaemonServer(
            "satellite",
            info(self._settings, [], [], seat),
            lambda send: SatelliteHandler(self._satellite, send, seat),
            metrics=metrics,
        )

    @asynccontextmanager
    async def _open(self, word: str, peers: DaemonServer, where: Tcp) -> AsyncIterator[None]:
        """Serve a word's conductor during the block, and then let an answer end."""
        settings = self._settings
        peers.apply_settings(settings)
        async with AsyncExitStack() as stack:
            used = await stack.enter_async_context(peers.listening(str(where)))
            assert isinstance(used, Tcp)
            called = Tcp(settings.zeroconf_host or where.host, used.port)
            if settings.zeroconf and not called.is_loopback:
                known_as = name(announcement.own(settings), word)
                await stack.enter_async_context(discovery.announce("satellite", known_as, called))
            _LOG.info("wake word has a place of its own", word=word, uri=str(used))
            yield
        await peers.drain()


def _where(settings: SatelliteConfig, word: str) -> Tcp:
    main = address.parse(settings.uri)
    if not isinstance(main, Tcp):
        raise ConfigError(f"--wake-word-port.{word} needs --uri tcp://HOST:PORT, whose HOST it shares")
    if word in settings.stop_word:
        raise ConfigError(f"'{word}' is a stop word, so --wake-word-port.{word} would wait for ever")
    return replace(main, port=settings.wake_word_port[word])
