from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole, Prompt, Tool, ToolCall
from wyoming_rosie_intent.llm.output.textual_commands import COMMAND, SENTENCE, CommandExtractor, remove_tools


def heard(*pieces: str) -> tuple[str, list[object]]:
    """Return the spoken text and the commands."""
    commands = CommandExtractor()
    said = "".join(map(commands.feed, pieces)) + commands.flush()
    return said, [(call.arguments or {})[SENTENCE] for call in commands.calls]


ANSWERS = {
    "alone": ("COMMAND: turn on the Kitchen Light", "", ["turn on the Kitchen Light"]),
    "marked": ("**Command:** `turn on the Kitchen Light.`\n", "", ["turn on the Kitchen Light"]),
    "German": ('COMMAND: "schalte das Küchenlicht ein"', "", ["schalte das Küchenlicht ein"]),
    "after words": ("Sure!\nCOMMAND: lock the door\n", "Sure!", ["lock the door"]),
    "on the same line": ("Sure, COMMAND: lock the door", "Sure,", ["lock the door"]),
    "two": ("COMMAND: lock the door\nCOMMAND: dim the lamp", "", ["lock the door", "dim the lamp"]),
    "words behind it": ("COMMAND: lock the door\nIt is locked.", "\nIt is locked.", ["lock the door"]),
    "none": ("Give me a command and I obey. Music, comma, c", "Give me a command and I obey. Music, comma, c", []),
    "empty": ("COMMAND:", "", []),
    "endless": (f"COMMAND: {'turn on ' * 50}", "", []),
    "too many": ("COMMAND: lock the door\n" * 4, "", []),
}


@pytest.mark.parametrize(("text", "said", "commands"), ANSWERS.values(), ids=ANSWERS)
def test_commands_are_taken_out_of_what_is_said(text: str, said: str, commands: list[str]) -> None:
    spoken, found = heard(text)
    assert (spoken.strip(), found) == (said.strip(), commands)


@given(
    st.lists(st.sampled_from(["COMMAND:", " turn on", "\n", "**", "Sure", " c", "omm", "and: ", "x"]), max_size=12),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_any_split_gives_the_same(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(edges)]
    assert heard(*pieces) == heard(text)


def test_a_prompt_in_words_has_neither_tools_nor_what_they_gave() -> None:
    by_rule, by_word = ToolCall("1", "HassTurnOn", {"name": "Lamp"}), ToolCall("2", COMMAND, {SENTENCE: "lock it"})
    prompt = Prompt(
        (
            ChatMessage(ChatRole.SYSTEM, "You are Rosie."),
            ChatMessage(ChatRole.USER, "lamp on"),
            ChatMessage(ChatRole.ASSISTANT, calls=(by_rule,)),
            ChatMessage(ChatRole.TOOL, "Turned on.", tool_call=by_rule),
            ChatMessage(ChatRole.ASSISTANT, "Turned on the Lamp."),
            ChatMessage(ChatRole.ASSISTANT, calls=(by_word,)),
            ChatMessage(ChatRole.TOOL, "Locked.", tool_call=by_word),
        ),
        (Tool("HassTurnOn", "", {}),),
        "Write COMMAND.",
    )
    assert remove_tools(prompt) == Prompt(
        (
            ChatMessage(ChatRole.SYSTEM, "You are Rosie.\n\nWrite COMMAND."),
            ChatMessage(ChatRole.USER, "lamp on"),
            ChatMessage(ChatRole.ASSISTANT, "Turned on the Lamp."),
            ChatMessage(ChatRole.ASSISTANT, "COMMAND: lock it"),
            ChatMessage(ChatRole.USER, "[What came of the command: Locked.]"),
        )
    )


def test_prompts_with_the_same_beginning_keep_it() -> None:
    tools = (Tool("HassTurnOn", "", {}),)
    warmed = Prompt(
        (ChatMessage(ChatRole.SYSTEM, "You are Rosie."), ChatMessage(ChatRole.USER, "It is noon.")), tools, "No tools."
    )
    asked = warmed.append(ChatMessage(ChatRole.USER, "hello"))
    assert remove_tools(asked).messages[:2] == remove_tools(warmed).messages
