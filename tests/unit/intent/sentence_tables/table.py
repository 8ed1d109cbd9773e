"""Tables of sentences with their expected commands, and their evaluation."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

from wyoming_rosie.home import loader
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.engine import IntentRecognizer, Match
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.rules import multi_command
from wyoming_rosie_intent.rules.multi_command import SplitRules

FOLDER = Path(__file__).parent
AREA = "kitchen"
_ANSWERS = ("HassGet", "HassClimateGet", "HassRespond", "HassTimerStatus")


@dataclass(frozen=True)
class SentenceCase:
    text: str
    expected: str
    kind: str
    language: str

    @property
    def purpose(self) -> str:
        """Return "tune" for sentences used for development, "measure" for those held out."""
        return "measure" if crc32(self.text.encode()) % 2 else "tune"


@dataclass(frozen=True)
class SentenceResult:
    got: str
    verdict: str  # right, missed, wrong

    @property
    def is_right(self) -> bool:
        return self.verdict == "right"


@cache
def load_home(language: str) -> Home:
    """Return the home of the sentences in a language."""
    return loader.load_home(FOLDER / ("home.toml" if language == "en" else f"home_{language}.toml"))


@cache
def load_split_rules(language: str) -> SplitRules:
    """Return the split rules for the sentences in a language."""
    return multi_command.load_split_rules(load_home(language), language)


@cache
def load_sentences(language: str) -> Sequence[SentenceCase]:
    """Return the sentences of a language that the rules are made for."""
    return _read_cases(FOLDER / f"{language}.txt", language)


@cache
def load_household(language: str) -> Sequence[SentenceCase]:
    """Return sentences of a language as people say them at home, written without a look at the templates."""
    return _read_cases(FOLDER / "household" / f"{language}.txt", language)


def _read_cases(file: Path, language: str) -> Sequence[SentenceCase]:
    """Read `TEXT = EXPECTED` lines beneath `## KIND` headings."""
    found = []
    for kind, line in _read_lines(file):
        text, expected = line.rsplit(" = ", 1)
        found.append(SentenceCase(text, expected, kind, language))
    return found


def _read_lines(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each line with the heading above it."""
    kind = ""
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = line[3:]
        elif line and not line.startswith("#"):
            yield kind, line


@cache
def load_no_commands(language: str) -> Sequence[SentenceCase]:
    """Return sentences that must not act: commands that are negated, supposed, reported, asked about or meant for others."""
    commands = [one.text for one in load_sentences(language) if _is_plain_command(one)]
    frames = _read_lines(FOLDER / "no_commands" / f"{language}.txt")
    made = [SentenceCase(frame.format(text), "?", kind, language) for kind, frame in frames for text in commands]
    return sorted(made, key=lambda one: crc32(one.text.encode()))


def _is_plain_command(said: SentenceCase) -> bool:
    is_action = said.expected not in {"-", "?"} and not said.expected.startswith((*_ANSWERS, "HassNevermind"))
    return said.kind == "commands in the documented wording" and is_action


def evaluate(recognizer: IntentRecognizer, said: SentenceCase) -> SentenceResult:
    """Recognize a sentence and plan its commands without executing them."""
    matches = multi_command.parse_commands(
        said.text, lambda text: recognizer.recognize(text, said.language, AREA), load_split_rules(said.language)
    )
    return evaluate_matches(matches, said)


def evaluate_matches(matches: Sequence[Match], said: SentenceCase) -> SentenceResult:
    """Compare the commands of any recognizer with the expected ones, by their targets."""
    at = load_home(said.language)
    plan = ActionExecutor(at, DemoActor(at)).plan(matches, AREA)
    done = [
        (command.match, [entity.id for entity in command.targets])
        for command in (*plan.commands, *plan.needs_confirmation)
    ]
    got = " + ".join(_written(match, ids) for match, ids in done) or "-"
    verdicts = {_verdict(expected, done, at) for expected in said.expected.split(" | ")}
    return SentenceResult(got, next(verdict for verdict in ("right", "wrong", "missed") if verdict in verdicts))


def _written(match: Match, entities: Sequence[str]) -> str:
    slots = [f"{slot}={value}" for slot, value in match.slots.items() if slot not in {"name", "area", "domain"}]
    return " ".join(filter(None, (match.intent, ",".join(entities), *slots)))


def _verdict(expected: str, done: Sequence[tuple[Match, Sequence[str]]], home: Home) -> str:
    acts = [match for match, _ in done if not match.intent.startswith(_ANSWERS)]
    if expected in {"-", "?"}:
        return "wrong" if acts else "right"
    wanted = expected.split(" + ")
    if len(wanted) == len(done) and all(_fits(one, *got, home) for one, got in zip(wanted, done, strict=True)):
        return "right"
    return "wrong" if acts or (done and expected.startswith(_ANSWERS)) else "missed"


def _fits(expected: str, match: Match, entities: Sequence[str], home: Home) -> bool:
    intent, _, rest = expected.partition(" ")
    named, *values = re.split(r"(?:^| )(?=\w+=)", rest)
    ids = set(filter(None, named.split(",")))
    if (domain := next(iter(ids), "").removesuffix(".*")) not in {"", *ids}:
        ids = {entity.id for entity in home.entities if entity.domain == domain}
    slots = [one.partition("=") for one in values]
    said = all(str(match.slots.get(slot)) == value for slot, _, value in slots)
    return match.intent == intent and said and (not ids or ids == set(entities))
