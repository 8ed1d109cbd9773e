"""Fake daemons and satellites that speak Wyoming over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from wyoming.event import Event
from wyoming.info import Attribution, Info, Satellite

from tests.brokers import free_port
from wyoming_rosie.protocol.server import ConnectionHandler, DaemonServer, Send
from wyoming_rosie.trust.membership import Membership

AnswerFunction = Callable[[Event, Send], Awaitable[None]]
SPEECH_DATA = {"rate": 16000, "width": 2, "channels": 1}


async def ignore_event(event: Event, send: Send) -> None:
    """Answer nothing."""


class _FunctionHandler:
    is_busy = False

    def __init__(self, send: Send, answer: AnswerFunction) -> None:
        self._send = send
        self._answer = answer

    async def on_event(self, event: Event) -> None:
        await self._answer(event, self._send)

    async def close(self) -> None: ...


@dataclass
class FakeDaemon:
    """A daemon whose answers are a function; `heard` are the events received."""

    answer: AnswerFunction = ignore_event
    heard: list[Event] = field(default_factory=list)
    uri: str = ""
    info: Info = field(default_factory=Info)
    problem: str | None = None  # of its language models

    def of_type(self, name: str) -> list[Event]:
        return [event for event in self.heard if event.type == name]

    @asynccontextmanager
    async def serving(
        self, uri: str = "", info: Info | None = None, membership: Membership | None = None
    ) -> AsyncIterator["FakeDaemon"]:
        """Serve during the block, where another may serve after it; a member of a house over TLS."""
        scheme = "tcp" if membership is None else "tls"
        service = DaemonServer("fake", info or self.info, self._create_handler)
        service.health.add_check("language-models", lambda: self.problem)
        async with service.listening(uri or f"{scheme}://127.0.0.1:{free_port()}", membership) as where:
            self.uri = str(where)
            yield self
        await service.drain(0)

    def _create_handler(self, send: Send) -> ConnectionHandler:
        async def answer(event: Event, send: Send) -> None:
            self.heard.append(event)
            await self.answer(event, send)

        return _FunctionHandler(send, answer)


class FakeSatellite(FakeDaemon):
    """A satellite controlled by a test: `send` sends to the conductor, `wait_for` waits for an event from it."""

    def __init__(self, name: str = "kitchen satellite", area: str | None = "Kitchen") -> None:
        super().__init__(self._on_event)
        self._conductor: Send | None = None
        self._changed = asyncio.Condition()
        made_by = Attribution(name="tests", url="https://example.org")
        self.info = Info(
            satellite=Satellite(
                name=name, attribution=made_by, installed=True, description="a fake", version="1", area=area
            )
        )

    async def send(self, *events: Event) -> None:
        assert self._conductor is not None, "no conductor has joined"
        for event in events:
            await self._conductor(event)

    async def wait_for(self, *types: str, seconds: float = 60, after: int = 0, name: str | None = None) -> Event:
        """Return the first event of one of `types` among those heard after the first `after`; `name` of a user-event."""

        def found() -> Event | None:
            heard = (event for event in self.heard[after:] if event.type in types)
            return next((event for event in heard if name in (None, event.data.get("name"))), None)

        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: found() is not None)
        event = found()
        assert event is not None
        return event

    async def speak(self, seconds: float = 0.3, pcm: bytes = bytes(640)) -> None:
        """Send audio in real time, in chunks of 20 ms."""
        for _ in range(round(seconds / 0.02)):
            await self.send(Event("audio-chunk", dict(SPEECH_DATA), pcm))
            await asyncio.sleep(0.02)

    async def wake(self, turn_id: str = "turn-1", word: str = "okay_nabu", **run: Any) -> None:
        await self.send(
            Event("detection", {"name": word, "context": {"turn_id": turn_id}}),
            Event("run-pipeline", {"start_stage": "asr", "end_stage": "tts", **run}),
        )

    async def _on_event(self, event: Event, send: Send) -> None:
        async with self._changed:
            if event.type == "run-satellite":
                self._conductor = send
            self._changed.notify_all()
