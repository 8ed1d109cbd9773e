"""What the speaker plays, which the microphone hears as well."""

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter

MAX_SECONDS = 2.0
"""More than any speaker takes before it is heard."""
REVERBERATION_SECONDS = 1.0
"""So long after the last sound a room is silent."""


class EchoReference:
    """The sound that was handed to the speaker and that the microphone has not heard yet, as 16 kHz 16-bit mono."""

    def __init__(self, played: AudioFormat) -> None:
        self._format = played
        self._converter = Converter(played, SPEECH)
        self._pending = bytearray()
        self._silent_seconds = REVERBERATION_SECONDS

    def push(self, pcm: bytes) -> None:
        """Note sound in the speaker's format; when there is too much, the oldest is lost."""
        self._pending += self._converter.convert(pcm)
        del self._pending[: -SPEECH.bytes_in(MAX_SECONDS)]

    def clear(self) -> None:
        """Note that what was handed over will not be heard."""
        self._pending.clear()
        self._converter = Converter(self._format, SPEECH)

    def read(self, length: int) -> bytes | None:
        """Return the sound that is heard during the microphone's next `length` bytes; None once the room is silent."""
        pcm = bytes(self._pending[:length])
        del self._pending[:length]
        self._silent_seconds = 0.0 if pcm else self._silent_seconds + SPEECH.seconds(length)
        return pcm.ljust(length, b"\0") if self._silent_seconds < REVERBERATION_SECONDS else None
