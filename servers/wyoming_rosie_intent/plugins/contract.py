"""Contract of plugins: what each must do, whatever its service does, as checks that any plugin's tests can run.

A plugin describes itself by a PluginContract, by custom as CONTRACT in its contract.py; `check_plugin` runs all checks.
"""

import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins.discovery import PluginSource
from wyoming_rosie_intent.plugins.fake_service import FakeService, Fault
from wyoming_rosie_intent.plugins.match import PluginQuestion
from wyoming_rosie_intent.plugins.testing import Trial, trial_of
from wyoming_rosie_intent.responses import responses

CONTRACT_FILE = "contract.py"
ANSWER_SECONDS = 5.0
"""For one command; a client of HTTP may be set to give up sooner."""
MIN_OPTIONS = 2
FOREIGN = {
    "en": (
        "turn on the kitchen light",
        "what time is it",
        "set a timer for five minutes",
        "stop",
        "yes",
        "tell me a joke",
    ),
    "de": ("schalte das Küchenlicht an", "wie spät ist es", "stell einen Timer auf fünf Minuten", "halt", "ja"),
}
"""Sentences that are no plugin's."""
CLOCK_CHANGES = (
    datetime(2026, 3, 29, 0, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=ZoneInfo("America/New_York")),
    datetime(2028, 2, 29, 12, 0, tzinfo=ZoneInfo("Australia/Lord_Howe")),
)
"""Before, after and within the hours that clocks skip or repeat, and a leap day."""
_SECRETS = ("token", "password", "secret", "key")


@dataclass(frozen=True)
class Example:
    """A sentence with a part of its answer; `asks` if it changes something, so that the plugin asks first."""

    text: str
    says: str = ""
    language: str = "en"
    person: str | None = None
    asks: bool = False


@dataclass(frozen=True)
class PluginContract:
    """What the checks know of a plugin: how to run it, and what it answers while its service works.

    `settings` are made from the URL of the service. `ambiguous` names one of several, so that the plugin asks which.
    """

    source: PluginSource
    examples: Sequence[Example]
    settings: Callable[[str], Mapping[str, Any]] = field(default=lambda _url: {})
    create_service: Callable[[], FakeService] | None = None
    ambiguous: Example | None = None


class ContractError(RosieError):
    """A plugin breaks its contract; the text says by what."""

    code = "contract"


Check: TypeAlias = Callable[[PluginContract], Awaitable[None]]
"""Raises ContractError."""


@dataclass(frozen=True)
class ContractResult:
    name: str
    problem: str | None


def load_contract(folder: Path) -> PluginContract:
    """Return the CONTRACT in the contract.py of a plugin's folder. Runs its code; raises ConfigError without one."""
    file = folder / CONTRACT_FILE
    if not file.is_file():
        raise ConfigError(f"there is no {file}; docs/plugins.md says what belongs there")
    spec = importlib.util.spec_from_file_location(f"wyoming_rosie_contract_{folder.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    contract = getattr(module, "CONTRACT", None)
    if not isinstance(contract, PluginContract):
        raise ConfigError(f"{file} must have a CONTRACT, which is a PluginContract")
    return contract


async def check_plugin(contract: PluginContract) -> AsyncIterator[ContractResult]:
    """Yield the result of each check."""
    for name, check in CHECKS.items():
        try:
            await check(contract)
        except RosieError as err:
            yield ContractResult(name, str(err))
        else:
            yield ContractResult(name, None)


async def _check_start(contract: PluginContract) -> None:
    async with _running(contract) as (plugin, _):
        if plugin.problem:
            raise ContractError(f"it does not start: {plugin.problem}")
        for tool in plugin.tools:
            if tool.intent not in plugin.intents:
                raise ContractError(f"the tool {tool.intent} is none of its intents")
            if not tool.description or not all(parameter.description for parameter in tool.parameters.values()):
                raise ContractError(f"the tool {tool.intent} or one of its parameters has no description")


async def _check_examples(contract: PluginContract) -> None:
    async with _running(contract) as (plugin, _):
        for example in contract.examples:
            await _say(plugin, example)


async def _check_other_sentences(contract: PluginContract) -> None:
    async with _running(contract) as (plugin, _):
        for language, sentences in FOREIGN.items():
            for text in sentences:
                if plugin.understand(text, language) is not None:
                    raise ContractError(f"it takes the sentence '{text}', which is not its own")


async def _check_questions(contract: PluginContract) -> None:
    """Nothing changes before a yes, and a yes changes it."""
    for example in contract.examples:
        if not example.asks:
            continue
        async with _running(contract) as (plugin, service):
            question = await _say(plugin, example)
            assert isinstance(question, PluginQuestion)
            if service and any(map(service.is_change, service.requests)):
                raise ContractError(f"'{example.text}' changed something at the service before the yes")
            answer = await plugin.reply(question, person=example.person)
            if isinstance(answer, PluginQuestion) or not answer.done:
                raise ContractError(f"the yes to '{example.text}' does nothing: {answer.text}")
            if service and not any(map(service.is_change, service.requests)):
                raise ContractError(f"the yes to '{example.text}' changed nothing at the service")


async def _check_ambiguous_name(contract: PluginContract) -> None:
    if contract.ambiguous is None:
        return
    async with _running(contract) as (plugin, _):
        question = await plugin.say(
            contract.ambiguous.text, contract.ambiguous.language, person=contract.ambiguous.person
        )
        if not isinstance(question, PluginQuestion) or len(question.options) < MIN_OPTIONS:
            raise ContractError(f"it does not ask which one '{contract.ambiguous.text}' means")
        for option in question.options:
            answer = await plugin.reply(question, option, person=contract.ambiguous.person)
            if _is_lost(answer, contract.ambiguous.language):
                raise ContractError(f"the reply '{option}' ends in an error")


async def _check_faults(contract: PluginContract) -> None:
    """While the service fails, the plugin claims nothing, shows no secret, and works again afterwards."""
    if contract.create_service is None:
        return
    for fault in Fault:
        async with _running(contract) as (plugin, service):
            assert service is not None
            usual = await _say(plugin, contract.examples[0])
            service.fail(fault)
            example = contract.examples[0]
            answer = await plugin.say(example.text, example.language, person=example.person)
            if answer is not None and answer.done and answer.text != usual.text:
                raise ContractError(f"after {fault} it claims: {answer.text}")
            await plugin.check()
            _check_secrets(contract, service.url, f"{answer.text if answer else ''} {plugin.problem or ''}")
            service.recover()
            try:
                await _say(plugin, example)
            except ContractError as err:
                raise ContractError(f"after {fault} it does not recover: {err}") from err


async def _check_faulty_start(contract: PluginContract) -> None:
    if contract.create_service is None:
        return
    for fault in (Fault.UNAUTHORIZED, Fault.FAILED, Fault.GARBAGE):
        async with _running(contract, fault) as (plugin, service):
            assert service is not None
            _check_secrets(contract, service.url, plugin.problem or "")
            service.recover()
            await plugin.check()
            if plugin.problem:
                raise ContractError(f"after {fault} at its start it does not recover: {plugin.problem}")
            await _say(plugin, contract.examples[0])


async def _check_pages(contract: PluginContract) -> None:
    """Answers are the same when the service returns one thing on each page."""
    if contract.create_service is None:
        return
    async with _running(contract) as (plugin, service):
        assert service is not None
        for example in contract.examples:
            service.page_size = None
            usual = await _say(plugin, example)
            service.page_size = 1
            paged = await plugin.say(example.text, example.language, person=example.person)
            if paged is None or paged.text != usual.text:
                raise ContractError(f"with pages '{example.text}' is answered by: {paged and paged.text}")


async def _check_clock_changes(contract: PluginContract) -> None:
    async with _running(contract) as (plugin, _):
        for moment in CLOCK_CHANGES:
            for example in contract.examples:
                answer = await plugin.say(example.text, example.language, moment=moment, person=example.person)
                if answer is None or _is_lost(answer, example.language):
                    raise ContractError(f"'{example.text}' ends in an error at {moment.isoformat()} {moment.tzinfo}")


CHECKS: Mapping[str, Check] = {
    "start": _check_start,
    "examples": _check_examples,
    "other sentences": _check_other_sentences,
    "questions before changes": _check_questions,
    "ambiguous names": _check_ambiguous_name,
    "faults of the service": _check_faults,
    "faults at the start": _check_faulty_start,
    "pages": _check_pages,
    "clock changes": _check_clock_changes,
}


@asynccontextmanager
async def _running(
    contract: PluginContract, fault: Fault | None = None
) -> AsyncIterator[tuple[Trial, FakeService | None]]:
    """Run the plugin with a service of its own, which may fail from the beginning."""
    for example in contract.examples:
        responses.prepare(example.language)
    service = contract.create_service() if contract.create_service else None
    async with service.serving() if service else nullcontext():
        if service and fault:
            service.fail(fault)
        url = service.url if service else ""
        async with trial_of(contract.source, contract.settings(url), ANSWER_SECONDS) as plugin:
            yield plugin, service


async def _say(plugin: Trial, example: Example) -> Answer:
    """Return the answer to an example. Raises ContractError for any other than expected."""
    answer = await plugin.say(example.text, example.language, person=example.person)
    if answer is None:
        raise ContractError(f"it does not understand '{example.text}'")
    if not answer.done or example.says not in answer.text:
        raise ContractError(f"'{example.text}' is answered by: {answer.text}")
    if example.asks is not isinstance(answer, PluginQuestion):
        wrong = "is executed without a question" if example.asks else "is answered by a question"
        raise ContractError(f"'{example.text}' {wrong}: {answer.text}")
    return answer


def _is_lost(answer: Answer, language: str) -> bool:
    """Return whether an answer is the daemon's, for a plugin that raised an error or took too long."""
    lost = responses.render("did_not_answer", language, named="\0").partition("\0")
    return not answer.done and answer.text.startswith(lost[0]) and answer.text.endswith(lost[2])


def _check_secrets(contract: PluginContract, url: str, text: str) -> None:
    for name, value in contract.settings(url).items():
        if any(secret in name for secret in _SECRETS) and isinstance(value, str) and value in text:
            raise ContractError(f"it shows its {name}")
