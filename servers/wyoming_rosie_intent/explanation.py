"""The steps from sentences to what is done, for people and bug reports; nothing is executed."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_rosie.home import loader
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.context import follow_up
from wyoming_rosie_intent.context.follow_up import FollowUp
from wyoming_rosie_intent.context.last_turn import LastTurn
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.execution.executor import ActionExecutor, ActionPlan
from wyoming_rosie_intent.execution.policy import Policy, is_query_intent
from wyoming_rosie_intent.llm import router
from wyoming_rosie_intent.memory.spoken import sentences
from wyoming_rosie_intent.memory.spoken.sentences import MemoryPeriod, MemoryRequest
from wyoming_rosie_intent.plugins import PluginRegistry, find_in_folder
from wyoming_rosie_intent.plugins.match import PluginMatch
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import hassil, multi_command, templates, unknown_names
from wyoming_rosie_intent.rules.hassil import HassilRecognizer, RecognitionTrace


@dataclass(frozen=True)
class Step:
    name: str
    found: str


@dataclass(frozen=True)
class Explanation:
    """The steps of one sentence, and what the next one may refer to."""

    steps: tuple[Step, ...]
    matches: tuple[Match, ...]
    turn: LastTurn
    is_understood: bool

    def to_data(self) -> dict[str, Any]:
        """Return the explanation as JSON data."""
        return {
            "steps": {step.name: step.found for step in self.steps},
            "matches": [{"intent": match.intent, "slots": dict(match.slots)} for match in self.matches],
        }


@dataclass(frozen=True)
class Explainer:
    """Explains sentences about one home, spoken in one area (id or name) and language."""

    recognizer: HassilRecognizer
    executor: ActionExecutor
    area: str | None = None
    language: str | None = None
    plugins: PluginRegistry | None = None

    def explain_in_order(self, texts: Sequence[str]) -> Sequence[Explanation]:
        """Explain the sentences of one conversation, as if each were executed before the next."""
        explained, last = [], LastTurn()
        for text in texts:
            explained.append(self.explain(text, last))
            last = explained[-1].turn
        return explained

    def explain(self, text: str, last: LastTurn) -> Explanation:
        """Recognize and plan a sentence that comes after the turn `last`, and return the steps."""
        trace = self.recognizer.trace(text, self.language, self.area)
        said = self._parse_commands(text, trace.language)
        plugin = self.plugins.recognize(text, self.language) if self.plugins and not said else None
        found = self._refer_back(text, said, last, trace.language) if plugin is None else FollowUp()
        matches = found.matches if found else said
        plan = self.executor.plan(matches, self.area)
        steps = [*_describe_recognition(trace, said), *_describe_plugin(plugin)]
        if found != FollowUp(said):
            steps += _describe_reference(found)
        steps += _describe_plan(matches, plan)
        asks_model = plugin is None and (found is None or bool(matches and not plan.has_targets))
        request = sentences.recognize(text, trace.language) if plugin is None and found is None else None
        steps += _describe_memory_request(request)
        if asks_model:
            steps += self._describe_model(text, trace.language, has_answer=bool(matches))
        turn = _next_turn(last, matches, plan, found)
        return Explanation(tuple(steps), tuple(matches), turn, is_understood=found is not None or request is not None)

    def _parse_commands(self, text: str, language: str) -> tuple[Match, ...]:
        rules = multi_command.load_split_rules(self.executor.home, language)
        return multi_command.parse_commands(text, lambda part: self._recognize(part, language), rules)

    def _recognize(self, text: str, language: str) -> Match | None:
        return self.recognizer.recognize(text, language, self.area)

    def _refer_back(self, text: str, said: tuple[Match, ...], last: LastTurn, language: str) -> FollowUp | None:
        """Return what the sentence means after the last turn; None if it means nothing."""
        home, words = self.executor.home, follow_up.load_words(base_language(language))
        if len(said) == 1:
            return FollowUp(follow_up.refer_back(said[0], text, last, home, words))
        if said or last == LastTurn():
            return FollowUp(said) if said else None
        return follow_up.parse_follow_up(text, last, home, words, lambda part: self._recognize(part, language))

    def _describe_model(self, text: str, language: str, *, has_answer: bool) -> Iterator[Step]:
        """Say which language models would be asked, in their order, and what is said if there is none."""
        home = self.executor.home
        request = router.create_request(text, home, home.get_area(self.area) if self.area else None)
        tiers = ", ".join(router.order_tiers(request))
        yield Step("language model", f"asked if one is set up, as a {request.complexity} question: {tiers}")
        if not has_answer:
            yield Step("without a model", unknown_names.render_unknown(text, language, home))


def load_and_explain(
    texts: Sequence[str], home: Path | None, area: str | None, language: str | None, plugin_folder: Path | None = None
) -> Sequence[Explanation]:
    """Explain sentences about the home of a file, the demo home by default. Raises ConfigError, EngineError."""
    known = loader.load_home(home or DEMO_HOME)
    spoken = templates.match_language(language, templates.supported_languages()) if language else "en"
    recognizer = hassil.load(hassil.Settings((spoken or language or "en",)), known)
    responses.prepare(spoken or "en")
    plugins = asyncio.run(_load_plugins(plugin_folder)) if plugin_folder else None
    executor = ActionExecutor(known, DemoActor(known), Policy())
    return Explainer(recognizer, executor, area, spoken, plugins).explain_in_order(texts)


async def _load_plugins(folder: Path) -> PluginRegistry:
    """Start the plugins of a folder for their sentences, and close them; the sentences stay known."""
    plugins = PluginRegistry(find_in_folder(folder))
    try:
        await plugins.start()
    finally:
        await plugins.close()
    return plugins


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


def _describe_plugin(found: PluginMatch | None) -> Iterator[Step]:
    if found is not None:
        values = (f"{name}={value}" for name, value in found.entities.items())
        yield Step("plugin", " ".join((f"{found.plugin}:", found.intent, *values)))


def _describe_memory_request(request: MemoryRequest | None) -> Iterator[Step]:
    """Say what a sentence asks of the memory; whether that knows an answer is not known here."""
    if request is not None:
        about = (request.fact or request.topic, "" if request.period is MemoryPeriod.ALL else request.period)
        yield Step("memory", " ".join(filter(None, (request.intent, *about))))


def _describe_reference(found: FollowUp | None) -> Iterator[Step]:
    """Say what a sentence takes from the last turn."""
    if found is None or found == FollowUp():
        return
    parts = ["puts the last changes back"] if found.undoes else []
    parts += ["repeats the last answer"] if found.repeats_answer else []
    yield Step("last turn", "; ".join((*parts, *map(_format_match, found.matches))))


def _describe_plan(matches: Sequence[Match], plan: ActionPlan) -> Iterator[Step]:
    if not matches:
        return
    commands = (*plan.commands, *plan.needs_confirmation)
    yield Step("targets", "; ".join(map(_format_targets, commands)) or "none")
    yield Step("policy", "; ".join(_format_decisions(plan)) or "nothing to decide")


def _next_turn(last: LastTurn, matches: Sequence[Match], plan: ActionPlan, found: FollowUp | None) -> LastTurn:
    """Return what the next sentence may refer to once this one is executed and answered."""
    if not matches:
        return LastTurn(last.answer, last.commands) if found and found.undoes else last
    commands = (*plan.commands, *plan.needs_confirmation) or tuple(map(Command, matches))
    acts = last.has_acted or not all(is_query_intent(match.intent) for match in matches)
    return LastTurn("said", commands, has_acted=acts)


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
