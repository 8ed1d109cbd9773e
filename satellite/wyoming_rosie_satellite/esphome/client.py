"""Connection of one client of ESPHome's API, such as Home Assistant."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog
from google.protobuf.message import Message

from wyoming_rosie import __version__
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.conductor import EspHomeConductor
from wyoming_rosie_satellite.esphome.device import Device, KeyStore, parse_key
from wyoming_rosie_satellite.esphome.framing import FramingError, NoiseFraming, PlainFraming, create_framing
from wyoming_rosie_satellite.esphome.messages import API_VERSION, create_frame, parse_frame

_LOG = structlog.get_logger()
HELLO_SECONDS = 15.0
IDLE_SECONDS = 150.0
"""Clients ping after 20 s without a message."""
CLOSE_SECONDS = 2.0
MAX_UNSENT_BYTES = 512_000
"""A client that leaves as much unread, 16 s of audio, is disconnected."""
READ_BYTES = 16_384
SERVER_INFO = f"wyoming-rosie {__version__}"


class DeviceServer(Protocol):
    """What the clients of a device share."""

    device: Device
    keys: KeyStore

    def create_conductor(self, client: "ApiClient") -> EspHomeConductor: ...

    def describe_entities(self) -> Iterable[Message]: ...

    def describe_states(self) -> Iterable[Message]: ...

    def execute(self, message: Message) -> bool:
        """Execute a command for an entity; return whether it was one."""

    def configure(self, message: Message) -> Message | None:
        """Answer a message about the wake words."""

    async def replace_key(self, key: bytes | None) -> bool:
        """Use another encryption key from now on; return whether it could be stored."""

    def update_conductor(self) -> None:
        """Let a client that waits for it be the conductor, if none is."""


class ApiClient:
    """One client: it says hello, asks for the device, and may subscribe to states and to the voice assistant."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: DeviceServer) -> None:
        self.wants_states = False
        self.wants_voice = False
        self.name = ""
        self._reader = reader
        self._writer = writer
        self._server = server
        self._framing: PlainFraming | NoiseFraming | None = None
        self._conductor = server.create_conductor(self)
        self._is_open = True
        self._has_greeted = False
        self._handlers: dict[type[Message], Callable[[Message], None]] = {
            api.AuthenticationRequest: lambda _: self.send(api.AuthenticationResponse()),
            api.DisconnectRequest: lambda _: self._on_disconnect(),
            api.DisconnectResponse: lambda _: self.close(),
            api.PingRequest: lambda _: self.send(api.PingResponse()),
            api.DeviceInfoRequest: lambda _: self._send_device(),
            api.ListEntitiesRequest: lambda _: self._send_entities(),
            api.SubscribeStatesRequest: lambda _: self._subscribe_states(),
        }

    @property
    def conductor(self) -> EspHomeConductor:
        return self._conductor

    def send(self, message: Message) -> None:
        """Send a message; never waits. A client that does not read is disconnected."""
        if not self._is_open or self._framing is None:
            return
        self._write(self._framing.encode(create_frame(message)))

    def send_states(self) -> None:
        for state in self._server.describe_states():
            self.send(state)

    async def serve(self) -> None:
        """Answer the client until it leaves."""
        try:
            await self._read_all()
        except FramingError as err:
            self._write((self._framing.take_reply() if self._framing else b"") + err.farewell)
            _LOG.warning("client of ESPHome's API is refused", reason=str(err))
        except RosieError as err:
            _LOG.warning("client of ESPHome's API is disconnected", client=self.name, reason=str(err))
        except (OSError, TimeoutError) as err:
            _LOG.info("client of ESPHome's API is lost", client=self.name, reason=type(err).__name__)
        except Exception:  # noqa: BLE001 - the edge of a connection: a bug must not end the satellite
            _LOG.exception("client of ESPHome's API failed", client=self.name)
        finally:
            await self._end()

    def close(self) -> None:
        """Send nothing more, and close the connection."""
        self._is_open = False
        self._writer.close()

    def say_goodbye(self) -> None:
        """Ask the client to close the connection."""
        self.send(api.DisconnectRequest())

    async def _read_all(self) -> None:
        async with asyncio.timeout(HELLO_SECONDS) as limit:
            while self._is_open and (received := await self._reader.read(READ_BYTES)):
                await self._on_bytes(received)
                if self._has_greeted:
                    limit.reschedule(asyncio.get_running_loop().time() + IDLE_SECONDS)

    async def _on_bytes(self, received: bytes) -> None:
        if self._framing is None:
            self._framing = create_framing(received[0], self._server.device.identity, self._server.keys.key)
        frames = self._framing.feed(received)
        self._write(self._framing.take_reply())
        for frame in frames:
            self._conductor.mark_alive()
            if (message := parse_frame(frame)) is not None and self._is_open:
                await self._on_message(message)

    async def _on_message(self, message: Message) -> None:
        if isinstance(message, api.HelloRequest):
            self._on_hello(message)
        elif not self._has_greeted:
            raise BadEventError("the first message must be HelloRequest", "no-hello")
        elif (handle := self._handlers.get(type(message))) is not None:
            handle(message)
        elif isinstance(message, api.SubscribeVoiceAssistantRequest):
            await self._subscribe_voice(wanted=message.subscribe)
        elif isinstance(message, api.NoiseEncryptionSetKeyRequest):
            await self._replace_key(message.key)
        elif (answer := self._server.configure(message)) is not None:
            self.send(answer)
        elif not self._server.execute(message) and self._conductor.is_conductor:
            await self._on_voice_message(message)

    def _on_hello(self, message: api.HelloRequest) -> None:
        self._has_greeted = True
        self.name = message.client_info[:64]
        major, minor = API_VERSION
        name = self._server.device.identity.name
        self.send(
            api.HelloResponse(api_version_major=major, api_version_minor=minor, server_info=SERVER_INFO, name=name)
        )

    def _on_disconnect(self) -> None:
        self.send(api.DisconnectResponse())
        self.close()

    def _send_device(self) -> None:
        self.send(self._server.device.describe(has_key=self._server.keys.key is not None))

    def _send_entities(self) -> None:
        for entity in self._server.describe_entities():
            self.send(entity)
        self.send(api.ListEntitiesDoneResponse())

    def _subscribe_states(self) -> None:
        self.wants_states = True
        self.send_states()

    async def _subscribe_voice(self, *, wanted: bool) -> None:
        self.wants_voice = wanted
        if not wanted:
            await self._conductor.leave()
        self._server.update_conductor()

    async def _on_voice_message(self, message: Message) -> None:
        try:
            await self._conductor.handle(message)
        except BadEventError as err:
            _LOG.warning("message of the conductor is ignored", client=self.name, reason=str(err))

    async def _replace_key(self, given: bytes) -> None:
        try:
            key = parse_key(given) if given else None
        except ValueError:
            self.send(api.NoiseEncryptionSetKeyResponse(success=False))
            return
        self.send(api.NoiseEncryptionSetKeyResponse(success=await self._server.replace_key(key)))

    def _write(self, encoded: bytes) -> None:
        if encoded and not self._writer.is_closing():
            self._writer.write(encoded)
            if self._writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                _LOG.warning("client of ESPHome's API does not read", client=self.name)
                self._is_open = False
                self._writer.transport.abort()

    async def _end(self) -> None:
        self._is_open = self.wants_voice = self.wants_states = False
        await self._conductor.leave()
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()
