"""Media: audio behind a URL of Home Assistant, which converts it to WAV in the speaker's format, as a stream."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp

from wyoming_rosie.audio.formats import CHANNELS, RATES, AudioFormat, swap_sign
from wyoming_rosie.errors import RosieError

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
"""Pause in a stream; the first sound of a slow language model comes after one."""
PIECE_BYTES = 8_192
MAX_HEADER_BYTES = 65_536
MAX_REDIRECTS = 3
_PCM_TAGS = (1, 0xFFFE)
_WIDTHS = (1, 2, 3, 4)
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
"""Sizes of audio whose end was not known when its header was written."""


class MediaError(RosieError):
    """There is no audio at the URL that can be played."""

    code = "media"


@dataclass(frozen=True)
class MediaAudio:
    """The next audio of a stream, whole frames."""

    format: AudioFormat
    pcm: bytes = field(repr=False)


class MediaSource(Protocol):
    """Opens the audio behind URLs."""

    def open(self, url: str) -> AsyncGenerator[MediaAudio, None]:
        """Yield the audio as it arrives; close the generator to stop it. Raises MediaError."""


class HttpMedia:
    """Fetches WAV over HTTP."""

    async def open(self, url: str) -> AsyncGenerator[MediaAudio, None]:
        if urlsplit(url).scheme not in ("http", "https"):
            raise MediaError("the URL of the audio must begin with http:// or https://")
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, max_redirects=MAX_REDIRECTS, raise_for_status=True) as response,
                aclosing(parse_wav(response.content.iter_chunked(PIECE_BYTES))) as audio,
            ):
                async for piece in audio:
                    yield piece
        except aiohttp.ClientResponseError as err:
            raise MediaError(f"the audio cannot be fetched: the answer is {err.status}") from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            raise MediaError(f"the audio cannot be fetched: {type(err).__name__}") from err


async def parse_wav(pieces: AsyncIterator[bytes]) -> AsyncGenerator[MediaAudio, None]:
    """Yield the audio of a WAV file that arrives in pieces of any size. Raises MediaError."""
    header = WavHeader()
    unread = b""
    remaining: int | None = None  # None: until the end of the stream
    async for piece in pieces:
        unread += piece
        if header.format is None:
            if (start := header.parse(unread)) is None:
                continue
            unread, remaining = unread[start:], header.data_bytes
        assert header.format is not None
        end = len(unread) if remaining is None else min(len(unread), remaining)
        whole = end - end % header.format.frame_bytes
        if whole:
            yield MediaAudio(header.format, swap_sign(unread[:whole], header.format))
        unread = unread[whole:]
        remaining = None if remaining is None else remaining - whole
        if remaining is not None and remaining < header.format.frame_bytes:
            return
    if header.format is None:
        raise MediaError("the audio is no WAV file")


class WavHeader:
    """The header of a WAV file."""

    def __init__(self) -> None:
        self.format: AudioFormat | None = None
        self.data_bytes: int | None = None  # None: unknown

    def parse(self, beginning: bytes) -> int | None:
        """Return where the audio starts, None while the header is not complete. Raises MediaError."""
        if not b"RIFF".startswith(beginning[:4]) or (len(beginning) >= 12 and beginning[8:12] != b"WAVE"):
            raise MediaError("the audio is no WAV file")
        found: AudioFormat | None = None
        start = 12
        while len(beginning) >= start + 8:
            name, size = beginning[start : start + 4], int.from_bytes(beginning[start + 4 : start + 8], "little")
            start += 8
            if name == b"data":
                if found is None:
                    raise MediaError("the WAV file does not tell its format")
                self.format, self.data_bytes = found, None if size in _UNKNOWN_SIZES else size
                return start
            if size > MAX_HEADER_BYTES:
                raise MediaError("the header of the WAV file is too long")
            if name == b"fmt " and len(beginning) >= start + size:
                found = _parse_format(beginning[start : start + size])
            start += size + size % 2
        if start > MAX_HEADER_BYTES:
            raise MediaError("the header of the WAV file is too long")
        return None


def _parse_format(chunk: bytes) -> AudioFormat:
    numbers = [int.from_bytes(chunk[start:end], "little") for start, end in ((0, 2), (2, 4), (4, 8), (14, 16))]
    tag, channels, rate, bits = numbers
    audio = AudioFormat(rate, bits // 8, channels)
    is_known = tag in _PCM_TAGS and not bits % 8
    if not (is_known and audio.width in _WIDTHS and rate in RATES and channels in CHANNELS):
        raise MediaError("the WAV file has samples of an unknown format")
    return audio
