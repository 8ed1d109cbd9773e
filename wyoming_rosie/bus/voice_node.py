"""Voice node: a device's side of the bridge. It keeps each utterance on disk until it has the bridge's receipt."""

import asyncio
import hashlib
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import CLOCK_IS_SET, Envelope, decode
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.interface import Mqtt, MqttMessage
from wyoming_rosie.bus.messages import (
    MAX_AUDIO_META_BYTES,
    MAX_INLINE_BYTES,
    AudioFormatData,
    AudioMeta,
    DeviceStatus,
    Receipt,
    Say,
    WakeWordData,
)
from wyoming_rosie.runtime import atomic_file

_LOG = structlog.get_logger()
RESEND_SECONDS = 5.0
"""Time without a receipt after which an utterance is sent again."""
MAX_WAITING = 500
MAX_WAITING_BYTES = 100 * 2**20
LATE_ANSWER_SECONDS = 60.0
"""Age of an utterance whose answer nobody waits for any more, and of a sentence that is no answer."""
AGREEMENT_SECONDS = 2.0
"""Difference of two clocks that agree, the way of a receipt included."""
MAX_REMEMBERED = 1000
_SUFFIX = ".json"


class SayFilter:
    """Decides which sentences a device speaks: each one once, and none that comes late.

    `now` is monotonic, in seconds; `clock` is the time of day, which may be wrong.
    """

    def __init__(self, device_id: str) -> None:
        self._prefix = f"{device_id}:"
        self._sent: OrderedDict[str, float] = OrderedDict()
        self._spoken: OrderedDict[tuple[str, int], None] = OrderedDict()

    def note_utterance(self, key: str, now: float) -> None:
        """Remember when an utterance was made."""
        self._sent[key] = now
        if len(self._sent) > MAX_REMEMBERED:
            self._sent.popitem(last=False)

    def accepts(self, envelope: Envelope, say: Say, now: float, clock: float) -> bool:
        """Return whether to speak a sentence, or the next piece of it; remember it if so."""
        number = 0 if say.audio is None else say.audio.number
        piece = envelope.key, number
        is_first = number == 0 and not self._is_late(envelope, now, clock)
        if piece in self._spoken or not (is_first or (envelope.key, number - 1) in self._spoken):
            return False
        self._spoken[piece] = None
        if len(self._spoken) > MAX_REMEMBERED:
            self._spoken.popitem(last=False)
        return True

    def _is_late(self, envelope: Envelope, now: float, clock: float) -> bool:
        if envelope.key.startswith(self._prefix):  # an utterance that is not known was made before a restart
            return now - self._sent.get(envelope.key, -LATE_ANSWER_SECONDS) >= LATE_ANSWER_SECONDS
        return min(clock, envelope.ts) >= CLOCK_IS_SET and clock - envelope.ts >= LATE_ANSWER_SECONDS


@dataclass
class _Kept:
    """An utterance on disk."""

    file: Path
    size: int
    recorded: float | None = None  # monotonic time, None for one of an earlier run
    sent: float = -RESEND_SECONDS  # monotonic time of the last attempt


class VoiceNode:
    """One device. Subscribe before the connection is opened; `run` sends, and sends again."""

    def __init__(
        self,
        mqtt: Mqtt,
        device_id: str,
        folder: Path,
        on_say: Callable[[str, Say], None] = lambda *_: None,
        on_receipt: Callable[[str, Receipt], None] = lambda *_: None,
    ) -> None:
        self.dropped = 0
        """Utterances that were given up because too many waited."""
        self.rejected = 0
        self._mqtt, self._device_id, self._folder = mqtt, names.check_device_id(device_id), folder
        self._on_say, self._on_receipt = on_say, on_receipt
        self._says = SayFilter(device_id)
        self._clock_agrees = False
        self._boot = uuid4().hex[:8]
        self._counter = 0
        self._waiting: dict[str, _Kept] | None = None  # by key, the oldest first; None until the folder was read
        self._files = asyncio.Lock()
        self._wanted = asyncio.Event()
        mqtt.subscribe(names.voice_topic(device_id, "receipt"), self._on_receipt_message)
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
        language: str | None = None,
    ) -> str:
        """Keep an utterance and send it as soon as possible; return its key. `uri` is where its audio is, if not inline.

        Raises BadMessageError for inline audio of more than MAX_INLINE_BYTES, OSError if it cannot be kept.
        """
        if uri is None and len(content) > MAX_INLINE_BYTES:
            raise BadMessageError(f"inline audio has {len(content)} bytes, more than {MAX_INLINE_BYTES}")
        self._counter += 1
        key = f"{self._device_id}:{self._boot}:{self._counter}"
        self._says.note_utterance(key, time.monotonic())
        about = AudioMeta(uri, fmt=audio, wake=WakeWordData(wake) if wake else None, area=area, language=language)
        payload = await asyncio.to_thread(_encode_utterance, key, self._device_id, about, content)
        await self._keep(key, payload)
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
                payload = await asyncio.to_thread(_read_for_sending, kept, self._clock_agrees)
            except FileNotFoundError:  # its receipt has come meanwhile
                continue
            except (BadMessageError, OSError) as err:
                await self._give_up(key, str(err))
                continue
            kept.sent = time.monotonic()
            await self._mqtt.publish(names.voice_topic(self._device_id, "audio_meta"), payload)

    async def _give_up(self, key: str, reason: str) -> None:
        """Forget an utterance that never can be sent."""
        self.dropped += 1
        _LOG.warning("utterance given up", key=key, reason=reason)
        kept = (await self._load()).pop(key, None)
        if kept is not None:
            with suppress(OSError):
                await asyncio.to_thread(kept.file.unlink, missing_ok=True)

    async def _on_receipt_message(self, message: MqttMessage) -> None:
        envelope = decode(message.payload)
        receipt = schema.unwrap(Receipt, envelope)
        self._clock_agrees = abs(envelope.ts - time.time()) < AGREEMENT_SECONDS
        if receipt.result == "rejected":
            self.rejected += 1
            _LOG.warning("utterance rejected", key=envelope.key, reason=receipt.reason)
        kept = (await self._load()).pop(envelope.key, None)
        if kept is not None:
            await asyncio.to_thread(kept.file.unlink, missing_ok=True)
            self._on_receipt(envelope.key, receipt)

    async def _on_say_message(self, message: MqttMessage) -> None:
        if message.retained:
            raise BadMessageError("a sentence must not be retained: it would be spoken again and again")
        envelope = decode(message.payload)
        say = schema.unwrap(Say, envelope)
        if self._says.accepts(envelope, say, time.monotonic(), time.time()):
            self._on_say(envelope.key, say)
        else:
            _LOG.debug("sentence is not spoken: it came before, or it comes late", key=envelope.key)

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
        await asyncio.to_thread(atomic_file.write, file, payload, atomic_file.PRIVATE)
        waiting[key] = _Kept(file, len(payload), time.monotonic())


def _encode_utterance(key: str, source: str, about: AudioMeta, content: bytes) -> bytes:
    inline = None if about.uri else b64encode(content).decode()
    meta = replace(about, inline=inline, sha256=hashlib.sha256(content).hexdigest())
    return schema.wrap(meta, key=key, source=source, now=time.time()).encode(MAX_AUDIO_META_BYTES)


def _read_folder(folder: Path) -> "dict[str, _Kept]":
    waiting: dict[str, _Kept] = {}
    for file in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else ():
        try:
            payload = file.read_bytes()
            waiting[decode(payload, MAX_AUDIO_META_BYTES).key] = _Kept(file, len(payload))
        except (BadMessageError, OSError):
            _LOG.warning("kept utterance is not readable", file=file.name)
    return waiting


def _read_for_sending(kept: _Kept, clock_agrees: bool) -> bytes:
    """Return a kept utterance with its age now: this clock may differ from the bridge's, but its seconds do not.

    What a broker keeps while the bridge is away becomes older than that, which only the time itself tells; it does if the
    clock agrees with the bridge's, and did so when the utterance was recorded. Raises BadMessageError if nobody can tell its
    age, as after a restart of a board that does not know the time.
    """
    envelope = decode(kept.file.read_bytes(), MAX_AUDIO_META_BYTES)
    now = time.time()
    if kept.recorded is not None:
        age = time.monotonic() - kept.recorded
    elif CLOCK_IS_SET <= envelope.ts <= now:
        age = now - envelope.ts
    else:
        raise BadMessageError("it was recorded before a restart, by a clock that was wrong then or is wrong now")
    agrees = clock_agrees and abs(now - envelope.ts - age) < AGREEMENT_SECONDS
    data = {**envelope.data, "age": round(age, 3), "clock_agrees": agrees}
    return replace(envelope, data=data).encode(MAX_AUDIO_META_BYTES)


def encode_status(device_id: str, status: DeviceStatus) -> bytes:
    """Return the message for a device's state, which is retained."""
    key = f"{device_id}:{status.state}"
    return schema.wrap(status, key=key, source=device_id, now=time.time()).encode()
