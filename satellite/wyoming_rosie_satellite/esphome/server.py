"""Server of ESPHome's API: accepts clients, announces the device, and lets one client at a time conduct the satellite."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack

import structlog
from google.protobuf.message import Message
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.protocol import address, discovery
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.admission import Network, is_allowed
from wyoming_rosie.protocol.listening import describe_bind_error
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.client import ApiClient
from wyoming_rosie_satellite.esphome.conductor import EspHomeConductor
from wyoming_rosie_satellite.esphome.device import Device, KeyStore
from wyoming_rosie_satellite.esphome.entities import Entities
from wyoming_rosie_satellite.esphome.media import MediaSource
from wyoming_rosie_satellite.esphome.wake_words import WakeWordSelection
from wyoming_rosie_satellite.integrations.observers import MUTED, USER_EVENT, VOLUME
from wyoming_rosie_satellite.satellite import Satellite

_LOG = structlog.get_logger()
SERVICE_TYPE = "_esphomelib._tcp.local."
MAX_CLIENTS = 16
CHECK_SECONDS = 1.0
"""Pause between two attempts of a client to become the conductor."""
NEW_KEY_SECONDS = 0.5
"""Delay before the clients without the new key are disconnected: they wait for the answer."""
GOODBYE_SECONDS = 1.0


class EspHomeServer:
    """Serves the clients of one satellite."""

    def __init__(
        self,
        satellite: Satellite,
        device: Device,
        keys: KeyStore,
        entities: Entities,
        wake_words: WakeWordSelection,
        media: MediaSource,
        *,
        requires_key: bool = False,
    ) -> None:
        self.device = device
        self.keys = keys
        self._satellite = satellite
        self._entities = entities
        self._entities.on_change = self._send_states
        self._wake_words = wake_words
        self._media = media
        self._requires_key = requires_key
        self._clients: dict[ApiClient, asyncio.Task[None]] = {}
        self._allowed: tuple[Network, ...] = ()
        self._is_stopping = False
        self._changed = asyncio.Event()  # a client may become the conductor
        self._has_new_key = asyncio.Event()

    async def run(
        self,
        uri: str,
        allowed: tuple[Network, ...],
        *,
        announces: bool,
        announced_host: str | None = None,
        on_bound: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Serve at an address until cancelled; `on_bound` gets the port in use. Raises ConfigError.

        `announced_host` is announced instead of the address.
        """
        bound = address.parse(uri)
        if not isinstance(bound, Tcp):
            raise ConfigError(f"--esphome-uri must be tcp://HOST:PORT, not {uri}")
        self._allowed = allowed
        try:
            server = await asyncio.start_server(self._accept, bound.host, bound.port)
        except (OSError, OverflowError) as err:
            raise ConfigError(f"cannot listen at {uri}: {describe_bind_error(err)}") from err
        where = Tcp(bound.host, server.sockets[0].getsockname()[1])
        _LOG.info("ESPHome API", uri=str(where), name=self.device.identity.name, encrypted=self.keys.key is not None)
        on_bound(where.port)
        announced = Tcp(announced_host or where.host, where.port)
        try:
            await run_until_first_exit(self._update_conductors(), self._announce_always(announced, announces=announces))
        finally:
            self._is_stopping = True
            server.close()
            await self._disconnect()

    # What clients share

    def create_conductor(self, client: ApiClient) -> EspHomeConductor:
        return EspHomeConductor(self._satellite, client.send, self._media, self._wake_words.find_phrase)

    def describe_entities(self) -> Iterable[Message]:
        return self._entities.describe()

    def describe_states(self) -> Iterable[Message]:
        return self._entities.states()

    def execute(self, message: Message) -> bool:
        return self._entities.execute(message)

    def configure(self, message: Message) -> Message | None:
        if isinstance(message, api.VoiceAssistantSetConfiguration):
            self._wake_words.choose(message.active_wake_words)
            return None
        return self._wake_words.describe() if isinstance(message, api.VoiceAssistantConfigurationRequest) else None

    async def replace_key(self, key: bytes | None) -> bool:
        if key is None and self._requires_key:
            return False
        try:
            await asyncio.to_thread(self.keys.save, key)
        except ConfigError as err:
            _LOG.error("encryption key is not stored", reason=str(err))
            return False
        _LOG.info("encryption key was replaced" if key else "encryption key was deleted")
        self._has_new_key.set()
        return True

    def update_conductor(self) -> None:
        self._changed.set()

    def on_event(self, event: Event) -> None:
        """Observe the satellite: report its microphone and volume."""
        if event.type == USER_EVENT and event.data.get("name") in (MUTED, VOLUME):
            self._send_states()

    def announce_media(self, url: str) -> bool:
        """Play what is at a URL as an announcement; return whether there is a conductor for it."""
        for client in self._clients:
            if client.conductor.is_conductor:
                client.conductor.announce([url])
                return True
        return False

    def _send_states(self) -> None:
        for client in self._clients:
            if client.wants_states:
                client.send_states()

    # Connections

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        host = str(peer[0]) if peer else ""  # empty if it has left already
        if self._is_stopping or len(self._clients) >= MAX_CLIENTS or not is_allowed(host, self._allowed):
            _LOG.warning("client of ESPHome's API is refused", reason="its network or their number; see --allow")
            writer.transport.abort()
            return
        client = ApiClient(reader, writer, self)
        task = asyncio.get_running_loop().create_task(client.serve())
        self._clients[client] = task
        task.add_done_callback(lambda _: self._remove(client))

    def _remove(self, client: ApiClient) -> None:
        del self._clients[client]
        self.update_conductor()

    async def _update_conductors(self) -> None:
        """Make the first client that wants it the conductor, whenever there is none or it has fallen silent."""
        while True:
            self._changed.clear()
            await self._choose_conductor()
            try:
                async with asyncio.timeout(CHECK_SECONDS if self._is_anybody_waiting else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _choose_conductor(self) -> None:
        for client in list(self._clients):
            if client.wants_voice and not client.conductor.is_conductor:
                try:
                    await client.conductor.join()
                except BadEventError:
                    continue
                _LOG.info("conductor joined", client=client.name)

    @property
    def _is_anybody_waiting(self) -> bool:
        return any(client.wants_voice and not client.conductor.is_conductor for client in self._clients)

    async def _announce_always(self, where: Tcp, *, announces: bool) -> None:
        """Announce the device, and again with its new key after a client has sent one."""
        while True:
            async with AsyncExitStack() as stack:
                if announces and not where.is_loopback:
                    service = discovery.ServiceAnnouncement(
                        self.device.identity.name,
                        self.device.properties(has_key=self.keys.key is not None),
                        SERVICE_TYPE,
                        self.device.identity.name,
                    )
                    await stack.enter_async_context(discovery.announce_service(service, where))
                await self._has_new_key.wait()
                self._has_new_key.clear()
                await asyncio.sleep(NEW_KEY_SECONDS)
                await self._disconnect()

    async def _disconnect(self) -> None:
        """Ask all clients to leave, and close the connections of those that do not."""
        for client in self._clients:
            client.say_goodbye()
        if self._clients:
            _, remaining = await asyncio.wait(list(self._clients.values()), timeout=GOODBYE_SECONDS)
            for client in [client for client, task in self._clients.items() if task in remaining]:
                client.close()
            if remaining:
                await asyncio.wait(remaining, timeout=GOODBYE_SECONDS)
