"""Echo reference: the speaker's audio, which the microphone picks up, for echo cancellation."""

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter

MAX_SECONDS = 20.0
"""Limit of the backlog: a command and the pipes to it hold a quarter of a megabyte, 8 s of 16 kHz audio."""
REVERBERATION_SECONDS = 1.0
"""The room is silent this long after the last sound."""


class EchoReference:
    """Audio that was handed to the speaker and that the microphone has not picked up yet, as 16 kHz 16-bit mono."""

    def __init__(self, played: AudioFormat) -> None:
        self._format = played
        self._converter = Converter(played, SPEECH)
        self._pending = bytearray()
        self._silent_seconds = REVERBERATION_SECONDS

    def push(self, pcm: bytes) -> None:
        """Add audio in the speaker's format; when there is too much, the oldest is dropped."""
        self._pending += self._converter.convert(pcm)
        del self._pending[: -SPEECH.bytes_in(MAX_SECONDS)]

    def clear(self) -> None:
        """Drop audio that the speaker will not play any more."""
        self._pending.clear()
        self._converter = Converter(self._format, SPEECH)

    def read(self, length: int) -> bytes | None:
        """Return the audio that is played during the microphone's next `length` bytes; None once the room is silent."""
        pcm = bytes(self._pending[:length])
        del self._pending[:length]
        self._silent_seconds = 0.0 if pcm else self._silent_seconds + SPEECH.seconds(length)
        return pcm.ljust(length, b"\0") if self._silent_seconds < REVERBERATION_SECONDS else None
