"""When an utterance may be decided on and when it is over: rules without audio, engine or clock.

Who knows best decides: a conductor that tells of voices, else what is heard here. Times are milliseconds of the stream.
"""

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, Endpointer, EndpointingRules


class UtteranceEndpointer:
    """One utterance: where speech is in it, and what follows from the silence after it."""

    def __init__(self, rules: EndpointingRules, *, is_conducted: bool = False) -> None:
        self.is_conducted = is_conducted
        self._endpointer = Endpointer(rules)
        self._segments: list[tuple[int, int]] = []
        self._speech_start_ms: int | None = None  # of the speech that is under way
        self._is_voice_stopped = False

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks now."""
        return self._speech_start_ms is not None

    def speech_segments(self, now_ms: int) -> tuple[tuple[int, int], ...]:
        """Return where somebody speaks, up to now."""
        return (*self._segments, *(((self._speech_start_ms, now_ms),) if self._speech_start_ms is not None else ()))

    def on_speech_start(self, at_ms: int) -> list[EndpointDecision]:
        """Take it that a voice is heard here."""
        self._speech_start_ms = at_ms
        resumed = self._endpointer.on_speech_start(at_ms)
        return [] if self.is_conducted else resumed

    def on_speech_stop(self, at_ms: int) -> None:
        """Take it that no voice is heard here any more."""
        if self._speech_start_ms is not None:
            self._segments.append((self._speech_start_ms, max(at_ms, self._speech_start_ms)))
        self._speech_start_ms = None
        self._endpointer.on_speech_stop(at_ms)

    def on_audio_class(self, at_ms: int, *, is_noise: bool) -> None:
        """Take it that something is heard here that is no speech, or nothing."""
        (self._endpointer.on_noise_start if is_noise else self._endpointer.on_noise_stop)(at_ms)

    def on_voice_started(self) -> list[EndpointDecision]:
        """Take it that the conductor hears a voice."""
        was_told, self._is_voice_stopped = self._is_voice_stopped, False
        self.is_conducted = True
        return [EndpointDecision.RESUMED] if was_told else []

    def on_voice_stopped(self) -> list[EndpointDecision]:
        """Take it that the conductor hears no voice any more."""
        was_told, self._is_voice_stopped = self._is_voice_stopped, True
        self.is_conducted = True
        return [] if was_told else [EndpointDecision.PERHAPS]

    def set_complete(self, *, complete: bool) -> None:
        """Take it that what was said so far is a whole command, or is none."""
        self._endpointer.set_complete(complete=complete)

    def advance(self, now_ms: int) -> list[EndpointDecision]:
        """Take it that the stream has come so far; return what follows, in order."""
        verdicts = self._endpointer.advance(now_ms)
        return [] if self.is_conducted else verdicts
