"""Voice node: a device's side of the bridge. It keeps each utterance on disk until it has the bridge's receipt."""

import asyncio
import hashlib
import os
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import decode
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.interface import Mqtt, MqttMessage
from wyoming_rosie.bus.messages import AudioFormatData, AudioMeta, DeviceStatus, Receipt, Say, WakeWordData

_LOG = structlog.get_logger()
RESEND_SECONDS = 5.0
"""Time without a receipt after which an utterance is sent again."""
MAX_WAITING = 500
MAX_WAITING_BYTES = 100 * 2**20
_SUFFIX = ".json"


@dataclass
class _Kept:
    """An utterance on disk."""

    file: Path
    size: int
    sent: float = -RESEND_SECONDS  # monotonic time of the last attempt


class VoiceNode:
    """One device. Subscribe before the connection is opened; `run` sends, and sends again."""

    def __init__(
        self, mqtt: Mqtt, device_id: str, folder: Path, on_say: Callable[[Say], None] = lambda _: None
    ) -> None:
        self.dropped = 0
        """Utterances that were given up because too many waited."""
        self.rejected = 0
        self._mqtt, self._device_id, self._folder = mqtt, names.check_device_id(device_id), folder
        self._on_say = on_say
        self._boot = uuid4().hex[:8]
        self._counter = 0
        self._waiting: dict[str, _Kept] | None = None  # by key, the oldest first; None until the folder was read
        self._files = asyncio.Lock()
        self._wanted = asyncio.Event()
        mqtt.subscribe(names.voice_topic(device_id, "receipt"), self._on_receipt)
        mqtt.subscribe(names.voice_topic(device_id, "say"), self._on_say_message)
        mqtt.on_connect(self._on_connect)

    async def send_audio(
        self,
        content: bytes,
        audio: AudioFormatData,
        *,
        uri: str | None = None,
        area: str | None = None,
        wake: str | None = None,
    ) -> str:
        """Keep an utterance and send it as soon as possible; return its key. `uri` is where its audio is, if not inline."""
        self._counter += 1
        key = f"{self._device_id}:{self._boot}:{self._counter}"
        inline = None if uri else b64encode(content).decode()
        sha256 = hashlib.sha256(content).hexdigest()
        meta = AudioMeta(uri, inline, sha256, audio, wake=WakeWordData(wake) if wake else None, area=area)
        envelope = schema.wrap(meta, key=key, source=self._device_id, now=time.time())
        await self._keep(key, envelope.encode())
        self._wanted.set()
        return key

    async def count_waiting(self) -> int:
        """Return how many utterances have no receipt yet."""
        return len(await self._load())

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            self._wanted.clear()
            try:
                await self._send_waiting()
            except BusError as err:
                _LOG.debug("utterances wait", reason=str(err))
            try:
                async with asyncio.timeout(RESEND_SECONDS / 2):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def _send_waiting(self) -> None:
        waiting = await self._load()
        for key, kept in list(waiting.items()):
            if key not in waiting or time.monotonic() - kept.sent < RESEND_SECONDS:
                continue
            try:
                payload = await asyncio.to_thread(kept.file.read_bytes)
            except FileNotFoundError:  # its receipt has come meanwhile
                continue
            kept.sent = time.monotonic()
            await self._mqtt.publish(names.voice_topic(self._device_id, "audio_meta"), _with_age(payload))

    async def _on_receipt(self, message: MqttMessage) -> None:
        envelope = decode(message.payload)
        receipt = schema.unwrap(Receipt, envelope)
        if receipt.result == "rejected":
            self.rejected += 1
            _LOG.warning("utterance rejected", key=envelope.key, reason=receipt.reason)
        kept = (await self._load()).pop(envelope.key, None)
        if kept is not None:
            await asyncio.to_thread(kept.file.unlink, missing_ok=True)

    async def _on_say_message(self, message: MqttMessage) -> None:
        self._on_say(schema.unwrap(Say, decode(message.payload)))

    def _on_connect(self) -> None:
        for kept in (self._waiting or {}).values():
            kept.sent = -RESEND_SECONDS
        self._wanted.set()

    async def _load(self) -> "dict[str, _Kept]":
        """Return what waits, with what an earlier run of this device has left."""
        async with self._files:
            if self._waiting is None:
                self._waiting = await asyncio.to_thread(_read_folder, self._folder)
            return self._waiting

    async def _keep(self, key: str, payload: bytes) -> None:
        """Write an utterance to disk; give up the oldest ones while there are too many."""
        waiting = await self._load()
        while waiting and (
            len(waiting) >= MAX_WAITING
            or sum(kept.size for kept in waiting.values()) + len(payload) > MAX_WAITING_BYTES
        ):
            oldest = waiting.pop(next(iter(waiting)))
            self.dropped += 1
            await asyncio.to_thread(oldest.file.unlink, missing_ok=True)
        file = self._folder / f"{time.time_ns():020d}{_SUFFIX}"
        await asyncio.to_thread(_write_file, file, payload)
        waiting[key] = _Kept(file, len(payload))


def _write_file(file: Path, payload: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    with new.open("wb") as opened:
        opened.write(payload)
        opened.flush()
        os.fsync(opened.fileno())
    new.rename(file)


def _read_folder(folder: Path) -> "dict[str, _Kept]":
    waiting: dict[str, _Kept] = {}
    for file in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else ():
        payload = file.read_bytes()
        try:
            waiting[decode(payload).key] = _Kept(file, len(payload))
        except BadMessageError:
            _LOG.warning("kept utterance is not readable", file=file.name)
    return waiting


def _with_age(payload: bytes) -> bytes:
    """Return a kept utterance with its age now: this clock may differ from the bridge's, but its seconds do not."""
    envelope = decode(payload)
    age = max(0.0, time.time() - envelope.ts)
    return replace(envelope, data={**envelope.data, "age": round(age, 3)}).encode()


def offline_status(device_id: str) -> bytes:
    """Return the last will of a device."""
    return schema.wrap(DeviceStatus("offline"), key=f"{device_id}:offline", source=device_id, now=time.time()).encode()
