"""Plugins that work, and plugins that hang, raise and return invalid results."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins import (
    CommandContext,
    IntegrationPlugin,
    PluginMatch,
    PluginRegistry,
    PluginResult,
    PluginSource,
    find_in_folder,
    find_installed,
)
from wyoming_rosie_intent.plugins.home_assistant import HomeAssistantPlugin
from wyoming_rosie_intent.plugins.sentences import load_sentences
from wyoming_rosie_intent.plugins.testing import Trial, trial

NO_ANSWER = Answer("Sorry, test did not answer.", done=False)
WELL = """
import asyncio, pathlib, sys, time
from wyoming_rosie_intent.plugins import IntegrationPlugin

class Test(IntegrationPlugin):
    name = "test"
    version = "1"
    async def initialize(self, config):
        self.config = config
        {initialize}
    def get_intents(self):
        return {{"Do": ["do {{thing}}"], "Count": ["count to {{number}}"]}}
    def get_lists(self):
        return {{"number": range(1, 11)}}
    async def get_status(self):
        return {{"healthy": True}}
    async def handle_command(self, intent, entities):
        if entities.get("thing") == "wrong":
            {wrong}
        return {{"success": True, "message": f"{{intent}} {{entities}} {{self.config.get('key')}}"}}
"""


@pytest.fixture(autouse=True)
def _plugins_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


def write(folder: Path, wrong: str = "pass", initialize: str = "pass", name: str = "test") -> Path:
    made = folder / name
    made.mkdir()
    (made / "plugin.py").write_text(textwrap.dedent(WELL).format(wrong=wrong, initialize=initialize))
    return made


@asynccontextmanager
async def running(folder: Path, seconds: float = 60.0, **own: object) -> AsyncIterator[Trial]:
    async with trial(folder, own, seconds) as made:
        yield made


async def test_a_plugin_gets_its_sentences_words_and_settings(tmp_path: Path) -> None:
    async with running(write(tmp_path), key="k") as plugin:
        assert plugin.problem is None
        assert await plugin.say("Do the dishes") == Answer("Do {'thing': 'the dishes'} k")
        assert await plugin.say("count to seven") == Answer("Count {'number': 7} k")
        assert await plugin.say("count to ninety") is None
        assert await plugin.say("turn on the light") is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("raise ValueError('secret')", NO_ANSWER),
        ("sys.exit(3)", NO_ANSWER),
        ("raise KeyboardInterrupt", NO_ANSWER),
        ("raise asyncio.CancelledError", NO_ANSWER),
        ("await asyncio.sleep(60)", NO_ANSWER),
        ("return None", NO_ANSWER),
        ("return {'success': 'yes'}", NO_ANSWER),
        ("return {'success': False}", Answer("Sorry, that did not work.", done=False)),
        ("return {'success': True, 'message': 5}", Answer("That is done.")),
        ("return {'success': True, 'message': 'a' * 5000}", Answer("a" * 1000)),
    ],
)
async def test_what_a_plugin_does_wrong_is_said_in_time_and_the_next_sentence_works(
    tmp_path: Path, wrong: str, said: Answer
) -> None:
    async with running(write(tmp_path, wrong), 3.0 if "sleep" in wrong else 60.0) as plugin:
        assert await plugin.say("do wrong") == said
        assert (await plugin.say("do right") or NO_ANSWER).done


async def test_a_plugin_that_blocks_is_set_aside_until_it_is_back(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    blocking = f"while not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.01)"
    async with running(write(tmp_path, blocking), 1.0) as plugin:
        assert await plugin.say("do wrong") == NO_ANSWER
        assert await plugin.say("do right") == NO_ANSWER
        await asyncio.to_thread(flag.touch)
        async with asyncio.timeout(60):
            while not (await plugin.say("do right") or NO_ANSWER).done:
                await asyncio.sleep(0.01)


async def test_a_plugin_that_will_not_be_cancelled_is_set_aside_after_a_few_calls(tmp_path: Path) -> None:
    stubborn = "\n".join(
        ["while True:", *[f"                {line}" for line in ("try:", "    await asyncio.sleep(60)", "except asyncio.CancelledError:", "    if pathlib.Path(self.flag).exists(): raise")]]
    )  # fmt: skip
    flag = tmp_path / "flag"
    async with running(write(tmp_path, stubborn, f"self.flag = {str(flag)!r}"), 0.05) as plugin:
        for _ in range(4):
            assert await plugin.say("do wrong") == NO_ANSWER
            await asyncio.sleep(0.02)
        assert await plugin.say("do right") == NO_ANSWER
        await asyncio.to_thread(flag.touch)  # it may be ended now


async def test_a_turn_that_ends_takes_the_plugins_work_with_it(tmp_path: Path) -> None:
    async with running(write(tmp_path, "await asyncio.sleep(60)"), 60.0) as plugin:
        asking = asyncio.create_task(plugin.say("do wrong"))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await plugin.say("do right") or NO_ANSWER).done


async def test_one_bad_plugin_does_not_keep_another_from_its_work(tmp_path: Path) -> None:
    write(tmp_path, name="good")
    write(tmp_path, initialize="raise OSError", name="poor")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "plugin.py").write_text("import nothing_of_that_name")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "plugin.py").write_text("")
    (tmp_path / "no_plugin").mkdir()
    plugins = PluginRegistry(find_in_folder(tmp_path))
    await plugins.start()
    try:
        problems = {name: look() for name, look in plugins.health_checks().items()}
        assert problems == {
            "plugin broken": "the plugin broken failed: ModuleNotFoundError",
            "plugin empty": f"the plugin empty failed: {tmp_path}/empty/plugin.py must have one class derived from IntegrationPlugin; it has 0",
            "plugin good": None,
            "plugin poor": "the plugin poor failed: OSError",
        }
        match = plugins.recognize("do it", "en-US")
        assert match is not None
        assert match.plugin == "good"
        assert (await plugins.execute(match)).done
    finally:
        await plugins.close()


async def test_a_plugin_that_was_not_ready_is_tried_again(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    write(tmp_path, initialize=f"open({str(flag)!r}).close()")
    plugins = PluginRegistry(find_in_folder(tmp_path), status_seconds=0.05)
    await plugins.start()
    assert plugins.recognize("do it") is None
    caring = asyncio.create_task(plugins.run())
    await asyncio.to_thread(flag.touch)
    async with asyncio.timeout(60):
        while plugins.recognize("do it") is None:
            await asyncio.sleep(0.01)
    caring.cancel()
    await asyncio.gather(caring, return_exceptions=True)
    await plugins.close()


async def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PLUGIN_KEY", "hidden")
    folder = write(tmp_path)
    await asyncio.to_thread((folder / "config.toml").write_text, 'key_env = "TEST_PLUGIN_KEY"\n')
    async with running(folder) as plugin:
        assert (await plugin.say("do it") or NO_ANSWER).text.endswith("hidden")
    monkeypatch.delenv("TEST_PLUGIN_KEY")
    async with running(folder) as plugin:
        assert plugin.problem is not None
        assert "TEST_PLUGIN_KEY" in plugin.problem


async def test_a_plugin_starts_again_with_a_changed_secret(tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret", write(tmp_path)
    await asyncio.to_thread(secret.write_text, "former")
    await asyncio.to_thread((folder / "config.toml").write_text, f'key = {{ secret_file = "{secret}" }}\n')
    plugins = PluginRegistry(find_in_folder(tmp_path))
    await plugins.start()
    try:
        match = plugins.recognize("do it")
        assert match is not None
        for content, used in (("", "former"), ("present", "present")):
            await asyncio.to_thread(secret.write_text, content)
            await plugins.check()
            assert (await plugins.execute(match)).text.endswith(used)
    finally:
        await plugins.close()


@pytest.mark.parametrize("sentence", ["{anything}", "", "[unclosed", "(a|b"])
def test_a_sentence_that_is_none_or_takes_everything_is_refused(sentence: str) -> None:
    with pytest.raises(ConfigError):
        load_sentences({"Do": [sentence]}, {})


def test_a_very_long_sentence_is_not_looked_at() -> None:
    assert load_sentences({"Do": ["do {thing}"]}, {}).recognize("do " + "x" * 1_000_000, "en") is None


def test_a_plugin_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the plugin folder"):
        find_in_folder(tmp_path / "none")


async def test_a_package_offers_a_plugin_which_is_on_only_where_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, name="offered_plugin")
    about = tmp_path / "offered-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[wyoming_rosie.plugins]\noffered = offered_plugin.plugin:Test\nodd = os:sep\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert find_installed([]) == ()
    plugins = PluginRegistry(find_installed(["offered", "odd"]), {"offered": {"key": "k"}})
    await plugins.start()
    try:
        match = plugins.recognize("do it")
        assert match is not None
        assert (await plugins.execute(match)).text.endswith(" k")
        problem = plugins.health_checks()["plugin odd"]()
        assert problem is not None
        assert "not a class derived from IntegrationPlugin" in problem
    finally:
        await plugins.close()


async def test_home_assistant_is_a_plugin_that_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME_ASSISTANT_TOKEN", raising=False)
    plugin = HomeAssistantPlugin()
    with pytest.raises(ConfigError, match="needs a token"):
        await plugin.initialize({})
    assert (await plugin.get_status())["healthy"] is False
    assert "HassTurnOn" in plugin.get_intents()


class CarelessPlugin(IntegrationPlugin):
    """Returns whatever it is told to."""

    def __init__(self, intents: Any, lists: Any, tools: Any, result: Any) -> None:
        self._intents, self._lists, self._tools, self._result = intents, lists, tools, result

    async def initialize(self, config: Mapping[str, Any]) -> None:
        pass

    async def get_status(self) -> Any:
        return self._result

    def get_intents(self) -> Any:
        return self._intents

    def get_lists(self) -> Any:
        return self._lists

    def get_tools(self) -> Any:
        return self._tools

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> Any:
        return self._result


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(object()) | st.just(range(3)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["Do", "en", "success", "question", "options", "entities", "message"]), inner),
    max_leaves=8,
)  # fmt: skip
results = anything | st.builds(PluginResult, anything, st.booleans(), anything, anything, anything)
RIGHT: tuple[Any, Any, Any] = ({"Do": ["do {thing}"]}, {}, ())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything, anything, anything)
async def test_whatever_a_plugin_offers_is_taken_or_is_its_problem(intents: Any, lists: Any, tools: Any) -> None:
    plugin = CarelessPlugin(intents, lists, tools, {"healthy": True})
    plugins = PluginRegistry([PluginSource("careless", lambda: lambda: plugin)])  # type: ignore[arg-type, return-value]
    await plugins.start()
    try:
        plugins.recognize("do the dishes")
        assert plugins.health_checks()["plugin careless"]() is None or not plugins.tools()
    finally:
        await plugins.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(results)
async def test_whatever_a_plugin_returns_is_an_answer(result: Any) -> None:
    plugin = CarelessPlugin(*RIGHT, result)
    plugins = PluginRegistry([PluginSource("careless", lambda: lambda: plugin)])  # type: ignore[arg-type, return-value]
    await plugins.start()
    try:
        answer = await plugins.execute(PluginMatch("careless", "Do", {"thing": "dishes"}))
        assert isinstance(answer.text, str)
        assert answer.text
    finally:
        await plugins.close()
