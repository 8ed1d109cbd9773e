"""Settings of the bridge."""

from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.bus.connection import SECRETS, BrokerUrl, parse_broker_url
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.server import LOOPBACK
from wyoming_rosie_bridge.mind.settings import MindSettings
from wyoming_rosie_bridge.sinks.settings import SinkSettings
from wyoming_rosie_bridge.vision.settings import VisionSettings
from wyoming_rosie_bridge.voice.settings import VoiceSettings

ROLES = ("voice", "vision", "mind")
INGEST = "ingest"
"""The part that takes messages from MQTT, named like a stage."""


@dataclass(frozen=True)
class BrokerSettings:
    mqtt: str | None = option(None, "mqtt://HOST:PORT; mqtts:// with TLS; the password is read from MQTT_PASSWORD")
    redis: str | None = option(None, "redis://HOST:PORT; rediss:// with TLS; the password is read from REDIS_PASSWORD")
    nats: str | None = option(None, "nats://HOST:PORT; tls:// with TLS; a token or password is read from NATS_TOKEN")
    ca_file: Path | None = option(None, "certificates of the CA that signed those of the brokers")
    plain: bool = option(False, "connect without TLS to brokers on other machines")
    mqtt_client_id: str | None = option(
        None, "MQTT client ID; each bridge needs its own [default: from the host's name]"
    )
    nats_credentials: Path | None = option(None, "NATS credentials file")
    nats_nkey: Path | None = option(None, "file with the seed of this service's NATS nkey")


@dataclass(frozen=True)
class BridgeConfig:
    """Carries voice, vision and model jobs between MQTT, Redis Streams and NATS.

    `wyoming-rosie-bridge dead list`, `show` and `replay` are for messages that could not be handled.
    """

    role: tuple[str, ...] = option(ROLES, "what runs here: voice, vision or mind; may be given again")
    stage: tuple[str, ...] = option((), "run only this stage of the roles, such as ingest or asr; may be given again")
    broker: BrokerSettings = option(
        BrokerSettings, "where the brokers are; a bus without one is in this process's memory"
    )
    voice: VoiceSettings = option(VoiceSettings, "utterances of MQTT devices")
    vision: VisionSettings = option(VisionSettings, "what cameras see")
    mind: MindSettings = option(MindSettings, "requests to language models")
    sinks: SinkSettings = option(SinkSettings, "databases and brokers that keep what cameras saw, and count results")
    demo: bool = option(
        False, "send a spoken command and a Frigate storm through the bridge, print what comes of it, and end"
    )
    http_port: int | None = option(None, "serve /health and /metrics over HTTP on this port")
    http_host: str = option(LOOPBACK, "address for --http-port; 0.0.0.0 admits other machines")
    debug: bool = option(False, "log more, including what people say")
    join: str | None = option(
        None,
        "become a member of a house at this start, by the code that `wyoming-rosie pair NAME` shows: CODE, CODE@HOST, or the"
        " address in its QR code; a code is for one use",
    )
    identity: Path | None = option(None, "folder of the identity in the house [default: in the user's state folder]")
    config: Path | None = option(None, "read this TOML file instead of the user's and the system's")


def check_roles(settings: BridgeConfig) -> None:
    """Raise ConfigError for roles that do not exist."""
    for role in settings.role:
        if role not in ROLES:
            raise ConfigError(f"--role: there is no role '{role}'; there are: {', '.join(ROLES)}")


def check_brokers(settings: BridgeConfig) -> None:
    """Raise ConfigError if only some of the brokers that a role needs are given: the rest would be in memory, and be lost."""
    given = set(broker_urls(settings.broker))
    if not given:
        return
    for role in settings.role:
        missing = sorted(_needed_buses(settings, role) - given)
        if missing:
            raise ConfigError(
                f"--broker.{missing[0]}: the role {role} needs it beside {', '.join(sorted(given))}; without it, what it "
                "accepts would be in this process's memory alone (give no broker at all to try it so)"
            )


def _needed_buses(settings: BridgeConfig, role: str) -> set[str]:
    if settings.stage and all(name.startswith("export-") for name in settings.stage):
        return {"nats"}
    speaks_mqtt = role == "vision" or (
        role == "voice" and (not settings.stage or {INGEST, "reply"} & {*settings.stage})
    )
    return {"redis", "nats", *(("mqtt",) if speaks_mqtt else ())}


def broker_urls(settings: BrokerSettings) -> dict[str, BrokerUrl]:
    """Return the brokers' URLs by bus. Raises ConfigError."""
    given = {"mqtt": settings.mqtt, "redis": settings.redis, "nats": settings.nats}
    return {
        bus: parse_broker_url(f"--broker.{bus}", url, SECRETS[bus], settings.ca_file, allow_plain=settings.plain)
        for bus, url in given.items()
        if url is not None
    }
