"""Settings of the sinks."""

from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.config import option


@dataclass(frozen=True)
class SinkSettings:
    victoria_metrics: str | None = option(
        None,
        "count events in VictoriaMetrics, such as http://127.0.0.1:8428; a token is read from VICTORIA_METRICS_TOKEN",
    )
    kafka: tuple[str, ...] = option(
        (), "send events to this broker of Kafka's protocol, HOST:PORT; may be given again; needs the extra [kafka]"
    )
    kafka_topic: str = option("wyoming-rosie.events", "topic of Kafka")
    kafka_user: str | None = option(None, "user for SASL SCRAM-SHA-256; the password is read from KAFKA_PASSWORD")
    kafka_tls: bool = option(False, "connect to Kafka with TLS; brokers on other machines need it")
    spool: Path | None = option(None, "folder of the events that a sink does not have yet [default: the state folder]")
    spool_mb: int = option(
        256, "size of each sink's spool; beyond it the oldest events are dropped and counted", minimum=1
    )
    plain: bool = option(False, "connect without TLS to sinks on other machines")
