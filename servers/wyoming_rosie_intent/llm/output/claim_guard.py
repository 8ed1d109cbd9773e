"""Action claim guard: withholds a model's clauses until the claim checker has judged their sentence."""

from wyoming_rosie_intent.llm.output.action_claims import ClaimChecker, ExecutedActions

_SENTENCE_ENDS = (".", "!", "?", "…", "\n", "\u3002", "\uff01", "\uff1f", "\u061f")


class ActionClaimGuard:
    """Passes the clauses of one answer on, up to the first sentence with a false claim."""

    def __init__(self, checker: ClaimChecker, executed: ExecutedActions | None) -> None:
        self._checker = checker
        self._executed = executed
        self._sentence = ""
        self._pending: list[str] = []  # clauses of the sentence that are not spoken yet
        self.withheld: list[str] = []

    def feed(self, clause: str) -> list[str]:
        """Return the clauses that may be spoken now."""
        if self.withheld:
            self.withheld.append(clause)
            return []
        self._sentence += clause
        self._pending.append(clause)
        if clause.rstrip(" ").endswith(_SENTENCE_ENDS):
            return self.flush()
        return [] if self._checker.needs_full_sentence(self._sentence, self._executed) else self._release()

    def flush(self) -> list[str]:
        """End the sentence; return its clauses that may be spoken."""
        is_supported = not self.withheld and self._checker.is_supported(self._sentence, self._executed)
        self._sentence = ""
        if is_supported:
            return self._release()
        self.withheld.extend(self._pending)
        self._pending = []
        return []

    def _release(self) -> list[str]:
        released, self._pending = self._pending, []
        return released
