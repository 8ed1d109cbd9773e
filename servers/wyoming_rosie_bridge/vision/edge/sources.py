"""Cameras of the settings: what kind each one is, and what of its address may be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.names import check_device_id
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.secrets import read_secret_variable

SourceKind: TypeAlias = Literal["stream", "file", "folder", "http", "mqtt"]
_KINDS: Mapping[str, SourceKind] = {
    "rtsp": "stream",
    "rtsps": "stream",
    "http": "http",
    "https": "http",
    "mqtt": "mqtt",
    "file": "file",
    "folder": "folder",
}
_HOW = "rtsp://HOST/PATH, http://HOST/PICTURE.jpg, mqtt:TOPIC, file:VIDEO or folder:PATH"


@dataclass(frozen=True)
class CameraSource:
    """Where the frames of a camera are. Its address may hold secrets, so that nothing shows but `place`."""

    camera: str
    kind: SourceKind
    address: str = field(repr=False)
    """URL without user and password, path, or topic."""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """What logs may show: of a URL the host alone, since its path and query may be secret as well."""
        if self.kind not in ("stream", "http"):
            return f"{self.kind}:{self.address}"
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def url_with_secret(self) -> str:
        """Return the URL with user and password; for the library that opens it alone."""
        if self.user is None:
            return self.address
        secret = "" if self.password is None else f":{quote(self.password, safe='')}"
        parts = urlsplit(self.address)
        return urlunsplit(parts._replace(netloc=f"{quote(self.user, safe='')}{secret}@{parts.netloc}"))


def parse_cameras(cameras: Mapping[str, str], setting: str, arguments: Sequence[str] = ()) -> list[CameraSource]:
    """Return the cameras of the settings. Raises ConfigError, which shows no address.

    `arguments` is the program's command line, which must hold no password.
    """
    sources = [_parse(camera, address, f"{setting}.{camera}") for camera, address in cameras.items()]
    for camera, address in cameras.items():
        if _has_password(address) and any(address in argument for argument in arguments):
            raise ConfigError(
                f"{setting}.{camera}: a password in a flag shows in the process list; write the camera into the "
                f"configuration file, or leave the password out and set {password_variable(camera)}"
            )
    topics = [source.address for source in sources if source.kind == "mqtt"]
    if len(topics) != len(set(topics)):
        raise ConfigError(f"{setting}: two cameras have the same MQTT topic; give each one its own")
    return sources


def password_variable(camera: str) -> str:
    """Return the environment variable with a camera's password."""
    return f"CAMERA_{camera.upper().replace('-', '_')}_PASSWORD"


def _parse(camera: str, address: str, setting: str) -> CameraSource:
    try:
        check_device_id(camera)
    except BadMessageError as err:
        raise ConfigError(f"{setting}: a camera's name has 1 to 64 of a-z, 0-9, _ and -") from err
    scheme, _, rest = address.partition(":")
    kind = _KINDS.get(scheme)
    if kind is None or not rest:
        raise ConfigError(f"{setting}: a camera is {_HOW}")
    if kind in ("stream", "http"):
        return _parse_url(camera, kind, address, setting)
    if kind == "mqtt":
        return CameraSource(camera, kind, _check_topic(rest, setting))
    return CameraSource(camera, kind, rest)


def _parse_url(camera: str, kind: SourceKind, address: str, setting: str) -> CameraSource:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise ConfigError(f"{setting}: a camera is {_HOW}")
    host = f"[{host}]" if ":" in host else host
    bare = urlunsplit(parts._replace(netloc=host if port is None else f"{host}:{port}"))
    if parts.username is None:
        return CameraSource(camera, kind, bare)
    password = read_secret_variable(password_variable(camera)) if parts.password is None else unquote(parts.password)
    return CameraSource(camera, kind, bare, unquote(parts.username), password)


def _check_topic(topic: str, setting: str) -> str:
    topic = topic.removeprefix("//")
    if not topic or len(topic) > 200 or any(forbidden in topic for forbidden in "+#\0"):
        raise ConfigError(f"{setting}: an MQTT topic has no + and no #, and at most 200 characters")
    return topic


def _has_password(address: str) -> bool:
    try:
        return urlsplit(address).password is not None
    except ValueError:
        return False
