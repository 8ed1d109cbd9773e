"""Prompts that fit into the context window, for homes with 500 entities in four languages."""

from collections import Counter as Count
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import large_homes
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole, Prompt, Tool
from wyoming_rosie_intent.llm.prompts import prompt, token_counter
from wyoming_rosie_intent.llm.prompts.context_window import ContextWindow, ResultBudget
from wyoming_rosie_intent.llm.prompts.prompt import PromptContext, PromptTemplates
from wyoming_rosie_intent.llm.prompts.token_counter import TokenCounter, count_units

MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)
every_home = pytest.mark.parametrize("language", large_homes.LANGUAGES)
every_context = pytest.mark.parametrize("context", [4096, 8192])


def room(context: int, counter: TokenCounter | None = None) -> ContextWindow:
    return ContextWindow(context, min(1024, context // 8), counter or TokenCounter())


def tools(home: Home) -> tuple[Tool, ...]:
    return tuple(HomeTools(ActionExecutor(home, DemoActor(home))).list_tools())


def written(prompts: PromptTemplates, home: Home, area: int = 3, used: tuple[str, ...] = ()) -> Prompt:
    here = PromptContext(home.areas[area], MOMENT, large_homes.create_states(home))
    return prompts.render(home, here, (), tools(home), used)


def listed(home: Home, given: Prompt) -> Count[str]:
    """Return the number of entities of each domain in the system message."""
    text = given.messages[0].text
    return Count(entity.domain for entity in home.entities if f'- "{entity.name}": ' in text)


@every_home
@every_context
@pytest.mark.parametrize("is_counted", [False, True], ids=["by the bound", "as counted"])
def test_a_prompt_fits_with_room_for_history_results_and_the_answer(
    language: str, context: int, is_counted: bool
) -> None:
    home = large_homes.create_home(language)
    prompts = prompt.load(context_window=room(context, counted(language, context) if is_counted else None))
    given = written(prompts, home)
    shares = prompts.allocate_tokens(home, tools(home))
    assert (
        prompts.context_window.counter.count_prompt(given) + shares.history + shares.results + 150
        <= prompts.context_window.prompt
    )
    assert min(shares.history, shares.results) > (90 if is_counted else 20)


@every_home
def test_every_kind_is_named_the_speakers_room_first_and_the_rest_is_told_of(language: str) -> None:
    home = large_homes.create_home(language)
    given = written(prompt.load(context_window=room(8192, counted(language, 8192))), home)
    kinds, text = listed(home, given), given.messages[0].text
    assert set(kinds) == {entity.domain for entity in home.entities}
    here = [entity for entity in home.entities if entity.area == "room3"]
    named = sum(f'- "{entity.name}": ' in text for entity in here)
    assert named >= min(len(here), 20)
    left_out = {kind: number - kinds[kind] for kind, number in Count(one.domain for one in home.entities).items()}
    assert f"{left_out['light']} light" in text
    assert f"There are {sum(left_out.values())} more things that are not listed" in text


def counted(language: str, context: int) -> TokenCounter:
    """Return a counter that was calibrated once."""
    counter = TokenCounter()
    home = large_homes.create_home(language)
    given = written(prompt.load(context_window=room(context)), home)
    counter.calibrate(given, true_count(given))
    return counter


def true_count(given: Prompt) -> int:
    """Count like a tokenizer with a vocabulary of 250,000: 0.8 tokens for a unit of English, one for a wide character or two letters."""
    text = "".join(message.text for message in given.messages) + "".join(str(tool) for tool in given.tools)
    others = sum(not character.isascii() for character in text)
    return int(0.8 * sum(count_units(one.text).plain for one in given.messages) + 0.8 * _of_tools(given) + 0.7 * others)


def _of_tools(given: Prompt) -> int:
    return sum(TokenCounter().count_tool(tool) for tool in given.tools)


@every_home
def test_more_of_the_home_is_told_once_a_server_has_counted_and_never_too_much(language: str) -> None:
    home, before = large_homes.create_home(language), prompt.load(context_window=room(4096))
    counter = counted(language, 4096)
    after = prompt.load(context_window=room(4096, counter))
    few, more = written(before, home), written(after, home)
    assert sum(listed(home, more).values()) > sum(listed(home, few).values())
    assert true_count(more) <= counter.count_prompt(more) <= after.context_window.prompt


def test_the_text_stays_as_it_is_until_a_thing_is_used_that_it_does_not_name() -> None:
    home = large_homes.create_home("en")
    prompts = prompt.load(context_window=room(4096, counted("en", 4096)))
    before = written(prompts, home)
    named = next(entity for entity in home.entities if f'- "{entity.name}": ' in before.messages[0].text)
    hidden = next(entity for entity in reversed(home.entities) if f'- "{entity.name}": ' not in before.messages[0].text)
    assert written(prompts, home, used=(named.id,)).messages[0] is before.messages[0]
    after = written(prompts, home, used=(named.id, hidden.id))
    assert f'- "{hidden.name}": ' in after.messages[0].text
    assert written(prompts, home, used=(hidden.id, named.id)).messages[0] is after.messages[0]
    assert set(listed(home, after)) == set(listed(home, before))


def test_a_room_full_of_lights_leaves_room_for_the_thermostat_elsewhere() -> None:
    home = large_homes.create_home("en")
    crowded = Home(
        home.areas,
        tuple(one if one.domain != "light" else type(one)(one.id, one.name, "light", "room3") for one in home.entities),
    )
    kinds = listed(crowded, written(prompt.load(context_window=room(4096, counted("en", 4096))), crowded))
    assert kinds["climate"] == kinds["lock"] == kinds["vacuum"] == 1


# ------------------------------------------------------------------------------------------------------------ counting


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("", 0),
        ("Kitchen", 2),
        ("the light is on.", 6),
        ("21.5", 4),
        ('{"a": ', 3),
        ("台所", 6),
        ("Свет", 8),
        ("a\n\n  b", 5),
    ],
)
def test_the_bound_of_a_text(text: str, most: int) -> None:
    assert TokenCounter().count(text) == most


@given(st.text(), st.text())
def test_more_text_never_has_fewer_tokens(one: str, other: str) -> None:
    assert TokenCounter().count(one + "\n" + other) >= max(TokenCounter().count(one), TokenCounter().count(other))


def said(text: str) -> Prompt:
    return Prompt((ChatMessage(ChatRole.SYSTEM, text),))


def test_what_was_counted_once_holds_until_too_few_were_counted() -> None:
    counter, english = TokenCounter(), said("the light in the kitchen is on and the door is open " * 20)
    most = counter.count_prompt(english)
    counter.calibrate(english, int(most * 0.6))
    learnt = counter.scales
    assert int(most * 0.6) <= counter.count_prompt(english) < most
    counter.calibrate(english, int(most * 0.55))
    assert counter.scales == learnt
    counter.calibrate(english, most)
    assert counter.count_prompt(english) >= most


def test_a_server_that_counts_only_what_was_new_to_it_teaches_nothing() -> None:
    counter, english = TokenCounter(), said("the light in the kitchen is on and the door is open " * 20)
    counter.calibrate(english, 12)
    assert counter.scales == (1.0, 1.0)


def test_a_tokenizer_of_ones_own_counts(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    file = tmp_path / "tokenizer.json"
    model = tokenizers.models.WordLevel({"light": 0, "on": 1, "?": 2}, unk_token="?")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(file))
    assert token_counter.load(file).count("the kitchen light is on") == 5


def test_a_tokenizer_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="cannot read the tokenizer"):
        token_counter.load(tmp_path / "tokenizer.json")


@given(st.lists(st.text(max_size=400), max_size=6), st.integers(40, 200))
def test_results_never_take_more_than_there_is_room_for(texts: list[str], room_for: int) -> None:
    count = TokenCounter().count
    allowance = ResultBudget(room_for, count)
    given = [allowance.truncate(text) for text in texts]
    assert sum(map(count, given)) <= room_for + len(texts) * count(
        " … (there is no room for more; ask for less at once)"
    )
    if sum(map(count, texts)) <= room_for:
        assert given == texts
