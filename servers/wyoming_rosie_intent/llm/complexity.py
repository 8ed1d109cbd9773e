"""Request complexity, classified by keywords."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MEDIUM_WORDS, COMPLEX_WORDS = 18, 40
MAX_TEXT_CHARACTERS = 600
"""Characters that are read; a longer request is complex by its number of words."""


class Complexity(StrEnum):
    SIMPLE = "simple"  # facts, weather, small talk, the home
    MEDIUM = "medium"  # an explanation, a recipe, a few sentences of text
    COMPLEX = "complex"  # long texts, comparisons, plans, code, calculations of several steps


@dataclass(frozen=True)
class ComplexityResult:
    """The complexity of a request and the names of the rules that matched; they quote nothing of the request."""

    complexity: Complexity
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class _ComplexityRule:
    reason: str
    complexity: Complexity
    pattern: re.Pattern[str]


def _rule(reason: str, complexity: Complexity, pattern: str) -> _ComplexityRule:
    return _ComplexityRule(reason, complexity, re.compile(pattern))


_SHORT_TEXTS = "haiku|joke|limerick|line|message|name|note|poem|rhyme|riddle|sentence|toast|verse"
_RULES = (
    _rule("comparison", Complexity.COMPLEX, r"\b(compar(e|es|ison|ing)|versus|vs|vergleiche?|comparez?|compara)\b|\b(better|rent|lease|leasing|buy|decide)\b.* (or|between|against|than) "),
    _rule("arguments", Complexity.COMPLEX, r"\b(pros and cons|for and against|(dis)?advantages|analy[sz]e|evaluate|assess|critique|debate|discuss|review my|weigh|risks|prove)\b"),
    _rule("code", Complexity.COMPLEX, r"\b(code|debug|refactor|regular expression|algorithm)\b|\bwrite\b.*\b(program|script|function|query|class)\b|[{};]|=>|=="),
    _rule("long text", Complexity.COMPLEX, rf"\b(write|draft|compose|create|design|develop|outline|prepare)\b (me |us |my |our |an? |the )*(?!(\w+ )?({_SHORT_TEXTS})\b)|\b(schreib|entwirf|erstelle|verfasse)\w*\b|\b(écris|rédige|escribe)\b"),
    _rule("plan", Complexity.COMPLEX, r"^(plan|organi[sz]e|plane) |\bmake (me )?an?\b.*\b(plan|schedule|timetable|programme|program|budget)\b"),
    _rule("in depth", Complexity.COMPLEX, r"\b(step by step|each step|in detail|in depth|walk me through|with examples|consequences|thorough(ly)?)\b"),
    _rule("sum of several steps", Complexity.COMPLEX, r"\bpercent\b.*\b(years?|months?)\b|\b(years?|months?)\b.*\bpercent\b|\btwice as\b|\b(catch up|puzzle|equation)\b|\bgiven that\b|^if (a|an|i|we|two|three|my)\b.*\b(how|what|when)\b"),
    _rule("explanation", Complexity.MEDIUM, r"\b(why|explain|describe|warum|wieso|weshalb|pourquoi|por ?qu[eé]|erkl[aä]re?)\b|\bhow (do(es)?|did|can|could|should|would) (?!you (spell|say|do|feel))|\bhow to\b|\bwie funktioniert\b|\bcomment (fonctionne|marche)\b|\bc[oó]mo funciona\b|\bdifference between\b"),
    _rule("advice", Complexity.MEDIUM, r"\b(advi[sc]e|recommend|suggest|ideas?|tips|symptoms|recipe)\b|\b(best|easiest|right|quickest) way\b|\b(should|could|can|do) i (cook|do|eat|give|make|plant|say|try|use|wear)\b|\b(a good|good names?)\b (?!(morning|night))"),
    _rule("text of its own", Complexity.MEDIUM, r"^(write|translate|make up|invent)\b|\b(summary|summari[sz]e|tell me (about|something|more|an? (\w+ )?story)|story about)\b"),
    _rule("consequence", Complexity.MEDIUM, r"\bwhat (happens|does it mean|would happen) (if|when)\b|\bwhat if\b"),
    _rule("sum", Complexity.MEDIUM, r"\bpercent of\b|\d\s*[-+*/^\u00d7\u00f7]\s*\d|\bhow many .* and (a|one|two|three)\b"),
    _rule("several questions", Complexity.MEDIUM, r"\?.*\?|\band (how|what|when|where|which|who|why|say why)\b"),
)  # fmt: skip


def classify(text: str) -> ComplexityResult:
    """Return the highest complexity of all rules that match."""
    normalized = " ".join(text[:MAX_TEXT_CHARACTERS].casefold().split())
    found = list(_match_rules(normalized))
    hardest = max((sign for sign, _ in found), key=list(Complexity).index, default=Complexity.SIMPLE)
    return ComplexityResult(hardest, tuple(reason for _, reason in found))


def _match_rules(normalized: str) -> Iterator[tuple[Complexity, str]]:
    words = len(normalized.split())
    if words >= COMPLEX_WORDS:
        yield Complexity.COMPLEX, f"{COMPLEX_WORDS} words or more"
    elif words >= MEDIUM_WORDS:
        yield Complexity.MEDIUM, f"{MEDIUM_WORDS} words or more"
    for rule in _RULES:
        if rule.pattern.search(normalized):
            yield rule.complexity, rule.reason
