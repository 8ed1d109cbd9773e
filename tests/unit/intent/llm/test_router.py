"""The choice of a tier, and fallbacks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.ollama_script import Fault, Rule
from tests.ollama_server import OllamaServer
from tests.unit.intent.llm.model_server import (
    ASKED,
    collect,
    create_prompt,
    is_complete,
    join_text,
    load_model,
    run_scripted_server,
    select_calls,
)
from wyoming_rosie_intent.llm import router
from wyoming_rosie_intent.llm.complexity import Complexity
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    ModelError,
    ModelEvent,
    ModelOutputError,
    Prompt,
    Restarted,
    StreamEnd,
    TextDelta,
    ToolCall,
    ToolsUnsupportedError,
)  # fmt: skip
from wyoming_rosie_intent.llm.router import RoutingRequest, Tier, TierRouter, order_tiers
from wyoming_rosie_intent.llm.tier_config import CloudSettings, NetworkSettings, TierSettings

LOCAL, NETWORK, CLOUD = Tier.LOCAL, Tier.NETWORK, Tier.CLOUD
OPEN = RoutingRequest(private=False)
CALL = ToolCall("call_1", "HassTurnOn", {"name": "Lamp"})
Script: TypeAlias = tuple[ModelEvent | ModelError, ...]
LONG = "so far, and " * 50
"""Text that is longer than the withheld beginning of a model's first answer."""
GONE: Script = (ModelError("gone"),)


def says(text: str, *more: ModelEvent | ModelError) -> Script:
    return (*map(TextDelta, text.split(" ")), *(more or (StreamEnd(),)))


@dataclass
class ScriptedModel:
    """A model that answers by its scripts, from the last one on by that; it records its prompts."""

    name: str
    scripts: list[Script] = field(default_factory=lambda: [says("hello there")])
    asked: list[Prompt] = field(default_factory=list)
    warmed: list[Prompt] = field(default_factory=list)
    open: int = 0

    async def warm_up(self, prompt: Prompt) -> None:
        self.warmed.append(prompt)
        for piece in self.scripts[0]:
            if isinstance(piece, ModelError):
                raise piece

    async def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        self.asked.append(prompt)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.open += 1
        try:
            for piece in script:
                if isinstance(piece, ModelError):
                    raise piece
                yield piece
        finally:
            self.open -= 1

    async def complete(self, prompt: Prompt) -> str:
        self.asked.append(prompt)
        return "whole"

    async def close(self) -> None: ...


class House:
    """Scripted models of all three tiers, with a manual clock."""

    def __init__(self, **scripts: list[Script]) -> None:
        self.now = 0.0
        self.models = {Tier(name): ScriptedModel(name, script) for name, script in scripts.items()}
        self.tiers = TierRouter(self.models, lambda: self.now)

    async def answer(self, wish: RoutingRequest = OPEN, prompt: Prompt = ASKED) -> list[ModelEvent | Restarted]:
        return await collect(self.tiers.route(wish).answer(prompt))

    def asked(self) -> dict[Tier, int]:
        return {name: len(model.asked) for name, model in self.models.items()}


@pytest.mark.parametrize(
    ("complexity", "private", "always_local", "never_cloud", "expected"),
    [
        (Complexity.SIMPLE, False, False, False, (LOCAL, NETWORK, CLOUD)),
        (Complexity.MEDIUM, False, False, False, (NETWORK, LOCAL, CLOUD)),
        (Complexity.COMPLEX, False, False, False, (CLOUD, NETWORK, LOCAL)),
        (Complexity.SIMPLE, True, False, False, (LOCAL, NETWORK)),
        (Complexity.MEDIUM, True, False, False, (NETWORK, LOCAL)),
        (Complexity.COMPLEX, True, False, False, (NETWORK, LOCAL)),
        (Complexity.COMPLEX, False, False, True, (NETWORK, LOCAL)),
        (Complexity.SIMPLE, False, True, False, (LOCAL,)),
        (Complexity.MEDIUM, False, True, False, (LOCAL,)),
        (Complexity.COMPLEX, False, True, False, (LOCAL,)),
        (Complexity.COMPLEX, True, True, True, (LOCAL,)),
    ],
)
def test_order_of_tiers(
    complexity: Complexity, private: bool, always_local: bool, never_cloud: bool, expected: tuple[Tier, ...]
) -> None:
    assert order_tiers(RoutingRequest(complexity, private, always_local, never_cloud)) == expected


@given(st.sampled_from(Complexity), st.booleans(), st.booleans(), st.booleans())
def test_order_keeps_every_promise(
    complexity: Complexity, private: bool, always_local: bool, never_cloud: bool
) -> None:
    chosen = order_tiers(RoutingRequest(complexity, private, always_local, never_cloud))
    assert LOCAL in chosen
    assert len(set(chosen)) == len(chosen)
    assert not (CLOUD in chosen and (private or always_local or never_cloud))
    assert not (NETWORK in chosen and always_local)


def test_a_wish_that_says_nothing_is_private() -> None:
    assert CLOUD not in order_tiers(RoutingRequest(Complexity.COMPLEX))


def test_cloud_is_off_unless_switched_on() -> None:
    assert router.load(TierSettings(), NetworkSettings(), CloudSettings("some-model")) is None


@pytest.mark.parametrize(
    "failure", [GONE, (TextDelta(""),), (CALL, ModelError("broken")), ()], ids=["refused", "no done", "broken", "empty"]
)
async def test_every_failure_falls_through(failure: Script) -> None:
    house = House(local=[failure], network=[says("network here")])
    pieces = await house.answer()
    assert join_text(pieces) == "networkhere"
    assert not select_calls(pieces), "what a broken answer wanted is not done"
    assert is_complete(pieces)


async def test_all_tiers_failing_is_one_error_without_names() -> None:
    house = House(local=[GONE], network=[GONE], cloud=[GONE])
    with pytest.raises(ModelError, match=r"^no language model answers at the moment$"):
        await house.answer()
    assert house.asked() == {LOCAL: 1, NETWORK: 1, CLOUD: 1}


async def test_no_tier_is_tried_twice_in_a_turn() -> None:
    house = House(local=[GONE], network=[says("a", CALL, StreamEnd()), GONE], cloud=[says("b", CALL, StreamEnd())])
    attempt = house.tiers.route(OPEN)
    for _ in range(4):
        await collect(attempt.answer(ASKED))
    assert house.asked() == {LOCAL: 1, NETWORK: 2, CLOUD: 3}
    assert attempt.tier is CLOUD


async def test_tool_rounds_stay_with_the_tier_that_answered() -> None:
    house = House(local=[GONE, says("local is back")], network=[says("one", CALL, StreamEnd()), says("two")])
    attempt = house.tiers.route(OPEN)
    first = await collect(attempt.answer(ASKED))
    again = ASKED.append(
        ChatMessage(ChatRole.ASSISTANT, calls=(CALL,)), ChatMessage(ChatRole.TOOL, "done", tool_call=CALL)
    )
    second = await collect(attempt.answer(again))
    assert select_calls(first) == [CALL]
    assert join_text(second) == "two"
    assert house.asked() == {LOCAL: 1, NETWORK: 2}


async def test_tier_that_answered_is_kept_though_it_failed_others_meanwhile() -> None:
    house = House(local=[says("one", CALL, StreamEnd()), GONE, GONE, GONE, says("two")], network=[says("network")])
    attempt = house.tiers.route(OPEN)
    await collect(attempt.answer(ASKED))
    for _ in range(3):
        await house.answer()
    assert join_text(await collect(attempt.answer(ASKED))) == "two"


async def test_text_of_a_broken_answer_is_void() -> None:
    house = House(local=[says(LONG, ModelError("broken"))], network=[GONE], cloud=[says("all of it")])
    pieces = await house.answer()
    assert "sofar" in join_text(pieces[: pieces.index(Restarted())])
    assert join_text(pieces[pieces.index(Restarted()) :]) == "allofit"


async def test_nothing_is_void_when_nothing_was_said() -> None:
    house = House(local=[(CALL, ModelError("broken"))], network=[says("fine")])
    assert Restarted() not in await house.answer()


async def test_text_of_an_earlier_round_stays() -> None:
    house = House(local=[says("one", CALL, StreamEnd()), GONE], network=[says("two")])
    attempt = house.tiers.route(OPEN)
    await collect(attempt.answer(ASKED))
    assert await collect(attempt.answer(ASKED)) == [TextDelta("two"), StreamEnd()]


async def test_tool_calls_wait_for_the_end_of_the_answer() -> None:
    house = House(local=[(TextDelta("I"), CALL, TextDelta("will"), StreamEnd())])
    assert await house.answer() == [TextDelta("Iwill"), CALL, StreamEnd()]


async def test_closing_an_answer_stops_its_model() -> None:
    house = House(local=[says("many words")])
    async with aclosing(house.tiers.route(OPEN).answer(ASKED)) as answer:
        await anext(answer)
        assert house.models[LOCAL].open == 1
    assert house.models[LOCAL].open == 0


async def test_tier_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    house = House(local=[GONE], network=[says("network")])
    for _ in range(5):
        await house.answer()
    assert house.asked() == {LOCAL: 3, NETWORK: 5}
    assert house.tiers.find_tier(OPEN) is NETWORK
    house.now += 30.0
    await house.answer()
    await house.answer()
    assert house.asked() == {LOCAL: 4, NETWORK: 7}


async def test_tier_that_is_back_is_used_again() -> None:
    house = House(local=[GONE, GONE, GONE, says("back")])
    for _ in range(3):
        with pytest.raises(ModelError):
            await house.answer()
    house.now += 30.0
    assert join_text(await house.answer()) == "back"
    assert join_text(await house.answer()) == "back"


async def test_models_are_a_problem_while_none_of_them_answers() -> None:
    house = House(local=[GONE, says("back")], network=[GONE, GONE])
    problems = [house.tiers.problem]
    with pytest.raises(ModelError):
        await house.answer()
    problems.append(house.tiers.problem)
    await house.answer()
    problems.append(house.tiers.problem)
    assert problems == [None, "no language model answers: local, network", None]


async def test_trial_that_nobody_waited_for_is_made_again() -> None:
    house = House(local=[GONE, GONE, GONE, says("many words")])
    for _ in range(3):
        with pytest.raises(ModelError):
            await house.answer()
    house.now += 30.0
    async with aclosing(house.tiers.route(OPEN).answer(ASKED)) as answer:
        await anext(answer)
        assert house.tiers.find_tier(OPEN) is None, "while the trial is under way"
    assert join_text(await house.answer()) == "manywords"


async def test_first_tier_is_warmed() -> None:
    house = House(local=[says("a")], network=[says("b")], cloud=[says("c")])
    assert await house.tiers.warm_up(ASKED, OPEN) is LOCAL
    assert await house.tiers.warm_up(ASKED, RoutingRequest(Complexity.MEDIUM)) is NETWORK
    assert {name: len(model.warmed) for name, model in house.models.items()} == {LOCAL: 1, NETWORK: 1, CLOUD: 0}


async def test_cloud_is_not_warmed() -> None:
    house = House(cloud=[says("c")])
    assert await house.tiers.warm_up(ASKED, OPEN) is None
    assert not house.models[CLOUD].warmed


async def test_warm_ups_that_fail_count_as_failures() -> None:
    house = House(local=[GONE], network=[says("network")])
    for _ in range(3):
        with pytest.raises(ModelError):
            await house.tiers.warm_up(ASKED, OPEN)
    await house.answer()
    assert house.asked() == {LOCAL: 0, NETWORK: 1}


@pytest.mark.parametrize("fault", list(Fault))
async def test_faults_of_a_real_connection_fall_through(fault: Fault) -> None:
    hasty = {"first_token_seconds": 0.5, "stall_seconds": 0.5}
    async with (
        run_scripted_server(Rule(say="From the local tier.", fault=fault)) as near,
        run_scripted_server(Rule(say="From the network.")) as far,
        load_model("ollama", near.url, **hasty) as local,
        load_model("openai", far.url, **hasty) as network,
    ):
        with capture_logs() as logs:
            pieces = await collect(
                TierRouter({LOCAL: local, NETWORK: network}).route(OPEN).answer(create_prompt("blue elephant"))
            )
    assert join_text(pieces) == "From the network."
    assert Restarted() not in pieces, "nothing of the other was heard"
    tries = 2 if fault is Fault.UNPARSED else 1  # of what only the model wrote
    assert [line["event"] for line in logs] == [*["model failed"] * tries, "model answered"]
    assert "elephant" not in str(logs)
    assert (_asked(near), _asked(far)) == (tries, 1)


def _asked(server: OllamaServer) -> int:
    return len(server.received)


# ------------------------------------------------------------------------- what a model wrote, and models without tools


UNREAD: Script = (ModelOutputError("half a call"),)


async def test_what_a_model_wrote_never_shuts_its_tier_for_the_other_rooms() -> None:
    house = House(local=[*[UNREAD] * 10, says("hello there")])
    for _ in range(5):
        with pytest.raises(ModelOutputError):
            await house.answer()
    assert join_text(await house.answer()) == "hellothere"


async def test_a_model_that_wrote_half_a_call_is_asked_once_more_before_the_next_tier() -> None:
    house = House(local=[UNREAD, says("hello there")], network=[says("hi")])
    assert join_text(await house.answer()) == "hellothere"
    assert house.asked() == {LOCAL: 2, NETWORK: 0}
    house = House(local=[UNREAD], network=[says("hi")])
    assert join_text(await house.answer()) == "hi"
    assert house.asked() == {LOCAL: 2, NETWORK: 1}


async def test_what_was_said_before_half_a_call_is_void() -> None:
    long = " ".join(f"word{number}" for number in range(60))  # of which some is heard before the end
    house = House(local=[says(long, ModelOutputError("half a call")), says("Well then")])
    pieces = await house.answer()
    begin = pieces.index(Restarted())
    assert "word10" in join_text(pieces[:begin])
    assert join_text(pieces[begin:]) == "Wellthen"


REFUSED: Script = (ToolsUnsupportedError("local (m): the model supports no tools (status 400)"),)


async def test_a_model_that_takes_no_tools_is_asked_again_at_once_and_never_with_them_again() -> None:
    house = House(local=[REFUSED, says("hello there")])
    prompt = Prompt(ASKED.messages, ASKED.tools, "Write COMMAND.")
    with capture_logs() as logs:
        for _ in range(3):
            assert join_text(await house.answer(prompt=prompt)) == "hellothere"
    model = house.models[LOCAL]
    assert [bool(asked.tools) for asked in model.asked] == [True, False, False, False]
    assert model.asked[1].messages[0].text.endswith("Write COMMAND.")
    assert model.asked[1] == model.asked[3]
    reasons = [log["reason"] for log in logs if log["log_level"] == "warning"]
    assert reasons == ["local (m): the model supports no tools (status 400)"]


async def test_a_model_that_takes_no_tools_is_warmed_without_them() -> None:
    house = House(local=[REFUSED, says("hello there")])
    model = house.models[LOCAL]
    await house.answer()
    await house.tiers.warm_up(ASKED, OPEN)
    assert [bool(warmed.tools) for warmed in model.warmed] == [False]


async def test_a_command_in_words_is_a_call() -> None:
    house = House(local=[REFUSED, (TextDelta("COMM"), TextDelta("AND: turn on"), TextDelta(" the lamp"), StreamEnd())])
    (call,) = select_calls(await house.answer())
    assert (call.name, call.arguments) == ("Command", {"sentence": "turn on the lamp"})


async def test_a_model_with_tools_may_speak_of_commands() -> None:
    house = House(local=[(TextDelta("COMMAND: turn on the lamp"), StreamEnd())])
    assert select_calls(await house.answer()) == []


@pytest.mark.parametrize(("complexity", "answered"), [(Complexity.SIMPLE, {LOCAL: 1, NETWORK: 0, CLOUD: 0}), (Complexity.COMPLEX, {LOCAL: 0, NETWORK: 0, CLOUD: 1})])  # fmt: skip
async def test_a_turn_that_became_private_asks_no_cloud_unless_one_answers_already(complexity: Complexity, answered: dict[Tier, int]) -> None:  # fmt: skip
    house = House(local=[says("first"), GONE], network=[GONE], cloud=[says("outside")])
    turn = house.tiers.route(RoutingRequest(complexity, private=False))
    await collect(turn.answer(ASKED))
    assert house.asked() == answered
    assert turn.keep_private() is (complexity is Complexity.SIMPLE)
    if complexity is Complexity.SIMPLE:
        with pytest.raises(ModelError):
            await collect(turn.answer(ASKED))
        assert house.asked()[CLOUD] == 0


async def test_a_cloud_gets_no_private_message() -> None:
    house = House(local=[GONE], cloud=[says("hello")])
    secret = ChatMessage(ChatRole.USER, "what the home remembers", is_private=True)
    await house.answer(prompt=ASKED.append(secret))
    assert house.models[Tier.LOCAL].asked == [ASKED.append(secret)]
    assert house.models[Tier.CLOUD].asked == [ASKED]


async def test_what_nobody_waits_for_asks_no_cloud_whatever_is_allowed() -> None:
    house = House(local=[says("hello")], cloud=[says("outside")])
    assert await house.tiers.complete(ASKED, RoutingRequest(Complexity.COMPLEX, private=False)) == "whole"
    assert house.asked() == {LOCAL: 1, CLOUD: 0}
    with pytest.raises(ModelError, match="no language model of the home"):
        await House(cloud=[says("outside")]).tiers.complete(ASKED, RoutingRequest(private=False))
