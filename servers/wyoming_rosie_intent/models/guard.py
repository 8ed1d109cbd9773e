"""Holds back what a model claims to have done until it is known whether it did."""

from wyoming_rosie_intent.models.claims import is_claim

_SENTENCE_ENDS = (".", "!", "?", "…", "\n")


class Guard:
    """Lets the clauses of one answer through, up to the first that claims something which no tool has done."""

    def __init__(self, *, acted: bool) -> None:
        self._acted = acted
        self._sentence = ""
        self.held: list[str] = []

    def hear(self, clause: str) -> bool:
        """Tell whether the clause may be spoken now."""
        self._sentence += clause
        if self.held or (not self._acted and is_claim(self._sentence)):
            self.held.append(clause)
            return False
        if clause.rstrip(" ").endswith(_SENTENCE_ENDS):
            self._sentence = ""
        return True
