"""Transports of a page's sound: which there are, which the hub offers, and the rules for an offer of WebRTC."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.protocol import hosts
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_hub.web.settings import WebConfig

MAX_SDP_CHARACTERS = 16_384
MAX_CANDIDATES = 32
_CANDIDATE = "a=candidate:"
_ADDRESS_FIELD = 4


class Transport(StrEnum):
    """How a page's sound travels."""

    PCM = "pcm"  # in the WebSocket's binary messages
    OPUS = "opus"  # there too, one packet a message
    WEBRTC = "webrtc"


_LIBRARIES = {Transport.OPUS: ("av",), Transport.WEBRTC: ("av", "aiortc")}


def is_importable(name: str) -> bool:
    """Return whether a library is installed."""
    return find_spec(name) is not None


@dataclass(frozen=True)
class SoundOffer:
    """The transports that a page may use, and the STUN server for WebRTC, empty for none."""

    transports: tuple[Transport, ...] = (Transport.PCM,)
    stun: str = ""

    @property
    def has_webrtc(self) -> bool:
        return Transport.WEBRTC in self.transports


def create_offer(settings: WebConfig, is_installed: Callable[[str], bool] = is_importable) -> SoundOffer:
    """Return what the settings and this installation allow. Raises ConfigError."""
    wanted = {Transport.OPUS: settings.opus, Transport.WEBRTC: settings.webrtc}
    offered = (one for one, is_wanted in wanted.items() if _is_offered(one, is_wanted, settings, is_installed))
    return SoundOffer((Transport.PCM, *offered), settings.stun)


def _is_offered(
    transport: Transport, is_wanted: bool | None, settings: WebConfig, is_installed: Callable[[str], bool]
) -> bool:
    missing = [name for name in _LIBRARIES[transport] if not is_installed(name)]
    if is_wanted and missing:
        raise ConfigError(f"--web.{transport}: {missing[0]} is missing; run: {install_command(['webrtc'])}")
    return not missing and (can_be_reached(settings) if is_wanted is None else is_wanted)


def can_be_reached(settings: WebConfig) -> bool:
    """Return whether other machines can reach the page."""
    return bool(not hosts.is_loopback(settings.host) or settings.names or settings.proxy)


def check_offer(sdp: str, address: str) -> str:
    """Return an offer of one audio line whose candidates are at home, else at the `address` of its sender.

    The hub must send no packet to a place that somebody names. A browser hides its own addresses behind names until it
    may use the microphone; they are its sender's. Raises BadEventError.
    """
    lines = sdp.replace("\r\n", "\n").split("\n")
    media = [line for line in lines if line.startswith("m=")]
    candidates = [line for line in lines if line.startswith(_CANDIDATE)]
    if len(sdp) > MAX_SDP_CHARACTERS or len(candidates) > MAX_CANDIDATES:
        raise BadEventError(f"an offer has at most {MAX_SDP_CHARACTERS} characters and {MAX_CANDIDATES} candidates")
    if len(media) != 1 or not media[0].startswith("m=audio "):
        raise BadEventError("an offer has one line of media, which is audio")
    kept = (_move_home(line, address) if line.startswith(_CANDIDATE) else line for line in lines)
    return "\r\n".join(kept)


def _move_home(candidate: str, address: str) -> str:
    fields = candidate.split(" ")
    if len(fields) <= _ADDRESS_FIELD:
        raise BadEventError("a candidate has an address")
    if not _is_at_home(fields[_ADDRESS_FIELD]):
        fields[_ADDRESS_FIELD] = address
    return " ".join(fields)


def _is_at_home(address: str) -> bool:
    parsed = hosts.parse_ip(address)
    if parsed is None or parsed.is_multicast or parsed.is_unspecified or parsed.is_loopback:
        return False
    return not parsed.is_global
