"""Voice node: a device's side of the bridge. It keeps each utterance on disk until it has the bridge's receipt."""

import asyncio
import hashlib
import os
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
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
        self._sent: dict[Path, float] = {}  # time of the last attempt
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
        await asyncio.to_thread(self._keep, f"{time.time_ns():020d}{_SUFFIX}", envelope.encode())
        self._wanted.set()
        return key

    async def count_waiting(self) -> int:
        """Return how many utterances have no receipt yet."""
        return len(await asyncio.to_thread(self._waiting))

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
        for file in await asyncio.to_thread(self._waiting):
            if time.monotonic() - self._sent.get(file, -RESEND_SECONDS) < RESEND_SECONDS:
                continue
            try:
                payload = await asyncio.to_thread(file.read_bytes)
            except FileNotFoundError:  # its receipt has come meanwhile
                continue
            self._sent[file] = time.monotonic()
            await self._mqtt.publish(names.voice_topic(self._device_id, "audio_meta"), _with_age(payload))

    async def _on_receipt(self, message: MqttMessage) -> None:
        envelope = decode(message.payload)
        receipt = schema.unwrap(Receipt, envelope)
        if receipt.result == "rejected":
            self.rejected += 1
            _LOG.warning("utterance rejected", key=envelope.key, reason=receipt.reason)
        await asyncio.to_thread(self._delete, envelope.key)

    async def _on_say_message(self, message: MqttMessage) -> None:
        self._on_say(schema.unwrap(Say, decode(message.payload)))

    def _on_connect(self) -> None:
        self._sent.clear()
        self._wanted.set()

    def _keep(self, name: str, payload: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room(len(payload))
        new = self._folder / f"{name}.new"
        with new.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._folder / name)

    def _make_room(self, size: int) -> None:
        """Give up the oldest utterances while there are too many."""
        files = self._waiting()
        sizes = [file.stat().st_size for file in files]
        while files and (len(files) >= MAX_WAITING or sum(sizes) + size > MAX_WAITING_BYTES):
            files.pop(0).unlink(missing_ok=True)
            sizes.pop(0)
            self.dropped += 1

    def _waiting(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}")) if self._folder.is_dir() else []

    def _delete(self, key: str) -> None:
        for file in self._waiting():
            try:
                is_it = decode(file.read_bytes()).key == key
            except (BadMessageError, FileNotFoundError):
                continue
            if is_it:
                file.unlink(missing_ok=True)
                self._sent.pop(file, None)
                return


def _with_age(payload: bytes) -> bytes:
    """Return a kept utterance with its age now: this clock may differ from the bridge's, but its seconds do not."""
    envelope = decode(payload)
    age = max(0.0, time.time() - envelope.ts)
    return replace(envelope, data={**envelope.data, "age": round(age, 3)}).encode()


def offline_status(device_id: str) -> bytes:
    """Return the last will of a device."""
    return schema.wrap(DeviceStatus("offline"), key=f"{device_id}:offline", source=device_id, now=time.time()).encode()
