"""The sinks as a role: events of vision and ends of voice go from NATS to spools, and from there to sinks."""

import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wyoming_rosie.bus import names
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.interface import Consumer
from wyoming_rosie.bus.messages import Result, VisionEvent
from wyoming_rosie.bus.schema import schema_of, to_data, unwrap
from wyoming_rosie.config import check_limits, state_folder
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Counter, Metrics
from wyoming_rosie.protocol.hosts import is_loopback
from wyoming_rosie.runtime.secrets import read_secret_variable
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.sinks.exporter import Exporter
from wyoming_rosie_bridge.sinks.kafka import KafkaAddress, KafkaSink, require_kafka
from wyoming_rosie_bridge.sinks.settings import SinkSettings
from wyoming_rosie_bridge.sinks.sink import Sink
from wyoming_rosie_bridge.sinks.spool import Entry, Spool
from wyoming_rosie_bridge.sinks.victoria_metrics import VictoriaMetricsSink
from wyoming_rosie_bridge.worker import Stage

CONCURRENCY = 64
MAX_SKEW_SECONDS = 86_400.0
"""Difference between an event's own time and its message's beyond which the clock of its camera must be wrong."""
MEGABYTE = 1_000_000


class SinkRole:
    """Keeps events in the sinks that are configured. Raises ConfigError."""

    def __init__(self, settings: SinkSettings, context: BridgeContext, ca_file: Path | None = None) -> None:
        self._events: Counter | None = None
        self._exports = [
            Export(sink, create_spool(settings, sink.name), context, partial(self._count, sink.name))
            for sink in create_sinks(settings, ca_file)
        ]

    def stages(self) -> Sequence[Stage]:
        return [stage for export in self._exports for stage in export.stages()]

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        return [export.exporter.run() for export in self._exports]

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        self._events = metrics.counter(
            "sink_events", "Events that a sink has, got again, or refuses", "sink", "outcome"
        )
        for export in self._exports:
            export.add_checks(health, metrics)

    def _count(self, sink: str, outcome: str, number: int) -> None:
        if self._events is not None:
            self._events.add(sink, outcome, by=number)


class Export:
    """The way of events to one sink."""

    def __init__(self, sink: Sink, spool: Spool, context: BridgeContext, count: Callable[[str, int], None]) -> None:
        self.exporter = Exporter(sink, spool, count)
        self._sink, self._spool, self._context = sink, spool, context

    def stages(self) -> Sequence[Stage]:
        sources = {
            f"export-{self._sink.name}": (names.VISION_STREAM, f"{names.VISION_EVENT}.>"),
            f"export-{self._sink.name}-results": (names.RESULTS_STREAM, f"{names.AUTOMATION_RESULT}.*"),
        }
        return [
            Stage(
                name,
                self._context.buses.events.source(Consumer(stream, name, subject)),
                self._store,
                _ignore_dead,
                concurrency=CONCURRENCY,
            )
            for name, (stream, subject) in sources.items()
        ]

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        spool, prefix = self._spool, f"sink_{self._sink.name.replace('-', '_')}_spool"
        health.add_check(self._sink.name, lambda: self.exporter.problem)
        metrics.gauge(f"{prefix}_events", "Events that the sink does not have yet", lambda: spool.count)
        metrics.gauge(f"{prefix}_bytes", "Their size", lambda: spool.size)
        metrics.gauge(f"{prefix}_oldest_seconds", "Age of the oldest one", lambda: spool.oldest_seconds)
        metrics.gauge(f"{prefix}_dropped", "Events that were dropped because the spool was full", lambda: spool.dropped)

    async def _store(self, envelope: Envelope) -> None:
        """Put an event into the spool; JetStream gets its confirmation when it is on the disk."""
        kept = without_speech(envelope)
        body = self._sink.encode(kept)
        if body is not None:
            await self._spool.put(Entry(envelope.key, event_time(envelope), body))


def is_configured(settings: SinkSettings) -> bool:
    """Return whether there is any sink."""
    return bool(settings.victoria_metrics or settings.kafka)


def create_sinks(settings: SinkSettings, ca_file: Path | None) -> Sequence[Sink]:
    """Return the sinks that are configured. Raises ConfigError."""
    sinks: list[Sink] = []
    if settings.victoria_metrics:
        sinks.append(create_victoria_metrics(settings.victoria_metrics, ca_file, allow_plain=settings.plain))
    if settings.kafka:
        sinks.append(create_kafka(settings, ca_file))
    return sinks


def create_victoria_metrics(url: str, ca_file: Path | None, *, allow_plain: bool) -> VictoriaMetricsSink:
    """Return the sink at a URL. Raises ConfigError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.password:
        raise ConfigError("--sinks.victoria-metrics must be http://HOST:PORT or https://HOST:PORT, without a password")
    is_plain = parts.scheme == "http"
    if is_plain and not allow_plain:
        _require_loopback("--sinks.victoria-metrics", parts.hostname, "https://")
    tls = None if is_plain else load_certificates(ca_file)
    return VictoriaMetricsSink(url, read_secret_variable("VICTORIA_METRICS_TOKEN"), tls)


def create_kafka(settings: SinkSettings, ca_file: Path | None) -> KafkaSink:
    """Return the sink of Kafka's protocol. Raises ConfigError."""
    require_kafka()
    for server in settings.kafka:
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigError(f"--sinks.kafka: '{server}' is not HOST:PORT")
        if not settings.kafka_tls and not settings.plain:
            _require_loopback("--sinks.kafka", host, "--sinks.kafka-tls")
    password = read_secret_variable("KAFKA_PASSWORD") if settings.kafka_user else None
    if settings.kafka_user and password is None:
        raise ConfigError("--sinks.kafka-user: set its password in the variable KAFKA_PASSWORD")
    tls = load_certificates(ca_file) if settings.kafka_tls else None
    return KafkaSink(KafkaAddress(settings.kafka, settings.kafka_topic, tls, settings.kafka_user, password))


def create_spool(settings: SinkSettings, name: str) -> Spool:
    """Return the spool of a sink. Raises ConfigError."""
    check_limits(settings, "--sinks.")
    folder = settings.spool or state_folder("bridge") / "spool"
    return Spool(folder / f"{name}.db", settings.spool_mb * MEGABYTE)


def load_certificates(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context of TLS. Raises ConfigError."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as err:
        raise ConfigError(f"cannot read the certificates in {ca_file}: {err}") from err


def without_speech(envelope: Envelope) -> Envelope:
    """Return an event without what was said: of a result, only its outcome is kept."""
    if envelope.schema != schema_of(Result):
        return envelope
    result = unwrap(Result, envelope)
    return replace(envelope, data=to_data(Result(result.outcome, result.ok)))


def event_time(envelope: Envelope) -> float:
    """Return when something happened, in seconds since the epoch. Raises BadMessageError."""
    if envelope.schema != schema_of(VisionEvent):
        return envelope.ts
    event = unwrap(VisionEvent, envelope)
    own = {"new": event.start, "update": None, "end": event.end}[event.phase]
    return own if own is not None and abs(own - envelope.ts) <= MAX_SKEW_SECONDS else envelope.ts


def _require_loopback(setting: str, host: str, secure: str) -> None:
    if not is_loopback(host):
        raise ConfigError(
            f"{setting}: {host} is another machine, so that what cameras see would be readable on the network; use "
            f"{secure}, or --sinks.plain if that network is yours alone"
        )


async def _ignore_dead(envelope: Envelope, reason: str) -> None:
    """Do nothing: the dead letter tells enough."""
