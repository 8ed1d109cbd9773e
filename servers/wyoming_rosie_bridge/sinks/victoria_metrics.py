"""VictoriaMetrics: counts events. It answers 204 to anything and loses its last seconds when it is killed.

Measured with 1.79.5: a row of a known series is readable after 0.7 s, and lost by SIGKILL until about 10 s after it was
sent; one of a new series is readable, and safe, after about 10 s.
"""

import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from wyoming_rosie.bus import names
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.messages import Result, VisionEvent
from wyoming_rosie.bus.schema import schema_of, unwrap
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie_bridge.sinks.sink import Record, SinkError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

SETTLE_SECONDS = 30.0
REPLY_SECONDS = 15.0
WINDOW_MS = 600_000
"""Span of time that one request reads back."""
MAX_VALUES = 100
"""Different cameras, labels or zones; further ones are counted as `other`, since they become series."""
OTHER = "other"
EVENT, SCORE = "rosie_vision_event", "rosie_vision_score"
ZONE, RESULT = "rosie_vision_zone_entered", "rosie_result"
_REFUSALS = (400, 413)

Row: TypeAlias = tuple[Mapping[str, str], float]
"""A series and its value; the time is that of the record."""


class VictoriaMetricsSink:
    """Sends each event as rows with the event's time, and reads them back before they count as stored."""

    name = "victoria-metrics"

    def __init__(
        self,
        url: str,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self.settle_seconds = settle_seconds
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._tls = tls
        self._labels = LabelLimit()
        self._session: ClientSession | None = None

    def encode(self, envelope: Envelope) -> bytes | None:
        rows = list(create_rows(envelope, self._labels))
        return json.dumps(rows, separators=(",", ":")).encode() if rows else None

    async def send(self, records: Sequence[Record]) -> None:
        lines = (
            {"metric": series, "values": [value], "timestamps": [record.time_ms]}
            for record in records
            for series, value in _read_rows(record)
        )
        body = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        await self._request("POST", "/api/v1/import", body.encode(), {})

    async def find_missing(self, records: Sequence[Record]) -> Sequence[Record]:
        missing: list[Record] = []
        for window in split_by_time(records):
            found = await self._read_back(window[0].time_ms, window[-1].time_ms)
            missing += (record for record in window if not _keys_of(record) <= found)
        return missing

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _read_back(self, first_ms: int, last_ms: int) -> set[tuple[frozenset[tuple[str, str]], int]]:
        """Return the series and times of our rows between two times, both included."""
        ours = f'{{__name__=~"{"|".join((EVENT, SCORE, ZONE, RESULT))}"}}'
        query = {"match[]": ours, "start": f"{first_ms / 1000:.3f}", "end": f"{last_ms / 1000:.3f}"}
        exported = await self._request("GET", "/api/v1/export", None, query)
        try:
            lines = [json.loads(line) for line in exported.splitlines()]
            return {(frozenset(line["metric"].items()), time) for line in lines for time in line["timestamps"]}
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise UnreachableError(f"{self._url} does not answer like VictoriaMetrics") from err

    async def _request(self, method: str, path: str, body: bytes | None, query: Mapping[str, str]) -> bytes:
        from aiohttp import ClientError, ClientSession, ClientTimeout

        if self._session is None:
            self._session = ClientSession(headers=self._headers, timeout=ClientTimeout(total=REPLY_SECONDS))
        try:
            async with self._session.request(
                method, self._url + path, data=body, params=query, ssl=self._tls or True
            ) as answer:
                self._check(answer)
                return await answer.read()
        except (ClientError, OSError) as err:  # TimeoutError is an OSError
            raise UnreachableError(f"{self._url} cannot be reached: {err or type(err).__name__}") from err

    def _check(self, answer: "ClientResponse") -> None:
        if answer.status in _REFUSALS:
            raise SinkError(f"{self._url} answered {answer.status}")
        if answer.status in (401, 403):
            raise UnreachableError(f"{self._url} refuses us ({answer.status}); set VICTORIA_METRICS_TOKEN")
        if answer.status >= 300:
            raise UnreachableError(f"{self._url} answered {answer.status}; is it VictoriaMetrics?")


class LabelLimit:
    """Bounds the values of each label, and with them the number of series."""

    def __init__(self, max_values: int = MAX_VALUES) -> None:
        self._max_values = max_values
        self._known: dict[str, set[str]] = {}

    def limit(self, label: str, value: str) -> str:
        """Return a value that may become a series: lower case, without special characters, at most `max_values` different."""
        known, token = self._known.setdefault(label, set()), names.escape_token(value)
        if token not in known and len(known) >= self._max_values:
            return OTHER
        known.add(token)
        return token


def create_rows(envelope: Envelope, labels: LabelLimit) -> Iterator[Row]:
    """Return an event as rows; nothing for an event that is not counted. Raises BadMessageError."""
    if envelope.schema == schema_of(VisionEvent):
        event = unwrap(VisionEvent, envelope)
        camera, label = labels.limit("camera", event.camera), labels.limit("label", event.label)
        seen = {"camera": camera, "label": label, "phase": event.phase}
        yield {"__name__": EVENT, **seen}, 1.0
        if event.score is not None:
            yield {"__name__": SCORE, **seen}, event.score
        # The event of a new object names its first zones, too, each of which has an event of its own.
        entered = () if event.phase == "new" else event.zones.new
        for zone in {labels.limit("zone", zone) for zone in entered}:
            yield {"__name__": ZONE, "camera": camera, "label": label, "zone": zone}, 1.0
    elif envelope.schema == schema_of(Result):
        yield {"__name__": RESULT, "outcome": unwrap(Result, envelope).outcome}, 1.0


def split_by_time(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Return the records in order of time, in parts of at most WINDOW_MS."""
    window: list[Record] = []
    for record in sorted(records, key=lambda record: record.time_ms):
        if window and record.time_ms - window[0].time_ms > WINDOW_MS:
            yield window
            window = []
        window.append(record)
    if window:
        yield window


def _read_rows(record: Record) -> list[Row]:
    return [(series, value) for series, value in json.loads(record.body)]


def _keys_of(record: Record) -> set[tuple[frozenset[tuple[str, str]], int]]:
    return {(frozenset(series.items()), record.time_ms) for series, _ in _read_rows(record)}
