"""The satellite as a device of ESPHome's API: its name, its MAC address, and its encryption key on disk."""

import base64
import binascii
import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import structlog

from wyoming_rosie import __version__
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import atomic_file
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.framing import KEY_BYTES, NO_KEY, DeviceIdentity
from wyoming_rosie_satellite.esphome.messages import FEATURES

_LOG = structlog.get_logger()
MAX_NAME_CHARACTERS = 31
_MAX_KEY_FILE_BYTES = 100
_LOCAL_UNICAST = 0x02
"""First byte of a MAC address that no manufacturer gives out."""
MODEL = "Voice satellite"
MANUFACTURER = "wyoming-rosie"
PROJECT = f"{MANUFACTURER}.satellite"


@dataclass(frozen=True)
class Device:
    """What Home Assistant is told about the satellite, and recognizes it by."""

    identity: DeviceIdentity
    friendly_name: str
    area: str | None = None

    @property
    def colon_mac(self) -> str:
        """The MAC address in upper case with colons, as a device's information has it."""
        mac = self.identity.mac.upper()
        return ":".join(mac[start : start + 2] for start in range(0, len(mac), 2))

    def describe(self, *, has_key: bool) -> api.DeviceInfoResponse:
        """Return the device's information; without a key, Home Assistant may send one."""
        return api.DeviceInfoResponse(
            name=self.identity.name,
            mac_address=self.colon_mac,
            esphome_version=__version__,
            model=MODEL,
            project_name=PROJECT,
            project_version=__version__,
            manufacturer=MANUFACTURER,
            friendly_name=self.friendly_name,
            suggested_area=self.area or "",
            voice_assistant_feature_flags=FEATURES,
            api_encryption_supported=True,
            api_encryption_provisionable=not has_key,
        )

    def properties(self, *, has_key: bool) -> dict[str, str]:
        """Return what mDNS announces of the device."""
        encryption = "api_encryption" if has_key else "api_encryption_supported"
        return {
            "friendly_name": self.friendly_name,
            "version": __version__,
            "mac": self.identity.mac,
            "platform": "host",
            "network": "ethernet",
            "project_name": PROJECT,
            "project_version": __version__,
            encryption: "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
        }


def create_device(friendly_name: str, area: str | None, machine_id: bytes) -> Device:
    """Return the device of a satellite, the same one for the same name on the same machine."""
    digest = hashlib.sha256(b"esphome\0" + machine_id + b"\0" + friendly_name.encode()).digest()
    mac = bytes([digest[0] & 0xFC | _LOCAL_UNICAST]) + digest[1:6]
    suffix = f"-{mac.hex()[-6:]}"
    plain = re.sub(r"[^a-z0-9]+", "-", friendly_name.lower()).strip("-") or "satellite"
    name = plain[: MAX_NAME_CHARACTERS - len(suffix)].rstrip("-") + suffix
    return Device(DeviceIdentity(name, mac.hex()), friendly_name, area)


class KeyStore:
    """The encryption key in a file that only its owner can read. `load` must be called once; both block for a moment."""

    def __init__(self, path: Path) -> None:
        self.key: bytes | None = None
        self._path = path

    def load(self, *, create: bool = False) -> None:
        """Read the key; `create` makes one if there is none. Raises ConfigError."""
        try:
            with self._path.open("rb") as file:
                self.key = parse_key(file.read(_MAX_KEY_FILE_BYTES).strip())
        except FileNotFoundError:
            self.key = None
        except OSError as err:
            raise ConfigError(f"cannot read the key {self._path}: {err.strerror}") from err
        except ValueError as err:
            raise ConfigError(f"{self._path} is no key, {err}; delete it, and add the device again") from err
        if create and self.key is None:
            self.save(secrets.token_bytes(KEY_BYTES))

    def save(self, key: bytes | None) -> None:
        """Replace the key, or delete it. Raises ConfigError."""
        try:
            if key is None:
                self._path.unlink(missing_ok=True)
            else:
                atomic_file.write(self._path, format_key(key).encode(), atomic_file.PRIVATE)
        except OSError as err:
            raise ConfigError(f"cannot write the key {self._path}: {err.strerror}") from err
        self.key = key


def parse_key(given: bytes) -> bytes:
    """Return a key of 32 bytes, given as such or in base64. Raises ValueError."""
    key = given
    if len(given) != KEY_BYTES:
        try:
            key = base64.b64decode(given, validate=True)
        except binascii.Error as err:
            raise ValueError("which is 32 bytes in base64") from err
    if len(key) != KEY_BYTES or key == NO_KEY:
        raise ValueError("which is 32 bytes in base64, not all of them zero")
    return key


def format_key(key: bytes) -> str:
    """Return a key as people enter it in Home Assistant."""
    return base64.b64encode(key).decode()
