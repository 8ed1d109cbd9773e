"""When an utterance may be decided on and when it is over: rules without audio, engine or clock.

Who knows best decides: a conductor that tells of voices, else what is heard here. Times are milliseconds of the stream.
"""

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, Endpointer, EndpointingRules


class Listening:
    """One utterance: where speech is in it, and what follows from the silence after it."""

    def __init__(self, rules: EndpointingRules, *, is_conducted: bool = False) -> None:
        self.is_conducted = is_conducted
        self._end = Endpointer(rules)
        self._speech: list[tuple[int, int]] = []
        self._since: int | None = None  # of the speech that is under way
        self._may_be_over = False

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks now."""
        return self._since is not None

    def speech(self, now_ms: int) -> tuple[tuple[int, int], ...]:
        """Return where somebody speaks, up to now."""
        return (*self._speech, *(((self._since, now_ms),) if self._since is not None else ()))

    def started(self, at_ms: int) -> list[EndpointDecision]:
        """Take it that a voice is heard here."""
        self._since = at_ms
        resumed = self._end.on_speech_start(at_ms)
        return [] if self.is_conducted else resumed

    def stopped(self, at_ms: int) -> None:
        """Take it that no voice is heard here any more."""
        if self._since is not None:
            self._speech.append((self._since, max(at_ms, self._since)))
        self._since = None
        self._end.on_speech_stop(at_ms)

    def classified(self, at_ms: int, *, is_noise: bool) -> None:
        """Take it that something is heard here that is no speech, or nothing."""
        (self._end.on_noise_start if is_noise else self._end.on_noise_stop)(at_ms)

    def told_started(self) -> list[EndpointDecision]:
        """Take it that the conductor hears a voice."""
        was_told, self._may_be_over = self._may_be_over, False
        self.is_conducted = True
        return [EndpointDecision.RESUMED] if was_told else []

    def told_stopped(self) -> list[EndpointDecision]:
        """Take it that the conductor hears no voice any more."""
        was_told, self._may_be_over = self._may_be_over, True
        self.is_conducted = True
        return [] if was_told else [EndpointDecision.PERHAPS]

    def understood(self, *, complete: bool) -> None:
        """Take it that what was said so far is a whole command, or is none."""
        self._end.set_complete(complete=complete)

    def at(self, now_ms: int) -> list[EndpointDecision]:
        """Take it that the stream has come so far; return what follows, in order."""
        verdicts = self._end.advance(now_ms)
        return [] if self.is_conducted else verdicts
