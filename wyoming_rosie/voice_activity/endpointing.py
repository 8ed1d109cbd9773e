"""When somebody has said all: rules without audio, engine or clock. Times are milliseconds of the stream."""

from dataclasses import dataclass, replace
from enum import StrEnum

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError

SPECULATION = "guess"
"""The user-event with which asr tells its conductor what may have been said: `text`, and whether it is `complete`."""
CONDUCTED = "conducted"
"""The key in a request's context by which a conductor says that it tells itself when voices start and stop."""
SPEECH_BOUNDARIES = "speech_boundaries"
"""Key in a request's context: `voice-started` and `voice-stopped` will follow, their timestamps in milliseconds of the audio."""
MAX_MS = 600_000
LONG_SOUND_MS = 1_000
"""A sound that is no speech, and lasts so long, may be what somebody had to say: a hum, a song, a voice that is not made out."""
AFTER_LONG_SOUND_MS = 1_500
"""Silence after such a sound in which somebody who is yet to speak would have begun."""
SENSITIVITIES = {"relaxed": 1.6, "aggressive": 0.6}
"""How much longer or shorter than by default a silence is that ends what is said, by Wyoming's names."""


@dataclass(frozen=True)
class EndpointingRules:
    perhaps_ms: int = option(200, "silence after which all may have been said, milliseconds")
    complete_ms: int = option(500, "silence after which all has been said when it is a whole command, milliseconds")
    incomplete_ms: int = option(900, "silence after which all has been said in any case, milliseconds")
    longest_ms: int = option(20_000, "speech without a pause that is longer is cut, milliseconds")
    no_speech_ms: int = option(6_000, "how long to wait for the first word, milliseconds")

    def for_sensitivity(self, sensitivity: str | None) -> "EndpointingRules":
        """Return the rules for who speaks slowly ("relaxed") or wants quick answers ("aggressive"); else these."""
        times = SENSITIVITIES.get(sensitivity or "", 1.0)
        complete, incomplete = round(times * self.complete_ms), round(times * self.incomplete_ms)
        return replace(self, complete_ms=max(complete, self.perhaps_ms), incomplete_ms=max(incomplete, self.perhaps_ms))


class EndpointDecision(StrEnum):
    PERHAPS = "perhaps"  # all may have been said
    RESUMED = "resumed"  # it had not: speech goes on after a PERHAPS
    DONE = "done"
    TOO_LONG = "too-long"
    NO_SPEECH = "no-speech"


def check_endpointing_rules(rules: EndpointingRules) -> None:
    """Raise ConfigError for rules that contradict themselves."""
    if not 0 <= rules.perhaps_ms <= rules.complete_ms <= rules.incomplete_ms:
        raise ConfigError("--end-of-speech: it must be 0 <= perhaps-ms <= complete-ms <= incomplete-ms")
    for name in ("incomplete_ms", "longest_ms", "no_speech_ms"):
        if not 0 < getattr(rules, name) <= MAX_MS:
            raise ConfigError(f"--end-of-speech: {name.replace('_', '-')} must be from 1 to {MAX_MS}")


class Endpointer:
    """Follows one stream to its end; after DONE, TOO_LONG or NO_SPEECH it says nothing more."""

    def __init__(self, rules: EndpointingRules) -> None:
        self.silent_since: int | None = None  # when there was speech before
        self._rules = rules
        self._speaking_since: int | None = None
        self._noise_since: int | None = None  # of a sound that is no speech
        self._silent_since_noise: int | None = None  # after a long one
        self._is_complete = False
        self._is_perhaps = False
        self._is_over = False

    def on_speech_start(self, at_ms: int) -> list[EndpointDecision]:
        """Take it that speech began."""
        resumed = self._is_perhaps and not self._is_over
        self._speaking_since, self.silent_since = at_ms, None
        self._noise_since = self._silent_since_noise = None
        self._is_complete = self._is_perhaps = False
        return [EndpointDecision.RESUMED] if resumed else []

    def on_speech_stop(self, at_ms: int) -> None:
        """Take it that speech ended."""
        self._speaking_since, self.silent_since = None, at_ms
        self._is_complete = self._is_perhaps = False

    def on_noise_start(self, at_ms: int) -> None:
        """Take it that a sound began that is no speech."""
        self._noise_since, self._silent_since_noise = at_ms, None

    def on_noise_stop(self, at_ms: int) -> None:
        """Take it that no sound is heard any more."""
        if self._noise_since is not None and at_ms - self._noise_since >= LONG_SOUND_MS:
            self._silent_since_noise = at_ms
        self._noise_since = None

    def set_complete(self, *, complete: bool) -> None:
        """Take it that what was said before this silence is a complete command, or is none."""
        self._is_complete = complete and self.silent_since is not None

    def advance(self, now_ms: int) -> list[EndpointDecision]:
        """Take it that the stream has come so far; return what follows, in order."""
        if self._is_over:
            return []
        verdicts = (
            self._check_silence(now_ms - self.silent_since)
            if self.silent_since is not None
            else self._check_timeouts(now_ms)
        )
        self._is_perhaps |= EndpointDecision.PERHAPS in verdicts
        self._is_over = any(verdict is not EndpointDecision.PERHAPS for verdict in verdicts)
        return verdicts

    def on_timeout(self) -> EndpointDecision:
        """End a stream that has stalled, or lasted too long by a clock; return what that means."""
        self._is_over = True
        if self.silent_since is not None:
            return EndpointDecision.DONE
        return EndpointDecision.NO_SPEECH if self._speaking_since is None else EndpointDecision.TOO_LONG

    def _check_silence(self, silence_ms: int) -> list[EndpointDecision]:
        verdicts = []
        if silence_ms >= self._rules.perhaps_ms and not self._is_perhaps:
            verdicts.append(EndpointDecision.PERHAPS)
        if silence_ms >= (self._rules.complete_ms if self._is_complete else self._rules.incomplete_ms):
            verdicts.append(EndpointDecision.DONE)
        return verdicts

    def _check_timeouts(self, now_ms: int) -> list[EndpointDecision]:
        if self._speaking_since is None:
            is_over = self._silent_since_noise is not None and now_ms - self._silent_since_noise >= AFTER_LONG_SOUND_MS
            return [EndpointDecision.NO_SPEECH] if is_over or now_ms >= self._rules.no_speech_ms else []
        return [EndpointDecision.TOO_LONG] if now_ms - self._speaking_since >= self._rules.longest_ms else []
