"""What people ask of the memory, and its answers, by rules alone."""

from pathlib import Path

import pytest

from tests.unit.intent.llm.scripted_models import ScriptedRouter
from tests.unit.intent.memory.conversations import NOON, PRIVATE_HOME, conversing
from tests.waiting import wait_until
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import AnswerChunk, ConversationInput, Handled, NotHandled
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.prompts import prompt
from wyoming_rosie_intent.memory.dialogue_memory import MemoryPolicy
from wyoming_rosie_intent.memory.embedding import EmbeddingModel
from wyoming_rosie_intent.memory.model import MemoryKind, MemoryStore, MemoryStoreError, SpeakerRole
from wyoming_rosie_intent.memory.spoken.answers import find_period
from wyoming_rosie_intent.memory.spoken.sentences import MemoryPeriod

MEMORY = "memory.db"
PROMPTS = prompt.load()


async def test_a_fact_answers_a_later_question(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        assert await house.say("remember that my bin day is Tuesday") == "I will remember: Your bin day is Tuesday."
        house.conversation, house.area = "two", "office"
        assert await house.say("when is my bin day?") == "Your bin day is Tuesday."
        assert await house.say("what did I tell you about the bin day") == "Your bin day is Tuesday."
        assert await house.say("what do you know about me") == "Your bin day is Tuesday."


async def test_a_person_is_known_by_a_fact(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("Remember: my sister is Ada.")
        assert await house.say("who is Ada") == "Your sister is Ada."


@pytest.mark.parametrize("question", ["what is a bin", "what is the capital of France", "when is Easter", "who is Bob"])
async def test_what_no_fact_answers_is_not_answered_from_one(
    question: str, tmp_path: Path, recognizer: IntentRecognizer
) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that my bin day is Tuesday")
        assert "bin day" not in await house.say(question)


async def test_a_new_fact_says_what_it_replaces(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that my bin day is Tuesday")
        replaced = await house.say("remember that my bin day is Friday")
        assert replaced == "I will remember: Your bin day is Friday. No longer: Your bin day is Tuesday."
        assert await house.say("when is my bin day") == "Your bin day is Friday."


async def test_a_fact_is_told_in_the_language_of_the_house(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        house.language = "de"
        assert (
            await house.say("Merk dir, dass mein Mülltag Dienstag ist.") == "Ich merke mir: Dein Mülltag ist Dienstag."
        )
        assert await house.say("Wann ist mein Mülltag?") == "Dein Mülltag ist Dienstag."


@pytest.mark.parametrize("sentence", ["remember to buy milk", "remember me", "remember where I put the keys"])
async def test_what_states_nothing_is_not_kept(sentence: str, tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say(sentence)
        assert not [record for record in await house.kept() if record.kind is MemoryKind.FACT]


async def test_a_code_is_not_kept_and_says_so(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        assert await house.say("remember that the alarm code is 4711") == "I do not store codes or PINs."
        assert await house.kept_texts() == []


async def test_a_device_wins_over_the_memory(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that the kitchen light is on the ceiling")
        assert await house.say("is the kitchen light on?") != "The kitchen light is on the ceiling."


async def test_each_turn_is_kept_with_its_answer(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        house.speaker = "Anna"
        await house.say("turn on the kitchen light")
        answer, said = await house.kept()
        assert (said.text, said.speaker, said.intent) == ("turn on the kitchen light", SpeakerRole.PERSON, "HassTurnOn")
        assert (answer.text, answer.speaker) == ("Turned on the Kitchen Light.", SpeakerRole.ASSISTANT)
        for record in (said, answer):
            assert (record.person, record.room, record.conversation, record.turn) == ("Anna", "kitchen", "one", "turn1")


async def test_a_turn_is_kept_only_once_its_answer_was_taken(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        answer = house.dialogue.answer(ConversationInput("turn on the kitchen light", "one"), NOON, 0.0)
        assert isinstance(await anext(answer), Handled)
        assert house.service.waiting == 0
        assert await house.kept_texts() == []
        await answer.aclose()


async def test_what_a_model_told_from_a_fact_is_not_kept(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        for text, is_from_memory in (("when do they come", True), ("how are you", False)):
            outcome = Handled(f"Answer to {text}", is_from_memory=is_from_memory)
            house.memory.record(ConversationInput(text, "one"), outcome, NOON, by_model=True)
        assert await house.kept_texts() == ["Answer to how are you", "how are you", "when do they come"]


async def test_what_nobody_understands_is_not_kept(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("the goalkeeper catches the ball")
        assert await house.kept_texts() == []


async def test_forget_that_means_the_last_turn(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("turn on the kitchen light")
        await house.say("turn on the tv")
        assert await house.say("forget that") == "I have forgotten 2 things."
        assert await house.kept_texts() == ["Turned on the Kitchen Light.", "turn on the kitchen light"]


async def test_forget_that_means_the_fact_that_was_told(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that my bin day is Tuesday")
        await house.say("remember that my sister is Ada")
        await house.say("when is my bin day")
        assert await house.say("forget that") == "Forgotten."
        assert await house.kept_texts() == ["my sister is Ada"]
        assert await house.say("what did you say?") != "Your bin day is Tuesday."


async def test_forget_that_after_nothing_only_stops(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        assert not isinstance(await house.hear("forget that"), Handled | NotHandled)


async def test_forgetting_more_than_one_thing_asks_first(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that the boiler is ten years old")
        await house.say("remember that the boiler needs water in May")
        question = await house.hear("forget what I told you about the boiler")
        assert isinstance(question, Handled)
        assert question.expects_reply
        assert question.text.startswith("I found 2 things: ")
        assert len(await house.kept_texts()) == 2
        assert await house.say("yes") == "I have forgotten 2 things."
        assert await house.kept_texts() == []


async def test_a_no_forgets_nothing(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that the boiler is ten years old")
        await house.say("remember that the boiler needs water in May")
        asked = await house.say("forget everything I said today")
        assert asked == f"Those are {len(await house.kept())} things. Shall I forget them all?"
        await house.say("no")
        assert "the boiler is ten years old" in await house.kept_texts()


async def test_today_is_forgotten_and_yesterday_stays(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that my sister is Ada")
        house.moment = NOON.replace(day=11)
        await house.say("remember that my bin day is Tuesday")
        await house.say("turn on the kitchen light")
        await house.say("forget everything I said today")
        await house.say("yes")
        assert await house.kept_texts() == ["my sister is Ada"]


async def test_talk_of_yesterday_is_told(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("turn on the kitchen light")
        house.moment = NOON.replace(day=11)
        assert await house.say("what did we talk about yesterday") == 'You said: "turn on the kitchen light".'
        assert await house.say("what did we talk about today") == "I do not remember anything from then."


async def test_a_conversation_can_be_kept_out(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("turn on the kitchen light")
        assert await house.say("don't remember this") == "Okay, I will not keep this conversation."
        await house.say("turn off the kitchen light")
        assert await house.kept_texts() == []
        assert await house.say("remember that my sister is Ada") == "I do not keep anything here."
        house.conversation = "two"
        await house.say("turn on the tv")
        assert "turn on the tv" in await house.kept_texts()


@pytest.mark.parametrize("policy", [MemoryPolicy(off_rooms=["Kitchen"]), MemoryPolicy(off_persons=["anna"])])
async def test_nothing_is_kept_where_it_is_off(
    policy: MemoryPolicy, tmp_path: Path, recognizer: IntentRecognizer
) -> None:
    async with conversing(tmp_path / MEMORY, recognizer, policy) as house:
        house.speaker = "Anna"
        await house.say("turn on the kitchen light")
        assert await house.say("remember that my sister is Ada") == "I do not keep anything here."
        assert await house.kept_texts() == []


async def test_what_a_private_room_heard_is_told_only_there(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        house.area = "bedroom"
        await house.say("remember that the present is in the wardrobe")
        house.area, house.conversation = "kitchen", "two"
        assert "wardrobe" not in await house.say("what did I tell you about the present")
        assert "wardrobe" not in await house.say("where is the present")
        assert "wardrobe" not in await house.say("what did we talk about today")
        house.area = "bedroom"
        assert await house.say("where is the present") == "The present is in the wardrobe."


async def test_what_a_private_room_heard_stays_private_when_the_room_does_not(
    tmp_path: Path, recognizer: IntentRecognizer
) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        house.area = "bedroom"
        await house.say("remember that the present is in the wardrobe")
        assert [record.is_private for record in await house.kept()] == [True]


async def test_what_was_forgotten_in_one_room_is_not_repeated_in_another(
    tmp_path: Path, recognizer: IntentRecognizer
) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that my bin day is Tuesday")
        await house.say("when is my bin day")
        house.area, house.conversation = "office", "two"
        assert await house.say("forget what I told you about the bin day") == "Forgotten."
        house.area, house.conversation = "kitchen", "one"
        assert "Tuesday" not in await house.say("what did you say?")


async def test_a_person_hears_nothing_of_another(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        house.speaker = "Anna"
        await house.say("remember that my doctor is Ms Hill")
        house.speaker, house.conversation = "Ben", "two"
        assert "Hill" not in await house.say("who is my doctor")
        assert "Hill" not in await house.say("what do you know about me")


async def test_a_guest_cannot_forget_for_the_household(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that the boiler is ten years old")
    async with conversing(tmp_path / MEMORY, recognizer, MemoryPolicy(has_guests=True)) as house:
        house.conversation = "two"
        assert await house.say("how old is the boiler") == "The boiler is ten years old."
        assert await house.say("forget that") == "I only forget that for somebody whose voice I know."
        await house.say("forget everything you know")
        assert await house.kept_texts() == ["the boiler is ten years old"]


async def test_the_fact_of_another_is_quoted(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that my umbrella is by the door")
        house.speaker = "Ben"
        assert await house.say("where is the umbrella") == "Somebody told me: My umbrella is by the door."


async def test_a_sentence_that_may_do_nothing_forgets_nothing(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer) as house:
        await house.say("remember that my sister is Ada")
        read_only = ConversationInput("forget everything I told you", "one", area="kitchen", allow_tools=False)
        assert [event async for event in house.dialogue.answer(read_only, house.moment, 500.0)]
        assert await house.kept_texts() == ["my sister is Ada"]


async def test_a_memory_that_fails_is_told_once_and_turns_go_on(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    def fail(_: EmbeddingModel | None) -> MemoryStore:
        raise MemoryStoreError("the disk is full")

    async with conversing(tmp_path / MEMORY, recognizer, open_store=fail) as house:
        await wait_until(lambda: house.service.problem == "the disk is full")
        first, second = [await house.hear("turn on the kitchen light") for _ in range(2)]
        assert isinstance(first, Handled)
        assert first.text == "Turned on the Kitchen Light. I'm having trouble remembering."
        assert isinstance(second, Handled)
        assert second.text == "Turned on the Kitchen Light."
        asked = await house.hear("what did we talk about yesterday")
        assert isinstance(asked, NotHandled)
        assert asked.text == "I'm having trouble remembering."


async def test_a_model_that_answers_tells_of_the_failure_too(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    def fail(_: EmbeddingModel | None) -> MemoryStore:
        raise MemoryStoreError("the disk is full")

    executor = ActionExecutor(PRIVATE_HOME, DemoActor(PRIVATE_HOME), frozenset())
    agent = LlmAgent(ScriptedRouter(["It is a fine day."]), executor, PROMPTS, [HomeTools(executor)])
    async with conversing(tmp_path / MEMORY, recognizer, agent=agent, open_store=fail) as house:
        await wait_until(lambda: house.service.problem == "the disk is full")
        user_input = ConversationInput("how are you feeling about all that", "one", "en")
        events = [event async for event in house.dialogue.answer(user_input, NOON, 0.0)]
        said = "".join(event.text for event in events if isinstance(event, AnswerChunk))
        assert said == "It is a fine day. I'm having trouble remembering."
        assert isinstance(events[-1], Handled)
        assert events[-1].text == said


async def test_a_house_that_keeps_no_talk_keeps_facts(tmp_path: Path, recognizer: IntentRecognizer) -> None:
    async with conversing(tmp_path / MEMORY, recognizer, keep_days=0) as house:
        await house.say("turn on the kitchen light")
        await house.say("remember that my sister is Ada")
        assert await house.kept_texts() == ["my sister is Ada"]


def test_periods_end_where_the_next_begins() -> None:
    today, _ = find_period(MemoryPeriod.TODAY, NOON)
    assert find_period(MemoryPeriod.YESTERDAY, NOON)[1] == today
    monday, _ = find_period(MemoryPeriod.WEEK, NOON)
    assert find_period(MemoryPeriod.LAST_WEEK, NOON)[1] == monday
    assert monday == NOON.replace(day=8, hour=0).timestamp()
