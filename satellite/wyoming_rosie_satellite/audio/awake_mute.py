"""Keeps the satellite's own awake sound out of the commands that it sends."""

MAX_SECONDS = 10.0
"""A WAV file that is longer, or says so, does not deafen the satellite."""


class AwakeMute:
    """Silence instead of what is heard while a sound of `seconds` is played. `now` is in seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = min(seconds, MAX_SECONDS)
        self._until = 0.0

    def start(self, now: float) -> None:
        """Note that the sound begins."""
        self._until = now + self._seconds

    def apply(self, pcm: bytes, now: float) -> bytes:
        """Return what may be sent of the microphone's next audio."""
        return bytes(len(pcm)) if now < self._until else pcm
