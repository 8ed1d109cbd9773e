"""A connection whose sent events are counted for monitors."""

from collections.abc import Awaitable, Callable

from wyoming.event import Event

from wyoming_rosie.metrics import Counter
from wyoming_rosie.protocol.budgets import Account
from wyoming_rosie.protocol.connection import Authorize, Connection, ConnectionHandler, Send
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.trust.peer import Peer


class MeteredConnection(Connection):
    """A connection that counts the events sent on it."""

    def __init__(
        self,
        sent: Counter,
        stream: EventStream,
        peer: Peer,
        info: Callable[[], bytes],
        status: Callable[[], Awaitable[bytes]],
        create_handler: Callable[[Send], ConnectionHandler],
        authorize: Authorize | None,
        account: Account | None,
    ) -> None:
        self._sent = sent
        super().__init__(stream, peer, info, status, create_handler, authorize=authorize, account=account)

    def send_nowait(self, event: Event) -> bool:
        is_sent = super().send_nowait(event)
        if is_sent:
            self._count(event)
        return is_sent

    async def send_with_timeout(self, event: Event) -> None:
        await super().send_with_timeout(event)
        self._count(event)

    def _count(self, event: Event) -> None:
        if event.type != "audio-chunk":
            self._sent.add(event.type, str(event.data.get("code") or "") if event.type == "error" else "")
