"""Commands of plugins: their context, the questions before a change, settings, secrets and texts."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from blockbuster import BlockBuster

from tests.unit.intent.memory.conversations import conversing
from tests.unit.intent.outcomes import MOMENT, get_outcome
from tests.waiting import wait_until
from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, Handled, NotHandled, Outcome
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer, SatelliteAnnouncer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.plugins import (
    CommandContext,
    IntegrationPlugin,
    PluginRegistry,
    PluginResult,
    PluginSource,
    find_integrations,
    person_settings,
)
from wyoming_rosie_intent.plugins.discovery import list_integrations
from wyoming_rosie_intent.plugins.sentences import load_sentences
from wyoming_rosie_intent.plugins.settings import load_settings
from wyoming_rosie_intent.plugins.texts import PluginTexts

PROMISE = "That takes a moment. I will tell you when it is done."
Call = tuple[str, Mapping[str, Any], CommandContext]


@pytest.fixture(autouse=True)
def _plugins_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


class FakePhonebook(IntegrationPlugin):
    """Calls people after a yes; asks which of two Toms is meant."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def initialize(self, config: Mapping[str, Any]) -> None:
        pass

    async def get_status(self) -> Mapping[str, Any]:
        return {"healthy": True}

    def get_intents(self) -> Mapping[str, Sequence[str]]:
        return {"Call": ["phone {contact}"], "Who": ["who is speaking"]}

    async def execute(
        self, intent: str, entities: Mapping[str, Any], context: CommandContext
    ) -> PluginResult | Mapping[str, Any]:
        self.calls.append((intent, entities, context))
        if intent == "Who":
            return {"success": True, "message": f"{context.person} in {context.area}"}
        if entities["contact"] == "tom" and "number" not in entities:
            options = {"Tom Hill": {"number": 1}, "Tom Lake": {"number": 2}}
            return PluginResult("There are two.", question="Tom Hill or Tom Lake?", options=options)
        if not context.is_confirmed:
            return {"success": True, "question": f"Shall I call {entities['contact']}?", "entities": {"asked": True}}
        return PluginResult("Calling.")


@asynccontextmanager
async def talking(
    home: Home,
    recognizer: IntentRecognizer,
    plugin: IntegrationPlugin,
    *,
    seconds: float = 60.0,
    announcer: SatelliteAnnouncer | None = None,
) -> AsyncIterator[Dialogue]:
    source = PluginSource("phone", lambda: lambda: plugin)  # type: ignore[arg-type, return-value]
    plugins = PluginRegistry([source], answer_seconds=seconds)
    await plugins.start()
    executor = ActionExecutor(home, DemoActor(home))
    dialogue = Dialogue(recognizer, executor, Confirmations(["yes"], ["no"]), plugins, announcer=announcer)
    try:
        yield dialogue
    finally:
        dialogue.close()
        await plugins.close()


async def say(dialogue: Dialogue, text: str, turn_id: str | None = None) -> Outcome:
    return await get_outcome(dialogue, ConversationInput(text, "one", "en", "Kitchen", turn_id, "Ada"))


async def test_a_plugin_knows_who_speaks_where_and_when(home: Home, recognizer: IntentRecognizer, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("TZ", "Europe/Berlin")
    plugin = FakePhonebook()
    async with talking(home, recognizer, plugin) as dialogue:
        assert await say(dialogue, "who is speaking") == Handled("Ada in kitchen")
    (_, _, context), *_ = plugin.calls
    assert context.moment == MOMENT
    assert context.moment.tzinfo == ZoneInfo("Europe/Berlin")
    assert (context.language, context.conversation_id, context.text) == ("en", "one", "who is speaking")


async def test_a_yes_executes_the_command_once_with_what_the_question_added(home: Home, recognizer: IntentRecognizer) -> None:  # fmt: skip
    plugin = FakePhonebook()
    async with talking(home, recognizer, plugin) as dialogue:
        asked = await say(dialogue, "phone ada", "turn 1")
        assert isinstance(asked, Handled)
        assert (asked.text, asked.expects_reply) == ("Shall I call ada?", True)
        assert await say(dialogue, "yes", "turn 2") == Handled("Calling.")
        assert await say(dialogue, "yes", "turn 3") != Handled("Calling.")
    first, second = plugin.calls
    assert second[1] == {"contact": "ada", "asked": True}
    assert [first[2].is_confirmed, second[2].is_confirmed] == [False, True]
    assert first[2].key == second[2].key


async def test_a_no_executes_nothing(home: Home, recognizer: IntentRecognizer) -> None:
    plugin = FakePhonebook()
    async with talking(home, recognizer, plugin) as dialogue:
        await say(dialogue, "phone ada")
        assert isinstance(await say(dialogue, "no"), Handled)
    assert len(plugin.calls) == 1


async def test_a_name_chooses_an_option_which_is_confirmed_on_its_own(home: Home, recognizer: IntentRecognizer) -> None:
    plugin = FakePhonebook()
    async with talking(home, recognizer, plugin) as dialogue:
        asked = await say(dialogue, "phone tom")
        assert isinstance(asked, Handled)
        assert asked.text == "There are two. Tom Hill or Tom Lake?"
        chosen = await say(dialogue, "Lake")
        assert isinstance(chosen, Handled)
        assert chosen.text == "Shall I call tom?"
        assert await say(dialogue, "yes") == Handled("Calling.")
    assert plugin.calls[-1][1] == {"contact": "tom", "number": 2, "asked": True}


class Choosy(FakePhonebook):
    """Knows nobody."""

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        return PluginResult("I know no such person.", success=False, declines=True)


async def test_without_a_model_a_plugin_that_declines_is_heard(home: Home, recognizer: IntentRecognizer) -> None:
    async with talking(home, recognizer, Choosy()) as dialogue:
        assert await say(dialogue, "phone ada") == NotHandled("I know no such person.", is_declined=True)


async def test_the_same_turn_has_the_same_key_and_another_turn_another(
    home: Home, recognizer: IntentRecognizer
) -> None:
    plugin = FakePhonebook()
    async with talking(home, recognizer, plugin) as dialogue:
        for turn_id in ("turn 1", "turn 1", "turn 2", None, None):
            await say(dialogue, "who is speaking", turn_id)
    keys = [context.key for _, _, context in plugin.calls]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


async def test_a_plugin_that_can_execute_nothing_says_so() -> None:
    class Idle(FakePhonebook):
        execute = IntegrationPlugin.execute

    plugins = PluginRegistry([PluginSource("idle", lambda: Idle)])
    await plugins.start()
    try:
        assert plugins.health_checks()["plugin idle"]() == "the plugin idle failed: the plugin idle needs the method handle_command or execute"  # fmt: skip
    finally:
        await plugins.close()


def test_secrets_come_from_files_and_variables_also_those_of_each_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "token").write_text("from a file\n")
    monkeypatch.setenv("PLUGIN_PASSWORD", "from a variable")
    given = {
        "url": "http://127.0.0.1",
        "days": 3,
        "token": {"secret_file": str(tmp_path / "token")},
        "persons": {"Ada": {"password": {"secret_env": "PLUGIN_PASSWORD"}, "url": "http://ada"}},
    }
    settings = load_settings("test", None, given).read()
    shared = {"url": "http://127.0.0.1", "days": 3, "token": "from a file"}
    assert person_settings(settings, "Eve") == person_settings(settings, None) == shared
    assert person_settings(settings, "ada") == {**shared, "url": "http://ada", "password": "from a variable"}


@pytest.mark.parametrize(
    "secret", [{"secret_file": "/nowhere/token"}, {"secret_env": "NO_SUCH_VARIABLE"}, {"secret_env": 5}]
)
def test_a_secret_that_is_missing_names_its_setting(secret: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"token|environment variable"):
        load_settings("test", None, {"token": secret}).read()


def test_integrations_are_on_only_where_wanted() -> None:
    assert find_integrations([]) == ()
    assert [source.name for source in find_integrations(list_integrations())] == list(list_integrations())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "en.toml").write_text(
        '[rules]\nmy = "my|<our>"\nour = "our|the"\n[sentences]\nNext = ["what is <my> next {kind} <date>"]\n'
        '[lists.kind]\nappointment = "event"\n"thing to do" = "task"\n[answers]\nfound = "Next is {{ names | listed }}."\n'
    )
    (tmp_path / "de.toml").write_text(
        '[sentences]\nNext = ["was ist mein nächster {kind}"]\n[lists.kind]\nTermin = "event"\n'
        '[answers]\nfound = "Als Nächstes: {{ names | listed }}."\n'
    )
    return tmp_path


def test_texts_have_sentences_lists_and_answers_by_language(folder: Path) -> None:
    texts = PluginTexts(folder)
    assert texts.get_intents()["Next"]["en"] == ["what is (my|(our|the)) next {kind} <date>"]
    assert texts.render("found", "de-AT", names=["Zahnarzt", "Chor"]) == "Als Nächstes: Zahnarzt und Chor."
    assert texts.render("found", "sv", names=["Choir"]) == "Next is Choir."
    sentences = load_sentences({"Next": {"de": texts.get_intents()["Next"]["de"]}}, texts.get_lists())
    assert sentences.recognize("was ist mein nächster Termin", "de") == ("Next", {"kind": "event"})
    assert sentences.recognize("was ist mein nächster appointment", "de") is None


@pytest.mark.parametrize("broken", ["[colours]\na = 1\n", '[answers]\nfound = "{{ names "\n', "not TOML"])
def test_texts_that_are_wrong_are_refused(tmp_path: Path, broken: str) -> None:
    (tmp_path / "en.toml").write_text(broken)
    with pytest.raises(ConfigError):
        PluginTexts(tmp_path)


def test_rules_that_refer_to_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[rules]\na = "<b>"\nb = "<a>"\n[sentences]\nNext = ["next <a>"]\n')
    with pytest.raises(ConfigError, match="refer to each other"):
        PluginTexts(tmp_path).get_intents()


class SlowBakery(FakePhonebook):
    """Answers when it is told to; fails where that is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.is_done = False
        self.fails = False

    def get_intents(self) -> Mapping[str, Sequence[str]]:
        return {"Bake": ["bake a cake"]}

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        self.calls.append((intent, entities, context))
        if self.fails:
            raise OSError
        if context.is_confirmed:
            return PluginResult("It is sliced.")
        while not self.is_done:
            await asyncio.sleep(0.01)
        return PluginResult("It is baked.", question="Shall I slice it?")


class FakeAnnouncer:
    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def satellites(self) -> Mapping[str, bool]:
        return {"kitchen": True}

    async def announce(self, satellite: str, text: str) -> None:
        self.said.append((satellite, text))


BAKE = ConversationInput("bake a cake", "one", "en", takes_late_answers=True)


async def test_an_answer_that_takes_long_is_promised_and_its_question_is_asked_when_it_comes(home: Home, recognizer: IntentRecognizer) -> None:  # fmt: skip
    plugin = SlowBakery()
    async with talking(home, recognizer, plugin, seconds=0.05) as dialogue:
        promise = await get_outcome(dialogue, BAKE)
        assert isinstance(promise, Handled)
        assert promise.text == PROMISE
        assert promise.late_answer is not None
        plugin.is_done = True
        user_input, late = await dialogue.wait_for_answer(promise.late_answer, 0.0)
        assert user_input == BAKE
        assert isinstance(late, Handled)
        assert late.text == "It is baked. Shall I slice it?"
        assert await say(dialogue, "yes") == Handled("It is sliced.")
        with pytest.raises(BadEventError):
            await dialogue.wait_for_answer(promise.late_answer, 0.0)
    assert [context.is_confirmed for _, _, context in plugin.calls] == [False, True]


async def test_a_conductor_that_speaks_no_late_answers_gets_a_failure(home: Home, recognizer: IntentRecognizer) -> None:
    async with talking(home, recognizer, SlowBakery(), seconds=0.05) as dialogue:
        outcome = await get_outcome(dialogue, replace(BAKE, takes_late_answers=False))
        assert outcome == NotHandled("Sorry, phone did not answer.")


async def test_a_late_answer_is_announced_where_home_assistant_conducts(home: Home, recognizer: IntentRecognizer) -> None:  # fmt: skip
    plugin, announcer = SlowBakery(), FakeAnnouncer()
    async with talking(home, recognizer, plugin, seconds=0.05, announcer=announcer) as dialogue:
        promise = await get_outcome(dialogue, replace(BAKE, takes_late_answers=False, satellite="kitchen"))
        assert promise == Handled(PROMISE)
        plugin.is_done = True
        await wait_until(lambda: bool(announcer.said))
        assert announcer.said == [("kitchen", "It is baked. Shall I slice it?")]


async def test_late_answers_that_nobody_asks_for_are_dropped(home: Home, recognizer: IntentRecognizer) -> None:
    plugin = SlowBakery()
    async with talking(home, recognizer, plugin, seconds=0.01) as dialogue:
        while len(plugin.calls) < 4:  # a plugin runs no more at once, and less if its thread has no time
            promise = await get_outcome(dialogue, BAKE)
        assert isinstance(promise, Handled)
        assert promise.late_answer
        refused = await get_outcome(dialogue, BAKE)
        assert refused == NotHandled("Sorry, phone did not answer.")
    assert len(plugin.calls) == 4


async def test_a_plugin_that_fails_five_times_is_left_alone(home: Home, recognizer: IntentRecognizer) -> None:
    plugin = SlowBakery()
    plugin.fails = True
    async with talking(home, recognizer, plugin) as dialogue:
        for _ in range(7):
            assert await get_outcome(dialogue, BAKE) == NotHandled("Sorry, phone did not answer.")
    assert len(plugin.calls) == 5


@pytest.mark.parametrize("is_private", [False, True])
async def test_what_a_private_plugin_said_is_not_remembered(tmp_path: Path, recognizer: IntentRecognizer, is_private: bool) -> None:  # fmt: skip
    plugin = FakePhonebook()
    plugin.is_private = is_private
    plugins = PluginRegistry([PluginSource("phone", lambda: lambda: plugin)])  # type: ignore[arg-type, return-value]
    await plugins.start()
    try:
        async with conversing(tmp_path / "memory.db", recognizer, plugins=plugins) as talk:
            assert await talk.say("who is speaking") == "None in kitchen"
            assert bool(await talk.kept_texts()) is not is_private
    finally:
        await plugins.close()
