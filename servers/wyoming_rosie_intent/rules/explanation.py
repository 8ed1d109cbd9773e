"""The steps from a sentence to what is done, for people and bug reports; nothing is executed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_rosie.home import loader
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.execution.executor import ActionExecutor, ActionPlan
from wyoming_rosie_intent.execution.policy import Policy
from wyoming_rosie_intent.rules import hassil, multi_command, templates
from wyoming_rosie_intent.rules.hassil import HassilRecognizer, RecognitionTrace


@dataclass(frozen=True)
class Step:
    name: str
    found: str


@dataclass(frozen=True)
class Explanation:
    steps: tuple[Step, ...]
    matches: tuple[Match, ...]

    def to_data(self) -> dict[str, Any]:
        """Return the explanation as JSON data."""
        return {
            "steps": {step.name: step.found for step in self.steps},
            "matches": [{"intent": match.intent, "slots": dict(match.slots)} for match in self.matches],
        }


def load_and_explain(text: str, home: Path | None, area: str | None, language: str | None) -> Explanation:
    """Explain a sentence about the home of a file, the demo home by default. Raises ConfigError, EngineError."""
    known = loader.load_home(home or DEMO_HOME)
    spoken = templates.match_language(language, templates.supported_languages()) if language else "en"
    recognizer = hassil.load(hassil.Settings((spoken or language or "en",)), known)
    return explain(text, recognizer, ActionExecutor(known, DemoActor(known), Policy()), area, spoken)


def explain(
    text: str, recognizer: HassilRecognizer, executor: ActionExecutor, area: str | None, language: str | None
) -> Explanation:
    """Recognize and plan a sentence, spoken in `area` (id or name), and return the steps."""
    trace = recognizer.trace(text, language, area)
    rules = multi_command.load_split_rules(executor.home, trace.language)
    matches = multi_command.parse_commands(text, lambda part: recognizer.recognize(part, trace.language, area), rules)
    plan = executor.plan(matches, area)
    return Explanation((*_describe_recognition(trace, matches), *_describe_plan(matches, plan)), tuple(matches))


def _describe_recognition(trace: RecognitionTrace, matches: Sequence[Match]) -> Iterator[Step]:
    yield Step("cleaned text", trace.cleaned)
    yield Step("language", trace.language)
    yield Step("templates tried", f"{trace.templates_tried}, {'one matches' if trace.is_exact else 'none matches'}")
    if (correction := trace.correction) is not None:
        yield Step("without fillers", " ".join(correction.words))
        yield Step("corrections tried", "; ".join(correction.tried) or "none")
        yield Step("correction", correction.corrected or "none")
        yield Step("reason", correction.reason)
    if len(matches) > 1 or (matches and trace.match is None):
        yield Step("parts", "; ".join(match.text for match in matches))
    yield Step("match", "; ".join(map(_format_match, matches)) or "none")


def _describe_plan(matches: Sequence[Match], plan: ActionPlan) -> Iterator[Step]:
    if not matches:
        return
    commands = (*plan.commands, *plan.needs_confirmation)
    yield Step("targets", "; ".join(map(_format_targets, commands)) or "none")
    yield Step("policy", "; ".join(_format_decisions(plan)) or "nothing to decide")


def _format_match(match: Match) -> str:
    return " ".join((match.intent, *(f"{slot}={value}" for slot, value in match.slots.items())))


def _format_targets(command: Command) -> str:
    return ", ".join(entity.id for entity in command.targets) or f"{command.match.intent} has none"


def _format_decisions(plan: ActionPlan) -> Iterator[str]:
    """Yield what is done at once, asked first, refused and not found."""
    for name, commands in (("done at once", plan.commands), ("asks first", plan.needs_confirmation)):
        if commands:
            yield f"{name}: {'; '.join(map(_format_targets, commands))}"
    if plan.choice:
        yield f"asks: {plan.choice.question}"
    yield from (f"answers: {message}" for message in plan.error_messages)
