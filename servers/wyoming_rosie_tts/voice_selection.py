"""Choosing one of an engine's voices by name or by language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie_tts.engine import Wish

_NAMED_IN_ERRORS = 5
_ALIKE = 0.75
_PREFERRED = -1


@dataclass(frozen=True)
class VoiceCard:
    """A voice's name, its title for people, and how well it fits each language it has (BCP 47 tag; 0 is best)."""

    name: str
    title: str
    languages: Mapping[str, int]
    speakers: Sequence[str] = ()


class Voices:
    """All voices of an engine; the default one is first choice for every language it has."""

    def __init__(self, cards: Sequence[VoiceCard], default: str) -> None:
        self.cards = cards
        self._by_name = {_key(card.title): card for card in cards} | {_key(card.name): card for card in cards}
        self._by_language: dict[str, list[tuple[int, VoiceCard]]] = {}
        for card in cards:
            for language, distance in card.languages.items():
                self._by_language.setdefault(_key(language), []).append((distance, card))
        self.default = cards[0]
        try:
            self.default = self._named(default)
        except BadEventError as err:
            raise ConfigError(str(err)) from err
        for language in self.default.languages:
            self._by_language[_key(language)].append((_PREFERRED, self.default))

    def choose(self, wish: Wish) -> VoiceCard:
        """Return the voice that is asked for. Raises BadEventError, which names some that exist."""
        card = self._fitting_wish(wish)
        if wish.speaker is not None and wish.speaker not in card.speakers:
            some = ", ".join(card.speakers[:_NAMED_IN_ERRORS]) or "one, which has no name"
            raise BadEventError(
                f"the voice {card.name} has no speaker {wish.speaker[:40]!r}; there is: {some}", "unknown-voice"
            )
        return card

    def _fitting_wish(self, wish: Wish) -> VoiceCard:
        if wish.name is not None:
            return self._named(wish.name)
        return self.default if wish.language is None else self._speaking(wish.language)

    def _named(self, name: str) -> VoiceCard:
        card = self._by_name.get(_key(name)) or self._fitting(_key(name))
        if card is None:
            raise self._unknown("voice", name)
        return card

    def _speaking(self, language: str) -> VoiceCard:
        """Return the best voice for a language; one that is less special will do: de for de-AT."""
        key = _key(language)
        while key:
            if card := self._fitting(key):
                return card
            key = key.rpartition("-")[0]
        raise self._unknown("language", language)

    def _fitting(self, key: str) -> VoiceCard | None:
        return min(self._by_language.get(key, ()), key=lambda one: one[0], default=(0, None))[1]

    def _unknown(self, what: str, given: str) -> BadEventError:
        close = [self._by_name[key].name for key in get_close_matches(_key(given), self._by_name, cutoff=_ALIKE)]
        some = dict.fromkeys([*close, self.default.name, *(card.name for card in self.cards)])
        examples = ", ".join(list(some)[:_NAMED_IN_ERRORS])
        return BadEventError(
            f"no {what} {given[:40]!r}; there are {len(self.cards)} voices, such as {examples}", f"unknown-{what}"
        )


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-")
