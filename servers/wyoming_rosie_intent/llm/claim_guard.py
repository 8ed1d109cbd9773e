"""Holds back what a model says until it is known whether it is so."""

from wyoming_rosie_intent.llm.action_claims import Deeds, Witness

_SENTENCE_ENDS = (".", "!", "?", "…", "\n", "\u3002", "\uff01", "\uff1f", "\u061f")


class Guard:
    """Lets the clauses of one answer through, up to the first sentence that is not to be believed."""

    def __init__(self, witness: Witness, deeds: Deeds | None) -> None:
        self._witness = witness
        self._deeds = deeds
        self._sentence = ""
        self._waiting: list[str] = []  # the end of the sentence, which nobody has heard yet
        self.held: list[str] = []

    def hear(self, clause: str) -> list[str]:
        """Return the clauses that may be spoken now."""
        if self.held:
            self.held.append(clause)
            return []
        self._sentence += clause
        self._waiting.append(clause)
        if clause.rstrip(" ").endswith(_SENTENCE_ENDS):
            return self.finish()
        return [] if self._witness.is_open(self._sentence, self._deeds) else self._let_go()

    def finish(self) -> list[str]:
        """End the sentence; return what may be spoken of it."""
        is_believed = self.held == [] and self._witness.believes(self._sentence, self._deeds)
        self._sentence = ""
        if is_believed:
            return self._let_go()
        self.held.extend(self._waiting)
        self._waiting = []
        return []

    def _let_go(self) -> list[str]:
        waiting, self._waiting = self._waiting, []
        return waiting
