"""Audio by pointer: reading and checking what a device says its audio is."""

import asyncio
import base64
import binascii
import hashlib
import io
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter, read_wav
from wyoming_rosie.bus.interface import Jobs
from wyoming_rosie.bus.messages import MAX_INLINE_BYTES, AudioFormatData
from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie_bridge.voice.settings import VoiceSettings
from wyoming_rosie_bridge.worker import PoisonError

if TYPE_CHECKING:
    from aiohttp import StreamReader

MAX_SECONDS = 60.0
"""Limit of an utterance."""
MAX_AUDIO_BYTES = 10 * 2**20
BLOB_SECONDS = 900.0
"""Life of a payload: longer than all deliveries of its job together."""
FETCH_SECONDS = 5.0
INLINE = "inline"
_BLOB_SCHEMES = frozenset({"redis", "memory"})


class AudioStore:
    """Reads audio wherever it is; what is not on the bus itself is limited to places that the operator named."""

    def __init__(self, jobs: Jobs, settings: VoiceSettings) -> None:
        self._jobs = jobs
        self._folder = settings.audio_folder
        self._hosts = frozenset(settings.audio_host)

    async def store(self, key: str, content: bytes) -> str:
        """Store audio on the bus; return its URI. Raises BusError."""
        return await self._jobs.put_blob(f"voice/{key}", content, BLOB_SECONDS)

    async def read(self, uri: str, sha256: str | None) -> bytes:
        """Return the content of a URI. Raises PoisonError for one that can never be read, BusError, UnreachableError."""
        content = await self._read(uri)
        if len(content) > MAX_AUDIO_BYTES:
            raise PoisonError("too-large", f"the audio has more than {MAX_AUDIO_BYTES} bytes")
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256.lower():
            raise PoisonError("checksum", "the audio is not what its sha256 says")
        return content

    async def _read(self, uri: str) -> bytes:
        scheme = uri.partition(":")[0]
        if scheme in _BLOB_SCHEMES:
            content = await self._jobs.get_blob(uri)
            if content is None:
                raise PoisonError("payload_expired", "the audio has expired or was never there")
            return content
        if scheme == "file":
            return await asyncio.to_thread(self._read_file, uri)
        if scheme in ("http", "https"):
            return await self._fetch(uri)
        raise PoisonError("bad-uri", "the audio's URI must begin with redis:, file:, http: or https:")

    def _read_file(self, uri: str) -> bytes:
        parts = _parse_uri(uri)
        path = Path(unquote(parts.path))
        if self._folder is None or parts.netloc not in ("", "localhost"):
            raise PoisonError("bad-uri", "file: URIs need --voice.audio-folder")
        try:
            resolved = path.resolve(strict=True)
            if not resolved.is_relative_to(self._folder.resolve()) or not resolved.is_file():
                raise PoisonError("bad-uri", "the file is not in --voice.audio-folder")
            with resolved.open("rb") as file:
                return file.read(MAX_AUDIO_BYTES + 1)
        except (OSError, ValueError) as err:
            raise PoisonError("payload_expired", f"the file cannot be read: {type(err).__name__}") from err

    async def _fetch(self, uri: str) -> bytes:
        import aiohttp

        if _parse_uri(uri).netloc not in self._hosts:
            raise PoisonError("bad-uri", "--voice.audio-host does not name the host of the audio's URI")
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(uri, allow_redirects=False) as response,
            ):
                if response.status in (404, 410):
                    raise PoisonError("payload_expired", "the audio is not at its URI any more")
                if response.status != 200:
                    raise UnreachableError(f"the host of the audio answered with status {response.status}")
                return await _read_body(response.content)
        except (aiohttp.ClientError, TimeoutError, ValueError) as err:
            raise UnreachableError(f"the audio cannot be fetched: {type(err).__name__}") from err


async def _read_body(body: "StreamReader") -> bytes:
    """Return a whole body, or more than the limit of a longer one."""
    content = bytearray()
    while (piece := await body.readany()) and len(content) <= MAX_AUDIO_BYTES:
        content += piece
    return bytes(content)


def _parse_uri(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError as err:
        raise PoisonError("bad-uri", "the audio's URI is not valid") from err


def check_device_uri(uri: str, device_id: str) -> str:
    """Return a URI that a device may name: of payloads on the bus, only its own. Raises PoisonError."""
    scheme = uri.partition(":")[0]
    own = {"redis": f"redis:audio:blob:{device_id}:", "memory": f"memory:{device_id}:"}
    if scheme in own and not uri.startswith(own[scheme]):
        raise PoisonError("bad-uri", f"a device's audio on the bus must be at {own[scheme]}…")
    return uri


def decode_inline(text: str) -> bytes:
    """Return inline audio. Raises PoisonError."""
    with suppress(binascii.Error, ValueError):
        content = base64.b64decode(text, validate=True)
        if len(content) <= MAX_INLINE_BYTES:
            return content
    raise PoisonError("bad-inline", f"inline audio must be base64 of at most {MAX_INLINE_BYTES} bytes")


def to_speech(content: bytes, given: AudioFormatData) -> bytes:
    """Return audio, a WAV file or samples of the given format, as 16 kHz, 16-bit, mono PCM. Raises PoisonError."""
    try:
        audio, pcm = _parse(content, given)
        _check_length(audio.seconds(len(pcm)))
        if audio == SPEECH:
            return pcm
        converter = Converter(audio, SPEECH)
        return converter.convert(pcm) + converter.finish()
    except PoisonError:
        raise
    except RosieError as err:
        raise PoisonError("bad-audio", f"the audio is not valid: {err}") from err


def _check_length(seconds: float) -> None:
    if seconds > MAX_SECONDS:
        raise PoisonError("too-long", f"the audio is longer than {MAX_SECONDS:g} s")


def _parse(content: bytes, given: AudioFormatData) -> tuple[AudioFormat, bytes]:
    if content[:4] == b"RIFF":
        return read_wav(io.BytesIO(content))
    if not (8_000 <= given.rate <= 96_000 and given.width in (1, 2, 3, 4) and 1 <= given.channels <= 8):
        raise PoisonError("bad-audio", "the audio's format is not rate, width and channels of PCM")
    audio = AudioFormat(given.rate, given.width, given.channels)
    if not content or len(content) % audio.frame_bytes:
        raise PoisonError("bad-audio", "the audio is empty or ends within a sample")
    return audio, content
