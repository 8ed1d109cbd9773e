"""Endpointing rules: decide from silence when an utterance is over. Times are milliseconds of the stream."""

from dataclasses import dataclass, replace
from enum import StrEnum

from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import ConfigError

SPECULATION = "guess"
"""Name of the user-event that reports a speculative decoding to the conductor: `pending` when it starts, then its `text` and
`completeness`."""
CONDUCTED = "conducted"
"""Key in a request's context: the peer decides on the end of speech, with `voice-started` and `voice-stopped`."""
SPEECH_BOUNDARIES = "speech_boundaries"
"""Key in a request's context: `voice-started` and `voice-stopped` will follow, their timestamps in milliseconds of the audio."""
MAX_MS = 600_000
LONG_SOUND_MS = 1_000
"""Noise that lasts this long may have been the utterance: humming, singing, an unclear voice."""
AFTER_LONG_SOUND_MS = 1_500
"""Silence after such noise within which somebody who has not spoken yet would start."""
SENSITIVITIES = {"relaxed": 1.6, "aggressive": 0.6}
"""Factor for the silence that ends an utterance, by Wyoming's `vad_sensitivity`."""


class Completeness(StrEnum):
    """What the words so far are, as far as the engine can tell."""

    FINISHED = "finished"  # a whole command that nothing can follow
    COMPLETE = "complete"  # a whole command
    UNKNOWN = "unknown"
    BEGINNING = "beginning"  # of a command


SILENCE_BY_COMPLETENESS = {
    Completeness.FINISHED: "finished_ms",
    Completeness.COMPLETE: "complete_ms",
    Completeness.UNKNOWN: "incomplete_ms",
    Completeness.BEGINNING: "beginning_ms",
}
SILENCES = tuple(SILENCE_BY_COMPLETENESS.values())


@dataclass(frozen=True)
class EndpointingRules:
    perhaps_ms: int = option(
        200, "silence after which the utterance may be over, milliseconds", minimum=0, maximum=MAX_MS
    )
    finished_ms: int = option(
        300, "silence that ends a complete command that nothing can follow, milliseconds", minimum=0, maximum=MAX_MS
    )
    complete_ms: int = option(
        500, "silence that ends another complete command, milliseconds", minimum=0, maximum=MAX_MS
    )
    incomplete_ms: int = option(
        900, "silence that ends an utterance of which nothing is known, milliseconds", minimum=1, maximum=MAX_MS
    )
    beginning_ms: int = option(
        2_000,
        "silence that ends any utterance, even the beginning of a command, milliseconds",
        minimum=1,
        maximum=MAX_MS,
    )
    longest_ms: int = option(
        20_000, "longest speech without a pause; longer speech is cut, milliseconds", minimum=1, maximum=MAX_MS
    )
    no_speech_ms: int = option(6_000, "longest wait for the first word, milliseconds", minimum=1, maximum=MAX_MS)
    after_complete_ms: int = option(
        6_000,
        "longest speech after a complete command, milliseconds: it may be a television",
        minimum=1,
        maximum=MAX_MS,
    )

    def for_sensitivity(self, sensitivity: str | None) -> "EndpointingRules":
        """Return the rules for "relaxed" (slow speakers) or "aggressive" (quick answers); these rules for anything else."""
        factor = SENSITIVITIES.get(sensitivity or "", 1.0)
        scaled = {name: max(round(factor * getattr(self, name)), self.perhaps_ms) for name in SILENCES}
        return replace(self, **scaled)

    def silence_ms(self, completeness: Completeness) -> int:
        """Return the silence that ends an utterance, in milliseconds."""
        limit: int = getattr(self, SILENCE_BY_COMPLETENESS[completeness])
        return limit


class EndpointDecision(StrEnum):
    PERHAPS = "perhaps"  # the utterance may be over
    RESUMED = "resumed"  # it was not: speech resumes after PERHAPS
    DONE = "done"
    TOO_LONG = "too-long"
    NO_SPEECH = "no-speech"


def check_endpointing_rules(rules: EndpointingRules) -> None:
    """Raise ConfigError for rules that contradict each other."""
    check_limits(rules, "--end-of-speech.")
    order = ("perhaps_ms", *SILENCES)
    lengths = [getattr(rules, name) for name in order]
    if lengths != sorted(lengths):
        raise ConfigError(f"--end-of-speech: it must be {' <= '.join(name.replace('_', '-') for name in order)}")


class Endpointer:
    """Decides when the utterance in one stream is over; nothing follows DONE, TOO_LONG or NO_SPEECH."""

    def __init__(self, rules: EndpointingRules) -> None:
        self.silent_since: int | None = None  # after speech; the end of the command, if other speech went on after it
        self._rules = rules
        self._speaking_since: int | None = None
        self._noise_since: int | None = None
        self._silent_since_noise: int | None = None  # after long noise
        self._completeness = Completeness.UNKNOWN
        self._speculated_since: int | None = None  # the silence before which the speech is being decoded
        self._complete_since: int | None = None  # the end of a complete command
        self._is_speculating = False
        self._is_perhaps = False
        self._is_over = False

    @property
    def is_speech(self) -> bool:
        """Whether somebody is speaking."""
        return self._speaking_since is not None

    def on_speech_start(self, at_ms: int) -> list[EndpointDecision]:
        """Note that speech started; return RESUMED if it follows PERHAPS."""
        resumed = self._is_perhaps and not self._is_over
        self._speaking_since, self.silent_since = at_ms, None
        self._noise_since = self._silent_since_noise = None
        self._forget_speculation()
        return [EndpointDecision.RESUMED] if resumed else []

    def on_speech_stop(self, at_ms: int) -> None:
        """Note that speech stopped."""
        self._speaking_since, self.silent_since = None, at_ms
        self._forget_speculation()

    def on_noise_start(self, at_ms: int) -> None:
        """Note that noise started."""
        self._noise_since, self._silent_since_noise = at_ms, None

    def on_noise_stop(self, at_ms: int) -> None:
        """Note that noise stopped."""
        if self._noise_since is not None and at_ms - self._noise_since >= LONG_SOUND_MS:
            self._silent_since_noise = at_ms
        self._noise_since = None

    def on_speculation_start(self) -> None:
        """Note that the speech before this silence is being decoded: the result is waited for, up to `beginning_ms`."""
        self._is_speculating = self.silent_since is not None
        self._speculated_since = self.silent_since

    def set_completeness(self, completeness: Completeness) -> None:
        """Record what the decoded speech was, which decides how long silence, or other speech, ends the utterance."""
        decoded_until = self.silent_since if self._speculated_since is None else self._speculated_since
        if decoded_until == self.silent_since:
            self._completeness, self._is_speculating = completeness, False
        if completeness in (Completeness.FINISHED, Completeness.COMPLETE):
            self._complete_since = decoded_until
        elif completeness is Completeness.BEGINNING:
            self._complete_since = None

    def advance(self, now_ms: int) -> list[EndpointDecision]:
        """Advance the stream to `now_ms`; return the decisions that follow, in order."""
        if self._is_over:
            return []
        decisions = (
            self._check_silence(now_ms - self.silent_since)
            if self.silent_since is not None
            else self._check_limits(now_ms)
        )
        self._is_perhaps |= EndpointDecision.PERHAPS in decisions
        self._is_over = any(decision is not EndpointDecision.PERHAPS for decision in decisions)
        return decisions

    def on_timeout(self) -> EndpointDecision:
        """End a stream that has stalled, or lasted too long by the clock; return the decision."""
        self._is_over = True
        if self.silent_since is not None:
            return EndpointDecision.DONE
        return EndpointDecision.NO_SPEECH if self._speaking_since is None else EndpointDecision.TOO_LONG

    def _forget_speculation(self) -> None:
        self._completeness = Completeness.UNKNOWN
        self._is_speculating = self._is_perhaps = False

    def _check_silence(self, silence_ms: int) -> list[EndpointDecision]:
        decisions = []
        if silence_ms >= self._rules.perhaps_ms and not self._is_perhaps:
            decisions.append(EndpointDecision.PERHAPS)
        expected = Completeness.BEGINNING if self._is_speculating else self._completeness
        if silence_ms >= self._rules.silence_ms(expected):
            decisions.append(EndpointDecision.DONE)
        return decisions

    def _check_limits(self, now_ms: int) -> list[EndpointDecision]:
        if self._speaking_since is None:
            is_over = self._silent_since_noise is not None and now_ms - self._silent_since_noise >= AFTER_LONG_SOUND_MS
            return [EndpointDecision.NO_SPEECH] if is_over or now_ms >= self._rules.no_speech_ms else []
        if self._complete_since is not None and now_ms - self._complete_since >= self._rules.after_complete_ms:
            self.silent_since = self._complete_since
            return [EndpointDecision.DONE]
        return [EndpointDecision.TOO_LONG] if now_ms - self._speaking_since >= self._rules.longest_ms else []
