"""Sentences of a plugin's intents, matched by hassil."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.plugin import Sentences, Values

if TYPE_CHECKING:
    from hassil import Intents

IntentValues: TypeAlias = tuple[str, Mapping[str, Any]]
ANY_LANGUAGE = "*"
MAX_SENTENCE_LENGTH = 250
"""Characters; templates with wildcards take long to match longer texts."""
MAX_SENTENCES = 1000
_LIST = re.compile(r"\{([^}:]+)(?::[^}]*)?\}")


@dataclass(frozen=True)
class PluginSentences:
    """Sentences of one plugin by language; ANY_LANGUAGE for those without one."""

    intents: "Mapping[str, Intents]"
    templates: tuple[str, ...] = ()

    def recognize(self, text: str, language: str) -> IntentValues | None:
        """Return the intent and the values of its lists, or None. Runs in a worker thread."""
        if not text.strip() or len(text) > MAX_SENTENCE_LENGTH:
            return None
        for key in (language, ANY_LANGUAGE):
            if key in self.intents and (found := _recognize(text, self.intents[key], language)):
                return found
        return None


def load_sentences(
    intents: Mapping[str, Sentences], lists: Mapping[str, Values | Mapping[str, Values]]
) -> PluginSentences:
    """Load a plugin's templates. Raises ConfigError for invalid ones."""
    from hassil import Intents

    by_language: dict[str, dict[str, list[str]]] = {}
    for intent, language, sentences in _split_languages(intents):
        by_language.setdefault(language, {})[intent] = _check_sentences(intent, sentences)
    if sum(len(sentences) for by_intent in by_language.values() for sentences in by_intent.values()) > MAX_SENTENCES:
        raise ConfigError(f"a plugin may have {MAX_SENTENCES} sentences, not more")
    try:
        read = {
            key: Intents.from_dict(_create_document(key, by_intent, _select_lists(lists, key)))
            for key, by_intent in by_language.items()
        }
        for language_intents in read.values():
            _parse_templates(language_intents)
        return PluginSentences(read, tuple(_list_templates(by_language)))
    except Exception as err:  # hassil raises several types for an invalid template
        raise ConfigError(f"a sentence is not in hassil's format: {err}") from err


def _list_templates(by_language: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[str]:
    for by_intent in by_language.values():
        for sentences in by_intent.values():
            yield from sentences


def _parse_templates(intents: "Intents") -> None:
    """Parse all templates now, since hassil would report errors only at their first use."""
    for intent in intents.intents.values():
        for block in intent.data:
            list(block.sentences)


def _split_languages(intents: Mapping[str, Sentences]) -> Iterator[tuple[str, str, Sequence[str]]]:
    for intent, sentences in intents.items():
        if isinstance(sentences, Mapping):
            for language, translated in sentences.items():
                yield intent, language, translated
        else:
            yield intent, ANY_LANGUAGE, sentences


def _check_sentences(intent: str, sentences: Sequence[str]) -> list[str]:
    if isinstance(sentences, str) or not all(isinstance(item, str) for item in sentences):
        raise ConfigError(f"the sentences of {intent} must be a list of texts")
    for sentence in sentences:
        if not re.search(r"\w", _LIST.sub("", sentence)):
            raise ConfigError(f"the sentence '{sentence}' of {intent} would match any text")
    return list(sentences)


def _create_document(language: str, intents: Mapping[str, list[str]], lists: Mapping[str, Values]) -> dict[str, Any]:
    used = {name for sentences in intents.values() for sentence in sentences for name in _LIST.findall(sentence)}
    return {
        "language": "en" if language == ANY_LANGUAGE else language,
        "intents": {intent: {"data": [{"sentences": sentences}]} for intent, sentences in intents.items()},
        "lists": dict(_create_lists(used, lists)),
    }


def _select_lists(lists: Mapping[str, Values | Mapping[str, Values]], language: str) -> Mapping[str, Values]:
    """Return the lists for a language; those without values for it are missing."""
    selected: dict[str, Values] = {}
    for name, values in lists.items():
        if isinstance(values, Mapping) and not all(isinstance(value, str | int) for value in values.values()):
            if language in values:
                selected[name] = cast(Values, values[language])
        else:
            selected[name] = cast(Values, values)
    return selected


def _create_lists(used: Iterable[str], lists: Mapping[str, Values]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in used:
        values = lists.get(name)
        if values is None:
            yield name, {"wildcard": True}
        elif isinstance(values, range):
            yield name, {"range": {"from": values.start, "to": values[-1], "step": values.step}}
        elif isinstance(values, Mapping):
            yield name, {"values": [{"in": words, "out": value} for words, value in values.items()]}
        else:
            yield name, {"values": list(values)}


def _recognize(text: str, intents: "Intents", language: str) -> IntentValues | None:
    from hassil import recognize_best

    result = recognize_best(text, intents, language=language)
    if result is None or not result.text_chunks_matched:
        return None
    return result.intent.name, {name: _to_plain_value(entity.value) for name, entity in result.entities.items()}


def _to_plain_value(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
