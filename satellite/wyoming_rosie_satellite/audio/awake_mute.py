"""Awake mute: keep the satellite's own awake sound out of the commands that it sends."""

MAX_SECONDS = 10.0
"""Limit for a WAV file that is longer, or claims to be."""


class AwakeMute:
    """Replaces the microphone's audio with silence while a sound of `seconds` is played. `now` is in seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = min(seconds, MAX_SECONDS)
        self._until = 0.0

    def start(self, now: float) -> None:
        """Mute from now on, because the sound starts."""
        self._until = now + self._seconds

    def apply(self, pcm: bytes, now: float) -> bytes:
        """Return the microphone's next audio, or silence of the same length."""
        return bytes(len(pcm)) if now < self._until else pcm
