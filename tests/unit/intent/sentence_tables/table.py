"""Tables of sentences with their expected commands, and their evaluation."""

from collections.abc import Sequence
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
    """Read `TEXT = EXPECTED` lines beneath `## KIND` headings."""
    found, kind = [], ""
    for line in (FOLDER / f"{language}.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = line[3:]
        elif line and not line.startswith("#"):
            text, expected = line.rsplit(" = ", 1)
            found.append(SentenceCase(text, expected, kind, language))
    return found


def evaluate(recognizer: IntentRecognizer, said: SentenceCase) -> SentenceResult:
    """Recognize a sentence and plan its commands without executing them."""
    at = load_home(said.language)
    matches = multi_command.parse_commands(
        said.text, lambda text: recognizer.recognize(text, said.language, AREA), load_split_rules(said.language)
    )
    plan = ActionExecutor(at, DemoActor(at)).plan(matches, AREA)
    done = [
        (command.match, [entity.id for entity in command.targets])
        for command in (*plan.commands, *plan.needs_confirmation)
    ]
    got = " + ".join(_written(match, ids) for match, ids in done) or "-"
    return SentenceResult(got, _verdict(said.expected, done))


def _written(match: Match, entities: Sequence[str]) -> str:
    slots = [f"{slot}={value}" for slot, value in match.slots.items() if slot not in {"name", "area", "domain"}]
    return " ".join(filter(None, (match.intent, ",".join(entities), *slots)))


def _verdict(expected: str, done: Sequence[tuple[Match, Sequence[str]]]) -> str:
    acts = [match for match, _ in done if not match.intent.startswith(_ANSWERS)]
    if expected in {"-", "?"}:
        return "wrong" if acts else "right"
    wanted = expected.split(" + ")
    if len(wanted) == len(done) and all(_fits(one, *got) for one, got in zip(wanted, done, strict=True)):
        return "right"
    return "wrong" if acts or (done and expected.startswith(_ANSWERS)) else "missed"


def _fits(expected: str, match: Match, entities: Sequence[str]) -> bool:
    intent, *rest = expected.split(" ", 2)
    ids = rest.pop(0) if rest and "=" not in rest[0] else ""
    slots = [one.partition("=") for one in rest]
    said = all(str(match.slots.get(slot)) == value for slot, _, value in slots)
    return match.intent == intent and said and (not ids or set(ids.split(",")) == set(entities))
