"""Settings of the Frigate events."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.hosts import is_loopback
from wyoming_rosie.runtime.secrets import read_secret_variable
from wyoming_rosie_bridge.vision.frigate.reconcile import FrigateApi
from wyoming_rosie_bridge.vision.frigate.tracking import COOL_DOWN_SECONDS, DEFAULT_FLOOR, TrackingRules

TOKEN_VARIABLE = "FRIGATE_TOKEN"  # noqa: S105 - a variable's name
_INSTANCE = re.compile(r"[a-z0-9_-]{1,32}")
_PREFIX = re.compile(r"[^#+/\0]+(/[^#+/\0]+)*")


@dataclass(frozen=True)
class FrigateSettings:
    url: str | None = option(
        None,
        "Frigate's HTTP API, which fills what MQTT lost, such as http://frigate:5000; a token is read from FRIGATE_TOKEN",
    )
    ca_file: Path | None = option(None, "certificates of the CA that signed Frigate's")
    topic_prefix: str = option("frigate", "the topic_prefix in Frigate's configuration")
    instance: str = option("frigate", "name of this Frigate in events and keys, where there are several")
    min_score: float = option(DEFAULT_FLOOR, "least score of an object", minimum=0, maximum=1)
    label_min_score: tuple[str, ...] = option((), "least score of a label, as dog=0.7; may be given again")
    cool_down_seconds: float = option(
        COOL_DOWN_SECONDS, "an object of the same kind on the same camera within this time is marked repeat"
    )


def check_settings(settings: FrigateSettings) -> None:
    """Raise ConfigError for names that cannot be parts of topics and keys."""
    if not _INSTANCE.fullmatch(settings.instance):
        raise ConfigError("--vision.frigate.instance must have 1 to 32 of a-z, 0-9, _ and -")
    if not _PREFIX.fullmatch(settings.topic_prefix):
        raise ConfigError("--vision.frigate.topic-prefix must be a topic without #, + and empty levels")


def create_rules(settings: FrigateSettings) -> TrackingRules:
    """Return the rules of tracking. Raises ConfigError."""
    return TrackingRules(
        settings.instance,
        _check_score("--vision.frigate.min-score", settings.min_score),
        dict(_parse_floor(text) for text in settings.label_min_score),
        settings.cool_down_seconds,
        settings.url.rstrip("/") if settings.url else None,
    )


def create_api(settings: FrigateSettings) -> FrigateApi | None:
    """Return the client of Frigate's HTTP API, if it has a URL. Raises ConfigError."""
    if settings.url is None:
        return None
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"--vision.frigate.url: '{settings.url}' is not http://HOST:PORT or https://HOST:PORT")
    if parts.username or parts.password:
        raise ConfigError(f"--vision.frigate.url: a password in a URL shows in the process list; set {TOKEN_VARIABLE}")
    token = read_secret_variable(TOKEN_VARIABLE)
    if token and parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(
            f"--vision.frigate.url: {TOKEN_VARIABLE} would be readable on the network; use https, Frigate's port 8971"
        )
    return FrigateApi(settings.url.rstrip("/"), token, settings.ca_file)


def _parse_floor(text: str) -> tuple[str, float]:
    label, _, score = text.partition("=")
    try:
        return label, _check_score("--vision.frigate.label-min-score", float(score))
    except ValueError as err:
        raise ConfigError(f"--vision.frigate.label-min-score: '{text}' is not LABEL=SCORE") from err


def _check_score(setting: str, score: float) -> float:
    if not 0 <= score <= 1:
        raise ConfigError(f"{setting} must be from 0 to 1")
    return score
