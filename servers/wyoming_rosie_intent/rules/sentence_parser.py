"""Sentence parser: the commands of whole sentences about one home, recognized part by part."""

from collections.abc import Callable
from functools import partial

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import IntentRecognizer, Match
from wyoming_rosie_intent.rules import multi_command
from wyoming_rosie_intent.rules.multi_command import Matches, SplitRules


class SentenceParser:
    """Parses sentences by rules that depend on the names in the home. Runs in a worker thread."""

    def __init__(self, recognizer: IntentRecognizer, get_home: Callable[[], Home]) -> None:
        self._recognizer = recognizer
        self._get_home = get_home
        self._split_rules_home = get_home()  # the home of the cached rules
        self._split_rules: dict[str | None, SplitRules] = {}

    def parse(self, text: str, language: str | None, area: str | None) -> Matches:
        """Return the commands of a text spoken in an area (id or name), in order; empty unless every part is recognized.

        Raises UnknownLanguageError.
        """
        recognize = partial(self.recognize, language=language, area=area)
        return multi_command.parse_commands(text, recognize, self._get_split_rules(language))

    def recognize(self, text: str, language: str | None, area: str | None) -> Match | None:
        """Return the only command of a text. Raises UnknownLanguageError."""
        return self._recognizer.recognize(text, language, area)

    def _get_split_rules(self, language: str | None) -> SplitRules:
        home = self._get_home()
        if home is not self._split_rules_home:
            self._split_rules_home, self._split_rules = home, {}
        if language not in self._split_rules:
            self._split_rules[language] = multi_command.load_split_rules(home, language)
        return self._split_rules[language]
