"""Sentences of a plugin's intents, matched by hassil."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.plugins.plugin import Sentences, Values
from wyoming_rosie_intent.plugins.values import create_value_tables, decode_values, remove_values, uses_values
from wyoming_rosie_intent.rules import number_grammar

if TYPE_CHECKING:
    from hassil import Intents, RecognizeResult

IntentValues: TypeAlias = tuple[str, Mapping[str, Any]]
ANY_LANGUAGE = "*"
MAX_SENTENCE_LENGTH = 250
"""Characters; templates with wildcards take long to match longer texts."""
MAX_SENTENCES = 1000
_NAMED_LIST = re.compile(r"\{(\w+)(?::(\w+))?\}")
_LIST = re.compile(r"\{([^}:]+)(?::[^}]*)?\}")


@dataclass(frozen=True)
class ValueSentences:
    """Sentences of one language with dates, times or numbers in them, for encoded sentences; `ranges` by entity."""

    intents: "Intents"
    ranges: Mapping[str, range]

    def recognize(self, text: str, language: str) -> IntentValues | None:
        for encoded in number_grammar.encode(text, language):
            result = _match(encoded.text, self.intents, language)
            if result is None:
                continue
            wildcards = {name for name, entity in result.entities.items() if entity.is_wildcard}
            entities = {name: entity.value for name, entity in result.entities.items()}
            values = decode_values(entities, encoded, wildcards)
            if all(values[name] in allowed for name, allowed in self.ranges.items() if name in values):
                return result.intent.name, values
        return None


@dataclass(frozen=True)
class PluginSentences:
    """Sentences of one plugin by language; ANY_LANGUAGE for those without one."""

    intents: "Mapping[str, Intents]"
    templates: tuple[str, ...] = ()
    with_values: Mapping[str, ValueSentences] = field(default_factory=dict)

    def recognize(self, text: str, language: str) -> IntentValues | None:
        """Return the intent and the values of its lists, or None. Runs in a worker thread."""
        if not text.strip() or len(text) > MAX_SENTENCE_LENGTH:
            return None
        if language in self.with_values and (found := self.with_values[language].recognize(text, language)):
            return found
        for key in (language, ANY_LANGUAGE):
            if key in self.intents and (found := _recognize(text, self.intents[key], language)):
                return found
        return None


def load_sentences(
    intents: Mapping[str, Sentences], lists: Mapping[str, Values | Mapping[str, Values]]
) -> PluginSentences:
    """Load a plugin's templates. Raises ConfigError for invalid ones."""
    by_language: dict[str, dict[str, list[str]]] = {}
    for intent, language, sentences in _split_languages(intents):
        by_language.setdefault(language, {})[intent] = _check_sentences(intent, sentences)
    templates = tuple(_list_templates(by_language))
    if len(templates) > MAX_SENTENCES:
        raise ConfigError(f"a plugin may have {MAX_SENTENCES} sentences, not more")
    try:
        plain = {
            language: _load(_create_document(language, _select_plain(by_intent), _select_lists(lists, language)))
            for language, by_intent in by_language.items()
        }
        with_values = {
            language: _load_with_values(language, by_intent, _select_lists(lists, language))
            for language, by_intent in by_language.items()
            if any(uses_values(sentence) for sentences in by_intent.values() for sentence in sentences)
        }
        return PluginSentences(plain, templates, with_values)
    except ConfigError:
        raise
    except Exception as err:  # hassil raises several types for an invalid template
        raise ConfigError(f"a sentence is not in hassil's format: {err}") from err


def _load(document: dict[str, Any]) -> "Intents":
    """Load templates and parse them all now, since hassil would report errors only at their first use."""
    from hassil import Intents

    intents = Intents.from_dict(document)
    for intent in intents.intents.values():
        for block in intent.data:
            list(block.sentences)
    return intents


def _select_plain(intents: Mapping[str, list[str]]) -> dict[str, list[str]]:
    plain = {
        intent: [sentence for sentence in sentences if not uses_values(sentence)]
        for intent, sentences in intents.items()
    }
    return {intent: sentences for intent, sentences in plain.items() if sentences}


def _load_with_values(language: str, intents: Mapping[str, list[str]], lists: Mapping[str, Values]) -> ValueSentences:
    """Load all templates of a language, so that the best one of them is found for an encoded sentence."""
    sentences = [sentence for templates in intents.values() for sentence in templates]
    value_lists, rules = create_value_tables(sentences, language)
    encoded = {intent: [number_grammar.replace_hyphens(text) for text in texts] for intent, texts in intents.items()}
    words = {name: _replace_hyphens(value) for name, value in lists.items() if not isinstance(value, range)}
    document = _create_document(language, encoded, words)
    numbers = {name for name, value in lists.items() if isinstance(value, range)}
    known = dict.fromkeys(numbers, value_lists["number"]) | {
        name: value for name, value in value_lists.items() if name not in lists
    }
    ranges = {
        found[2] or found[1]: cast(range, lists[found[1]])
        for sentence in sentences
        for found in _NAMED_LIST.finditer(sentence)
        if found[1] in numbers
    }
    return ValueSentences(
        _load({**document, "lists": {**document["lists"], **known}, "expansion_rules": rules}), ranges
    )


def _replace_hyphens(values: Values) -> Values:
    if isinstance(values, Mapping):
        return {number_grammar.replace_hyphens(words): value for words, value in values.items()}
    return [number_grammar.replace_hyphens(str(value)) for value in values]


def _list_templates(by_language: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[str]:
    for by_intent in by_language.values():
        for sentences in by_intent.values():
            yield from sentences


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
        if not re.search(r"\w", _LIST.sub("", remove_values(sentence))):
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
    result = _match(text, intents, language)
    if result is None:
        return None
    return result.intent.name, {name: _to_plain_value(entity.value) for name, entity in result.entities.items()}


def _match(text: str, intents: "Intents", language: str) -> "RecognizeResult | None":
    from hassil import recognize_best

    result = recognize_best(text, intents, language=language)
    return result if result is not None and result.text_chunks_matched else None


def _to_plain_value(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
