"""Fuzzy recognizer: corrects a sentence that matches no template, in its spelling, names, fillers and word order.

A correction counts only if it matches a template as a whole, so that no word of the sentence is ignored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Protocol, TypeAlias

import structlog

from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.rules.filler_words import LanguageHints, Words, normalize_words, split_words
from wyoming_rosie_intent.rules.name_index import MISRECOGNITION_SCORE, NameIndex, NameMatch
from wyoming_rosie_intent.rules.phonetics import EXACT_SCORE, Vocabulary, phonetic_key

_LOG = structlog.get_logger()
MAX_WORDS = 16
"""Words of the longest sentence that is corrected; commands are short, conversation is long."""
MIN_SCORE = 0.82
"""Least score of a correction, 0 to 1."""
MIN_SCORE_ONE_WORD = 0.8
"""Least score when only the spelling of one word is wrong."""
MIN_SCORE_DANGEROUS = 0.96
"""Least score of each word when the target is dangerous."""
TIE_MARGIN = 0.07
"""Corrections with a smaller difference in score and another effect make the sentence ambiguous."""
_QUERY_INTENTS = ("HassGet", "HassClimateGet")
_MAX_ATTEMPTS = 12
_MAX_SPELLINGS = 4
"""Spellings of one sentence that are tried."""
_REORDER_COST = 0.03
_INFLECTIONS = frozenset({"s", "es", "d", "ed", "ing"})
_MIN_WORD_LENGTH = 4
"""Letters of the shortest word that is corrected."""


@dataclass(frozen=True)
class Effect:
    """The effect of a command; matches with the same effect have equal keys."""

    key: object
    is_dangerous: bool = False


class TemplateMatcher(Protocol):
    """Matches whole sentences against the templates, for a speaker in one area."""

    def match_exact(self, text: str) -> Match | None: ...

    def match_corrected(self, text: str) -> Match | None:
        """Match like `match_exact`, without the templates that allow no correction."""
        ...

    def get_effect(self, match: Match) -> Effect: ...


@dataclass(frozen=True)
class _Candidate:
    text: str
    score: float
    min_word_score: float  # of the corrected words
    only_one_word: bool = False  # was corrected, and nothing else


@dataclass(frozen=True)
class _ScoredMatch:
    candidate: _Candidate
    match: Match
    effect: Effect

    @property
    def is_confident(self) -> bool:
        if self.effect.is_dangerous and not self.match.intent.startswith(_QUERY_INTENTS):
            return min(self.candidate.score, self.candidate.min_word_score) >= MIN_SCORE_DANGEROUS
        return self.candidate.score >= (MIN_SCORE_ONE_WORD if self.candidate.only_one_word else MIN_SCORE)


@dataclass(frozen=True)
class Correction:
    """What became of a sentence that matches no template: the match or None, the reason, and all that was tried."""

    match: Match | None
    reason: str
    words: Words = ()  # without fillers
    corrected: str = ""  # the sentence that matched
    score: float = 0.0  # 0 to 1
    tried: tuple[str, ...] = ()


_Selected: TypeAlias = tuple[_ScoredMatch | None, str]
"""The best correction, None if it must not count, and the reason."""


class FuzzyRecognizer:
    """Corrects sentences about one home in one language."""

    def __init__(
        self, hints: LanguageHints, vocabulary: Vocabulary, known_words: Iterable[str], names: Iterable[str]
    ) -> None:
        self._hints = hints
        self._vocabulary = vocabulary
        self._known = frozenset((*known_words, *vocabulary.words))
        self._names = NameIndex(names, hints, self._known)

    def recognize(self, text: str, matcher: TemplateMatcher) -> Match | None:
        """Return the match of the best correction; None when its score is too low or another one is nearly as good."""
        found = self.correct(text, matcher)
        if found.match is not None:
            _LOG.debug("a sentence is corrected", said=text, matched_as=found.corrected, because=found.reason)
        return found.match

    def correct(self, text: str, matcher: TemplateMatcher) -> Correction:
        """Correct a sentence, and say why the correction counts or does not."""
        words = normalize_words(text)
        if len(words) > MAX_WORDS:
            return Correction(None, f"it has more than {MAX_WORDS} words", words)
        if not self._hints.non_command_words:
            return Correction(None, "nothing is corrected in this language", words)
        without_fillers = self._hints.remove_fillers(words)
        barred = [word for word in without_fillers if word in self._hints.non_command_words]
        attempts = _SentenceAttempts(text, without_fillers, matcher, is_command=not barred)
        if without_fillers != words and (match := attempts.match_without_fillers()) is not None:
            reason = "it matches without its polite words and fillers"
            return Correction(match, reason, without_fillers, " ".join(without_fillers), EXACT_SCORE)
        if len(without_fillers) < 2:  # a single corrected word is too little evidence
            return Correction(None, "a single word is not corrected", without_fillers)
        if barred and without_fillers[0] not in self._hints.question_words:
            return Correction(None, f"no command contains '{barred[0]}'", without_fillers)
        selected, reason = self._match_candidates(without_fillers, attempts)
        if selected is None:
            return Correction(None, reason, without_fillers, tried=attempts.texts)
        candidate = selected.candidate
        return Correction(
            selected.match, reason, without_fillers, candidate.text, candidate.score, tried=attempts.texts
        )

    def _match_candidates(self, words: Words, attempts: "_SentenceAttempts") -> _Selected:
        """Match spelling corrections first, then the best candidate with other names and another order."""
        corrected = [
            scored
            for candidate in self._correct_spelling(words)
            if (scored := attempts.match_candidate(candidate)) is not None
        ]
        selected = _select_best(corrected)
        return selected if selected[0] else _select_best(list(self._match_by_score(words, attempts)))

    def _match_by_score(self, words: Words, attempts: "_SentenceAttempts") -> Iterator[_ScoredMatch]:
        best = 0.0
        for candidate in sorted(
            self._create_candidates(words, is_command=attempts.is_command), key=lambda entry: -entry.score
        ):
            if candidate.score < max(MIN_SCORE, best - TIE_MARGIN) or attempts.count >= _MAX_ATTEMPTS:
                return
            if (scored := attempts.match_candidate(candidate)) is not None:
                best = max(best, candidate.score)
                yield scored

    def _create_candidates(self, words: Words, *, is_command: bool) -> Iterator[_Candidate]:
        replaced = tuple(self._hints.misrecognitions.get(word, (word,))[0] for word in words)
        for version, score in {
            words: EXACT_SCORE,
            replaced: EXACT_SCORE if replaced == words else MISRECOGNITION_SCORE,
        }.items():
            yield from self._replace_names(version, score, is_command=is_command)
            for corrected in self._correct_spelling(version):
                yield from self._replace_names(
                    tuple(corrected.text.split()), min(score, corrected.score), is_command=is_command
                )

    def _replace_names(self, words: Words, score: float, *, is_command: bool) -> Iterator[_Candidate]:
        yield _Candidate(" ".join(words), score, score)
        for found in self._names.find_names(words):
            min_word_score = min(score, found.min_word_score)
            for order, cost in self._reorder(words, found, is_command=is_command):
                yield _Candidate(order, min(score, found.score) - cost, min_word_score)

    def _reorder(self, words: Words, found: NameMatch, *, is_command: bool) -> Iterator[tuple[str, float]]:
        """Yield the sentence with the name in place, and moved to its end when it began with the name, each with its cost."""
        before, after = words[: found.start], words[found.end :]
        yield " ".join((*before, found.name, *after)), 0.0
        remaining = tuple(word for word in after if word not in self._hints.pronouns)
        if is_command and not set(before) - self._hints.inner_words and not all(map(self._names.has_word, remaining)):
            yield " ".join((*remaining, found.name)), _REORDER_COST

    def _correct_spelling(self, words: Words) -> Iterator[_Candidate]:
        """Yield the sentence with each unknown word replaced by a similar one."""
        likely = [self._find_spellings(word) for word in words]
        if all(spellings.keys() == {word} for word, spellings in zip(words, likely, strict=True)):
            return
        for version in islice(product(*(spellings.items() for spellings in likely)), _MAX_SPELLINGS):
            scores = [score for _, score in version if score < EXACT_SCORE]
            yield _Candidate(
                " ".join(word for word, _ in version), min(scores), min(scores), only_one_word=len(scores) == 1
            )

    def _find_spellings(self, word: str) -> Mapping[str, float]:
        """Return the best spelling of a word and those nearly as good, with their scores."""
        if word in self._known or self._names.has_word(word) or len(word) < _MIN_WORD_LENGTH or not word.isalpha():
            return {word: EXACT_SCORE}
        close = {**self._names.vocabulary.find_similar(word), **self._vocabulary.find_similar(word)}
        close = {other: score for other, score in close.items() if _is_spelling_error(word, other)}
        least = max(close.values(), default=EXACT_SCORE) - TIE_MARGIN
        return {other: score for other, score in close.items() if score > least} or {word: EXACT_SCORE}


class _SentenceAttempts:
    """One sentence and the candidates tried so far."""

    def __init__(self, text: str, without_fillers: Words, matcher: TemplateMatcher, *, is_command: bool) -> None:
        self.is_command = is_command
        self._without_fillers = without_fillers
        self._written = {word.casefold(): word for word in split_words(text)}
        self._matcher = matcher
        self._tried: dict[str, tuple[Match, Effect] | None] = {
            self._restore_case(" ".join(without_fillers)).lower(): None
        }

    @property
    def count(self) -> int:
        return len(self._tried)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that were tried."""
        return tuple(self._tried)

    def match_without_fillers(self) -> Match | None:
        """Match the sentence without its fillers."""
        return self._matcher.match_exact(self._restore_case(" ".join(self._without_fillers)))

    def match_candidate(self, candidate: _Candidate) -> _ScoredMatch | None:
        """Match a candidate, once per text; the sentence itself matches nothing."""
        text = self._restore_case(candidate.text)
        if text.lower() not in self._tried:
            self._tried[text.lower()] = self._match_text(text)
        matched = self._tried[text.lower()]
        return _ScoredMatch(candidate, *matched) if matched else None

    def _match_text(self, text: str) -> tuple[Match, Effect] | None:
        match = self._matcher.match_corrected(text)
        if match is None or not (self.is_command or match.intent.startswith(_QUERY_INTENTS)):
            return None
        return match, self._matcher.get_effect(match)

    def _restore_case(self, text: str) -> str:
        """Restore the capital letters of the sentence's own words; names have theirs."""
        return " ".join(self._written.get(word, word) for word in text.split())


def _is_spelling_error(word: str, other: str) -> bool:
    """Return whether a word may be a misspelling; "turns" and "turned" are not, they describe what was done."""
    if word.startswith(other) and word.removeprefix(other) in _INFLECTIONS:
        return False
    return word[0] == other[0] or phonetic_key(word) == phonetic_key(other)


def _select_best(found: Sequence[_ScoredMatch]) -> _Selected:
    if not found:
        return None, "no correction matches a template"
    best = max(found, key=lambda scored: scored.candidate.score)
    rivals = (scored for scored in found if best.candidate.score - scored.candidate.score < TIE_MARGIN)
    if rival := next((one for one in rivals if one.effect.key != best.effect.key), None):
        return None, f"'{best.candidate.text}' and '{rival.candidate.text}' are equally likely"
    score = f"'{best.candidate.text}' scores {best.candidate.score:.2f}"
    if best.is_confident:
        return best, f"{score}, and nothing else is as likely"
    return None, f"{score}, too little" + (" for a dangerous target" if best.effect.is_dangerous else "")
