"""Holds back what a model says until it is known whether it is so."""

from wyoming_rosie_intent.llm.output.action_claims import ClaimChecker, ExecutedActions

_SENTENCE_ENDS = (".", "!", "?", "…", "\n", "\u3002", "\uff01", "\uff1f", "\u061f")


class ActionClaimGuard:
    """Lets the clauses of one answer through, up to the first sentence that is not to be believed."""

    def __init__(self, witness: ClaimChecker, deeds: ExecutedActions | None) -> None:
        self._checker = witness
        self._executed = deeds
        self._sentence = ""
        self._pending: list[str] = []  # the end of the sentence, which nobody has heard yet
        self.held: list[str] = []

    def feed(self, clause: str) -> list[str]:
        """Return the clauses that may be spoken now."""
        if self.held:
            self.held.append(clause)
            return []
        self._sentence += clause
        self._pending.append(clause)
        if clause.rstrip(" ").endswith(_SENTENCE_ENDS):
            return self.flush()
        return [] if self._checker.needs_full_sentence(self._sentence, self._executed) else self._release()

    def flush(self) -> list[str]:
        """End the sentence; return what may be spoken of it."""
        is_believed = self.held == [] and self._checker.is_supported(self._sentence, self._executed)
        self._sentence = ""
        if is_believed:
            return self._release()
        self.held.extend(self._pending)
        self._pending = []
        return []

    def _release(self) -> list[str]:
        waiting, self._pending = self._pending, []
        return waiting
